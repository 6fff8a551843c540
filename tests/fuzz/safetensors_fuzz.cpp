// The header is fuzzed; a seed's length field is made to fit half of the time, so that mutations reach the parser
// behind it.
#include "target.hpp"
#include "vgen/formats/safetensors.hpp"

using namespace vgen;

static std::string file_of(const std::string& header, std::size_t payload) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return out + header + std::string(payload, 'x');
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto read = [](const std::string& b) {
    fuzz::accepted([&] {
      const fuzz::MemoryFile file(b);
      fuzz::check_entries(formats::read_tensor_file(file.path()));
    });
    fuzz::accepted([&] {
      const fuzz::MemoryFile file(b);
      const formats::TensorFile f = formats::read_safetensors(file.path());
      fuzz::check_entries(f);
      std::size_t total = 0;
      for (const auto& e : f.tensors) total += e.bytes;
      fuzz::require(total <= b.size(), "the tensors of a safetensors file do not overlap");
    });
  };
  read(bytes);
  const std::size_t end = bytes.rfind('}');
  if (size > 8 && end != std::string::npos && end > 8) read(file_of(bytes.substr(8, end - 7), bytes.size() - end - 1));
  return 0;
}
std::vector<std::string> seeds() {
  return {
      file_of(
          R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}})",
          32),
      file_of("{}", 0),
      file_of(
          R"(  {"w":{"dtype":"U8","shape":[0,5],"data_offsets":[0,0]},"v":{"data_offsets":[0,4],"shape":[2,2],"dtype":"BOOL"}}  )",
          4)};
}
std::vector<std::string> tokens() {
  return {"\"dtype\":",
          "\"shape\":",
          "\"data_offsets\":",
          "\"F32\"",
          "\"BF16\"",
          "\"F4\"",
          "[0,0]",
          "[4,8]",
          "-1",
          "1.0",
          "18446744073709551615",
          "9223372036854775807",
          "4294967296",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\"",
          "__metadata__",
          "\"a\":",
          "\\u0000",
          "0",
          "1",
          "24"};
}
