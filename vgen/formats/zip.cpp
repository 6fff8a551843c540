#include "vgen/formats/zip.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace vgen::formats::detail {
namespace {

constexpr std::size_t max_records = 400'000, max_name = 4096;
constexpr std::uint32_t all32 = 0xFFFFFFFF;

// Bounds-checked little-endian reads.
struct Bytes {
  std::span<const std::byte> data;
  const std::string& shown;

  [[noreturn]] void fail(std::size_t at, std::string_view why) const {
    throw FormatError(str(shown, ": zip: byte ", at, ": ", why));
  }
  std::uint64_t read(std::size_t at, std::size_t count) const {
    if (at > data.size() || count > data.size() - at) fail(at, "the file ends inside a header; it is truncated");
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(data[at + i]);
    return value;
  }
  std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(read(at, 2)); }
  std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(read(at, 4)); }
  std::uint64_t u64(std::size_t at) const { return read(at, 8); }
  std::string_view text(std::size_t at, std::size_t count) const {
    if (at > data.size() || count > data.size() - at) fail(at, "the file ends inside a name; it is truncated");
    return {reinterpret_cast<const char*>(data.data()) + at, count};
  }
};

// Sizes or offsets above 4 GiB stand in the extra field 1, only those whose 32-bit place holds 0xFFFFFFFF, in this
// order.
void read_zip64(const Bytes& b, std::size_t extra, std::size_t length, std::initializer_list<std::uint64_t*> fields) {
  const bool needed = std::ranges::any_of(fields, [](const std::uint64_t* f) { return *f == all32; });
  for (std::size_t at = extra, end = extra + length; needed;) {
    if (end - at < 4) b.fail(extra, "a size is marked as 64-bit but not given");
    const std::size_t id = b.u16(at), size = b.u16(at + 2);
    if (size > end - at - 4) b.fail(at, "an extra field is longer than its header says");
    if (id == 1) {
      std::size_t p = at + 4;
      for (std::uint64_t* f : fields) {
        if (*f != all32) continue;
        if (at + 4 + size - p < 8) b.fail(at, "the zip64 field is too short");
        *f = b.u64(p);
        p += 8;
      }
      return;
    }
    at += 4 + size;
  }
}

}  // namespace

