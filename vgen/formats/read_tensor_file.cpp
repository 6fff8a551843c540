// Which reader a weight file needs, by its first bytes.
#include <algorithm>
#include <string_view>

#include "vgen/formats/safetensors.hpp"
#include "vgen/formats/tensor_file.hpp"
#include "vgen/formats/torch_pickle.hpp"

namespace vgen::formats {

TensorFile read_tensor_file(const std::filesystem::path& path, bool check_crc) {
  const std::shared_ptr<const FileBytes> file = FileBytes::open(path);
  const auto bytes = file->bytes();
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 512));
  const auto starts = [&](std::string_view magic) { return head.starts_with(magic); };
  const auto shown = [&] { return printable(path.string(), 400); };
  VGEN_CHECK(!starts("version https://git-lfs."), FormatError, shown(),
             ": this is a Git LFS pointer, not the file that it stands for; fetch that with: git lfs pull");
  // The first byte of a header length may look like a pickle's; then JSON follows at byte 8.
  const bool safetensors = head.size() > 8 && head.substr(4, 4) == std::string_view("\0\0\0\0", 4) &&
                           std::string_view("{ \t\r\n").find(head[8]) != std::string_view::npos;
  if (starts("PK") || starts("7z\xBC\xAF") || starts("\x1F\x8B") ||
      head.substr(std::min<std::size_t>(head.size(), 257)).starts_with("ustar") || (starts("\x80") && !safetensors))
    return read_torch_pickle(path, {.check_crc = check_crc});
  const std::size_t text = head.find_first_not_of(" \t\r\n");
  if (text != std::string_view::npos && head[text] == '{') return read_safetensors_index(path);
  VGEN_CHECK(safetensors || text == std::string_view::npos || head[text] != '<', FormatError, shown(),
             ": this is a web page (HTML or XML), not weights; download the file itself");
  return read_safetensors(path);
}

}  // namespace vgen::formats
