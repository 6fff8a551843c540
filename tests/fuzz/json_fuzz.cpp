#include "target.hpp"
#include "vgen/formats/json.hpp"

using namespace vgen;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accepted([&] {
    const Node n = formats::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const int indent : {-1, 2})
      fuzz::require(formats::parse_json(formats::dump_json(n, indent), "dump", {.bytes = std::size_t(1) << 30}) == n,
                    "what is written reads back equal");
  });
  return 0;
}
std::vector<std::string> seeds() {
  return {R"({"a": [1, -2.5e-3, true, false, null], "é": "x\u00e9\ud83c\udfac\n", "m": {}})",
          "[[[[]]]]",
          R"({"weight_map": {"a.b": "model-00001-of-00002.safetensors"}})",
          R"([0, -0.0, 9223372036854775807, -9223372036854775808, 1e308, 5e-324, 0.1])",
          "\"\"",
          "  null  "};
}
std::vector<std::string> tokens() {
  return {"{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\"",
          "\\",
          "\\u",
          "\\ud800",
          "\\udc00",
          "true",
          "null",
          "-",
          "0",
          "1e",
          ".",
          "999999999999999999999",
          "1e999",
          "\xff",
          "\xed\xa0\x80",
          "\n",
          std::string(1, '\0'),
          "{\"a\":1,\"a\":2}"};
}
