// Inputs are whole files (zip, legacy), and also pickles that are put into a proper zip, so that mutations reach the
// machine behind it.
#include "target.hpp"
#include "vgen/formats/crc32.hpp"
#include "vgen/formats/torch_pickle.hpp"

using namespace vgen;
using namespace std::string_literals;

static std::string little(std::uint64_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(i < 8 ? v >> (8 * i) & 0xFF : 0);
  return out;
}
static std::string zip_of(const std::string& pickle) {
  std::string out, directory;
  int count = 0;
  for (const auto& [name, data] : {std::pair<std::string, std::string>{"a/data.pkl", pickle},
                                   {"a/data/0", std::string(24, 'x')},
                                   {"a/data/1", std::string(12, 'y')},
                                   {"a/version", "3\n"}}) {
    const std::string shared = little(20, 2) + little(0x0800, 2) + little(0, 2) + little(0, 4) + little(0, 4) +
                               little(data.size(), 4) + little(data.size(), 4) + little(name.size(), 2) + little(0, 2);
    directory += little(0x02014b50, 4) + little(20, 2) + shared + little(0, 10) + little(out.size(), 4) + name;
    out += little(0x04034b50, 4) + shared + name + data;
    ++count;
  }
  return out + directory + little(0x06054b50, 4) + little(0, 4) + little(count, 2) + little(count, 2) +
         little(directory.size(), 4) + little(out.size(), 4) + little(0, 2);
}

static std::string glob(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
static std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }
static std::string storage(const char* key, int numel, const char* type) {
  return "(" + text("storage") + glob("torch", type) + text(key) + text("cpu") + "K" + static_cast<char>(numel) + "tQ";
}
static const std::string proto = "\x80\x02";

static std::string tensor(const std::string& from) {
  return glob("torch._utils", "_rebuild_tensor_v2") + "(" + from + "K\0(K\x02K\x03t(K\x03K\x01t\x89"s +
         glob("collections", "OrderedDict") + ")RtR";
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto read = [](const std::string& b) {
    return fuzz::accepted([&] {
      const fuzz::MemoryFile file(b);
      fuzz::check_entries(formats::read_torch_pickle(file.path(), {.check_crc = false}));
    });
  };
  read(bytes);
  read(zip_of(bytes));
  return 0;
}
std::vector<std::string> seeds() {
  const std::string w = text("w") + tensor(storage("0", 6, "FloatStorage")),
                    plain = proto + "}(" + w + text("n") + tensor(storage("0", 6, "FloatStorage")) + "u.";
  const std::string module = proto + "}q\x01(" + text("state_dict") + glob("collections", "OrderedDict") + ")R(" + w +
                             "u" + text("p") + glob("torch.nn.modules.container", "ParameterDict") + ")\x81}(" +
                             text("_parameters") + "}" + text("*") + glob("torch._utils", "_rebuild_parameter") + "(" +
                             tensor(storage("1", 6, "HalfStorage")) + "\x88NtRsub" + text("step") + "J\1\2\3\4" +
                             text("lr") + "G\x3f\xf0" + std::string(6, '\0') + text("l") + "](NK\x05\x88" + text("x") +
                             "e" + "u.";
  const std::string legacy = proto + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + proto + "M\xe9\x03." +
                             proto + "}" + text("little_endian") + "\x88s." + proto + "}" + text("w") +
                             tensor(storage("k", 6, "FloatStorage")) + "s." + proto + "]" + text("k") + "a." +
                             little(6, 8) + std::string(24, 'x');
  return {plain,
          module,
          legacy,
          zip_of(plain),
          zip_of(module),
          "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\1"
          "aK\1\x8c\1"
          "b]\x94(K\1K\2e\x8c\1"
          "c\x8f\x94(K\1\x90u."s};
}
std::vector<std::string> tokens() {
  std::vector<std::string> out = {glob("torch._utils", "_rebuild_tensor_v2"),
                                  glob("torch._utils", "_rebuild_tensor_v3"),
                                  glob("torch._utils", "_rebuild_parameter"),
                                  glob("torch", "FloatStorage"),
                                  glob("torch.storage", "UntypedStorage"),
                                  glob("torch", "bfloat16"),
                                  glob("collections", "OrderedDict"),
                                  glob("builtins", "set"),
                                  glob("x.y", "Z"),
                                  glob("torch", "Size"),
                                  glob("torch._tensor", "_rebuild_from_type_v2"),
                                  text("storage"),
                                  text("0"),
                                  text("state_dict"),
                                  text("_parameters"),
                                  storage("0", 6, "FloatStorage"),
                                  "h\1",
                                  "q\1",
                                  "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"};
  for (const char c :
       std::string("().012NKMJGXUTCBtldaesuqrhjcRoibQ}]"
                   "\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97"))
    out.emplace_back(1, c);
  return out;
}