std::vector<ZipRecord> read_stored_zip(const FileBytes& file) {
  const std::string shown = printable(file.path().string(), 400);
  const Bytes b{file.bytes(), shown};
  const std::size_t size = b.data.size();
  if (size < 22 || b.u32(size - 22) != 0x06054b50)
    b.fail(size < 22 ? 0 : size - 22,
           "no end-of-directory record at the end of the file; it is truncated or something was appended");
  const std::size_t tail = size - 22;
  if (b.u16(tail + 20) != 0) b.fail(tail + 20, "a comment is announced but not there");
  if (b.u16(tail + 4) != 0 || b.u16(tail + 6) != 0 || b.u16(tail + 8) != b.u16(tail + 10))
    b.fail(tail + 4, "the archive is split over several files");
  std::uint64_t count = b.u16(tail + 10), directory_bytes = b.u32(tail + 12), directory = b.u32(tail + 16);
  std::size_t directory_end = tail;
  if (tail >= 20 && b.u32(tail - 20) == 0x07064b50) {  // zip64 locator
    const std::uint64_t end64 = b.u64(tail - 20 + 8);
    if (tail < 20 + 56 || end64 != tail - 20 - 56 || b.u32(end64) != 0x06064b50 || b.u64(end64 + 4) != 44)
      b.fail(tail - 20, "the zip64 end-of-directory record is not where it is said to be");
    const std::uint64_t count64 = b.u64(end64 + 32), bytes64 = b.u64(end64 + 40), offset64 = b.u64(end64 + 48);
    const auto agree = [](std::uint64_t small, std::uint64_t small_limit, std::uint64_t large) {
      return small == large || small == small_limit;
    };
    if (b.u64(end64 + 24) != count64 || b.u32(end64 + 16) != 0 || b.u32(end64 + 20) != 0 ||
        !agree(count, 0xFFFF, count64) || !agree(directory_bytes, all32, bytes64) || !agree(directory, all32, offset64))
      b.fail(end64, "the zip64 and the plain end-of-directory records differ");
    count = count64, directory_bytes = bytes64, directory = offset64;
    directory_end = end64;
  }
  if (count > max_records) b.fail(tail, str("more than ", max_records, " records"));
  if (directory > directory_end || directory_bytes != directory_end - directory)
    b.fail(tail + 12, "the directory is not where it is said to be");
  if (count > directory_bytes / 46) b.fail(tail + 10, "more records are announced than the directory can hold");

  struct Extent {
    std::uint64_t begin, end;
  };
  std::vector<Extent> extents;
  std::vector<ZipRecord> out;
  out.reserve(count);
  std::unordered_set<std::string> names;
  std::size_t at = directory;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (directory_end - at < 46 || b.u32(at) != 0x02014b50) b.fail(at, "expected a directory entry");
    const std::size_t flags = b.u16(at + 8), method = b.u16(at + 10), name_length = b.u16(at + 28),
                      extra_length = b.u16(at + 30), comment = b.u16(at + 32);
    if (directory_end - at - 46 < name_length + extra_length + comment)
      b.fail(at, "a directory entry leaves the directory");
    const std::string name(b.text(at + 46, name_length));
    const std::string label = "record '" + printable(name) + "'";
    std::uint64_t stored = b.u32(at + 20), plain = b.u32(at + 24), local = b.u32(at + 42);
    const std::uint32_t crc = b.u32(at + 16);
    if (name.empty() || name_length > max_name || name.find('\0') != std::string::npos)
      b.fail(at, label + ": bad name");
    if (!names.insert(name).second) b.fail(at, label + " appears twice");
    if (method != 0 && (name.find("/code/") != std::string::npos || name.ends_with("/constants.pkl")))
      throw UnsupportedError(
          shown +
          ": a TorchScript file, which is a program; save the model's state_dict() with torch.save or as .safetensors");
    if (method != 0)
      b.fail(at,
             label + " is compressed; torch.save stores records uncompressed, so load and save the file again with it");
    if (flags & ~std::size_t(0x0808))
      b.fail(at, label + ": flags for encryption or other features that torch does not use");
    if (b.u16(at + 34) != 0) b.fail(at, label + " lies on another disk");
    read_zip64(b, at + 46 + name_length, extra_length, {&plain, &stored, &local});
    if (stored != plain) b.fail(at, label + ": stored, but its two sizes differ");
    at += 46 + name_length + extra_length + comment;

    if (local > directory || directory - local < 30 || b.u32(local) != 0x04034b50)
      b.fail(at, label + ": no local header where the directory says");
    const std::size_t local_name = b.u16(local + 26), local_extra = b.u16(local + 28);
    if (directory - local - 30 < local_name + local_extra) b.fail(local, label + ": its local header leaves the file");
    std::uint64_t local_stored = b.u32(local + 18), local_plain = b.u32(local + 22);
    const std::uint32_t local_crc = b.u32(local + 14);
    read_zip64(b, local + 30 + local_name, local_extra, {&local_plain, &local_stored});
    // With flag 8 the writer did not know sizes and CRC yet: zeros, and they follow the data.
    const bool later = flags & 8;
    const auto same = [&](std::uint64_t x, std::uint64_t y) { return x == y || (later && x == 0); };
    if (b.u16(local + 6) != flags || b.u16(local + 8) != method || b.text(local + 30, local_name) != name ||
        !same(local_stored, stored) || !same(local_plain, plain) || !same(local_crc, crc))
      b.fail(local, label + ": local header and directory differ");
    const std::uint64_t data = local + 30 + local_name + local_extra;
    if (plain > directory - data)
      b.fail(local, label + str(" is said to have ", plain, " bytes and leaves the file; it is truncated"));
    extents.push_back({local, data + plain});
    out.push_back({name, data, plain, crc});
  }
  if (at != directory_end) b.fail(at, "bytes follow the last directory entry");
  std::ranges::sort(extents, {}, &Extent::begin);
  for (std::size_t i = 1; i < extents.size(); ++i)
    if (extents[i].begin < extents[i - 1].end) b.fail(extents[i].begin, "two records overlap");
  if (!extents.empty() && extents[0].begin != 0)
    b.fail(0, "the first record does not begin the file; something was put before it");
  return out;
}

}  // namespace vgen::formats::detail
