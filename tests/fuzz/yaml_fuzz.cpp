#include "target.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/yaml.hpp"

using namespace vgen;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto same = [](const Node& a, const std::string& written) {  // NaN is not equal to itself: compare as text
    return formats::dump_yaml(formats::parse_yaml(written, "dump", {.bytes = std::size_t(1) << 30})) ==
           formats::dump_yaml(a);
  };
  fuzz::accepted([&] {
    const Node n = formats::parse_yaml(text, "fuzz");
    bool reads_back = false;
    try {
      reads_back = same(n, formats::dump_yaml(n));
    } catch (const Error&) {}
    fuzz::require(reads_back, "what is written reads back equal");
  });
  fuzz::accepted([&] { formats::parse_yaml_value(text); });
  return 0;
}
std::vector<std::string> seeds() {
  return {"a: 1\nb:\n  c: [1, 2.5, x y]\n  d: {e: true, f: null}\n",
          "a:\n- 1\n- b: 2\n  c: 3\n-\n  - 4\n- - 5\n  - 6\nd: x",
          "a: long\n  text\n  here\n\n  and there\nb: 1",
          "a: 'don''t'\nb: \"t\\tn\\x41\\u00e9\\U0001F3AC\\\"\\\n  x\"\nc: 'l\n\n  m'\n",
          "a: |\n  x\n   y\n\n  z\nb: >-\n  x\n  y\n\n  z\nc: |+2\n    k\n\n",
          "--- # c\n{\"a\":1, b: [x,\n y z\n w], c: }\n...\n",
          "\xEF\xBB\xBF"
          "x: .nan\ny: -.inf\nz: 0x1F\nw: 1e-4\r\n",
          "- - - a\n    - b\n  - c: d\n    e:\n      f\n"};
}
std::vector<std::string> tokens() {
  return {": ",  "- ",  "\n",   "\n  ",     "\n    ",     " #", "'",    "\"",    "|",     ">",  "|-", ">+",   "[",
          "]",   "{",   "}",    ",",        "&a ",        "*a", "!t ",  "---\n", "...\n", "\t", "? ", "<<: ", "\\",
          "\\u", "\\x", "\r\n", "${env:X}", "_target_: ", "~",  ".inf", "0x",    "\xff",  "%",  "@"};
}
