// Rows A1-A8, A9 (truncation), A11 and A12 of the reliability table.
#include "vgen/formats/safetensors.hpp"

#include <algorithm>
#include <chrono>

#include "helpers.hpp"
#include "vgen/core/options.hpp"

namespace vgen::formats {
namespace {
using test::little;
using test::message_of;
using test::spill;
using test::TempDir;

std::string file_of(const std::string& header, const std::string& payload = "") {
  return little(header.size(), 8) + header + payload;
}

struct Safetensors : testing::Test {
  TempDir dir;
  std::filesystem::path file() const { return dir / "f.safetensors"; }
  TensorFile read(const std::string& bytes) const {
    spill(file(), bytes);
    return read_safetensors(file());
  }
  template <class Expected = FormatError>
  void refused(const std::string& bytes, const std::string& reason) const {
    const std::string m = message_of<Expected>([&] { read(bytes); });
    EXPECT_NE(m.find(reason), std::string::npos) << m;
  }
};

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{" + entry("w", dtype, shape, offsets) + "}";
}

TEST_F(Safetensors, ReadsAPlainFile) {
  const TensorFile f =
      read(file_of("{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "\"F32\"", "[2,3]", "[4,28]") + "," +
                       entry("a", "\"I16\"", "[2]", "[0,4]") + "}  ",
                   std::string(28, 'x')));
  ASSERT_EQ(f.tensors.size(), 2u);
  EXPECT_EQ(f.tensors[0].name, "a");
  EXPECT_EQ(f.tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(f.tensors[1].strides, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(f.tensors[1].bytes, 24u);
  EXPECT_EQ(f.metadata.at("format"), "pt");
  EXPECT_EQ(f.layout, "safetensors");
}

TEST_F(Safetensors, A1_HeaderLength) {
  for (int n = 0; n < 8; ++n) refused(std::string(static_cast<std::size_t>(n), '\1'), "byte 0");
  refused(little(1000, 8) + "{}", "only 2 bytes follow");
  refused(little(100'000'001, 8) + "{}", "above the limit");
  refused(little(std::uint64_t(1) << 63, 8) + "{}", "above the limit");
  refused(little(~std::uint64_t(0), 8) + "{}", "above the limit");
  refused(little(0, 8), "too early");
  EXPECT_TRUE(read(file_of("{}")).tensors.empty());
}

TEST_F(Safetensors, A2_HeaderText) {
  EXPECT_NO_THROW(read(file_of("  \n\t{}  \r\n ")));  // page-aligned writers put space before
  refused(file_of("[]"), "must be a JSON map");
  refused(file_of("x{}"), "must be a JSON map");
  refused(file_of(std::string("{}\0", 3)), "after the end");
  refused(file_of(std::string("{\0}", 3)), "expected a key");
  refused(file_of("{\"\xff\":1}"), "UTF-8");
  refused(file_of("{\"\\ud800\":1}"), "surrogate");
  refused(file_of("{\"a\":" + std::string(1'000'000, '[')), "expected a map");
  refused(file_of("{\"__metadata__\":{\"a\":" + std::string(1'000'000, '{') + "}}"), "must be a string");
  refused(file_of("{\"__metadata__\":{\"a\":1}}"), "must be a string");
  refused(file_of("{\"__metadata__\":[]}"), "map of strings");
  refused(file_of("{} {}"), "after the end");
}

TEST_F(Safetensors, A3_DuplicateNames) {
  const std::string first = entry("w", "\"U8\"", "[2]", "[0,2]");
  refused(file_of("{" + first + "," + first + "}", "xx"), "duplicate key 'w'");
  refused(file_of("{" + first + "," + entry("w", "\"U8\"", "[2]", "[2,4]") + "}", "xxxx"), "duplicate key 'w'");
  refused(file_of("{" + first + "," + entry("w", "\"U8\"", "[0]", "[2,2]") + "}", "xx"), "duplicate key 'w'");
  refused(file_of("{" + first + "," + entry("\\u0077", "\"U8\"", "[2]", "[2,4]") + "}", "xxxx"), "duplicate key 'w'");
  refused(file_of("{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "xx"),
          "duplicate key 'dtype'");
  refused(file_of("{\"__metadata__\":{},\"__metadata__\":{}}"), "duplicate key '__metadata__'");
}

TEST_F(Safetensors, A4_NumbersThatAreNoSizes) {
  for (const std::string bad : {"-1", "4.0", "4.9", "4e0", "1E0", "true", "null", "\"4\"", "18446744073709551616",
                                "9223372036854775808", "-0", "[4]", "{}", "NaN", "04", ""}) {
    const auto check = [&](const std::string& header) {
      EXPECT_THROW(read(file_of(header, std::string(4, 'x'))), FormatError) << header;
    };
    check(one("\"U8\"", "[" + bad + "]", "[0,4]"));
    check(one("\"U8\"", "[1," + bad + "]", "[0,4]"));
    check(one("\"U8\"", "[4]", "[" + bad + ",4]"));
    check(one("\"U8\"", "[4]", "[0," + bad + "]"));
  }
  for (const std::string bad : {"4", "null", "\"4\"", "{\"0\":4}"})
    refused(file_of(one("\"U8\"", bad, "[0,4]"), "xxxx"), "shape must be a list");
  for (const std::string bad : {"[0]", "[0,4,4]", "[]"})
    refused(file_of(one("\"U8\"", "[4]", bad), "xxxx"), "two numbers");
  for (const std::string bad : {"1", "null", "[\"U8\"]"})
    refused(file_of(one(bad, "[4]", "[0,4]"), "xxxx"), "dtype must be a string");
  refused(file_of("{\"w\":{\"dtype\":\"U8\",\"shape\":[4]}}", "xxxx"), "needs dtype");
  refused(file_of("{\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", "xxxx"),
          "unknown field 'x'");
}

TEST_F(Safetensors, A5_RangesThatDoNotTileThePayload) {
  refused(file_of(one("\"U8\"", "[4]", "[4,0]"), "xxxx"), "backwards");
  refused(file_of(one("\"U8\"", "[3]", "[0,4]"), "xxxx"), "need 3 bytes");
  refused(file_of(one("\"F32\"", "[4]", "[0,4]"), "xxxx"), "need 16 bytes");
  refused(file_of(one("\"U8\"", "[4]", "[0,4]"), "xxx"), "truncated");
  refused(file_of(one("\"U8\"", "[4]", "[0,4]"), "xxxxx"), "more bytes follow");
  refused(file_of(one("\"U8\"", "[4]", "[1,5]"), "xxxxx"), "leaves a hole");
  refused(file_of(one("\"U8\"", "[9223372036854775807,9223372036854775807]", "[0,4]"), "xxxx"), "overflows");
  refused(file_of(one("\"U8\"", "[4294967296,4294967296]", "[0,0]")), "overflows");
  refused(file_of(one("\"F64\"", "[2305843009213693952]", "[0,0]")), "overflows");
  refused(file_of(one("\"F64\"", "[4611686018427387904,2]", "[0,0]")), "overflows");
  refused(file_of(one("\"U8\"", "[9223372036854775807]", "[0,9223372036854775807]")), "truncated");

  // 600 broken layouts of three tensors: one offset moved, so that there is an overlap, a hole, or a size that is not
  // the shape's.
  test::Random random{11};
  int accepted = 0;
  for (int i = 0; i < 600; ++i) {
    std::size_t bounds[6], at = 0;
    std::string header = "{";
    std::size_t sizes[3];
    for (int t = 0; t < 3; ++t) {
      sizes[t] = 1 + random.below(9);
      bounds[2 * t] = at;
      bounds[2 * t + 1] = at += sizes[t];
    }
    const std::size_t which = random.below(7), by = 1 + random.below(3);
    std::size_t payload = at;
    if (which == 6)
      payload = i % 2 ? at + by : at - std::min(at, by);
    else
      bounds[which] = i % 2 || bounds[which] < by ? bounds[which] + by : bounds[which] - by;
    for (std::size_t t = 0; t < 3; ++t)
      header += std::string(t ? "," : "") + entry(str("t", t), "\"U8\"", str("[", sizes[t], "]"),
                                                  str("[", bounds[2 * t], ",", bounds[2 * t + 1], "]"));
    try {
      read(file_of(header + "}", std::string(payload, 'x')));
      ++accepted;
      ADD_FAILURE() << header;
    } catch (const FormatError& e) {
      EXPECT_NE(std::string(e.what()).find(which == 6 ? "payload" : "'t"), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(accepted, 0);
}

TEST_F(Safetensors, A6_UnknownDtype) {
  for (const std::string dtype : {"F4", "F6_E2M3", "C64", "f32", "float32", "", "F8_E8M0", "I128"}) {
    refused<UnsupportedError>(file_of(one("\"" + dtype + "\"", "[4]", "[0,4]"), "xxxx"), "supported: BOOL, U8");
  }
}

TEST_F(Safetensors, A7_Caps) {
  const auto many = [](std::size_t count) {
    std::string header = "{";
    for (std::size_t i = 0; i < count; ++i)
      header += entry(str("tensor.number.", i), "\"U8\"", "[0]", "[0,0]") + (i + 1 < count ? "," : "}");
    return file_of(header);
  };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read(many(200'000)).tensors.size(), 200'000u);
  refused(many(1'000'000), "more than 200000 tensors");
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 10)
      << "seconds, on a busy machine";
  EXPECT_NO_THROW(read(file_of("{" + entry(std::string(4096, 'n'), "\"U8\"", "[0]", "[0,0]") + "}")));
  refused(file_of("{" + entry(std::string(4097, 'n'), "\"U8\"", "[0]", "[0,0]") + "}"), "the limit is 4096");
  std::string rank = "[1";
  for (int i = 0; i < 64; ++i) rank += ",1";
  refused(file_of(one("\"U8\"", rank + "]", "[0,1]"), "x"), "64 dimensions");
  // Names that could rewrite a terminal are escaped in messages.
  const std::string m = message_of<FormatError>(
      [&] { read(file_of("{" + entry("\\u001b[31m\\u202e../x", "\"U8\"", "[3]", "[0,4]") + "}", "xxxx")); });
  EXPECT_EQ(m.find('\x1b'), std::string::npos);
  EXPECT_EQ(m.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_NE(m.find("\\x1b"), std::string::npos) << m;
}

TEST_F(Safetensors, EmptyAndScalarTensors) {
  const TensorFile f =
      read(file_of("{" + entry("a", "\"F32\"", "[]", "[0,4]") + "," + entry("b", "\"F32\"", "[0,5]", "[0,0]") + "," +
                       entry("c", "\"F32\"", "[3,0]", "[4,4]") + "}",
                   "xxxx"));
  EXPECT_EQ(f.tensors.size(), 3u);
}

struct Index : Safetensors {
  void write(const std::string& name, const std::vector<std::string>& tensors) const {
    static const float value = 1;
    std::vector<TensorToWrite> list;
    for (const auto& t : tensors) list.push_back({t, DType::f32, {1}, &value});
    write_safetensors(dir / name, list);
  }
  void index(const std::string& map) const {
    spill(dir / "model.safetensors.index.json", "{\"metadata\": {\"total_size\": 8}, \"weight_map\": " + map + "}");
  }
  TensorFile read_index() const { return read_safetensors_index(dir / "model.safetensors.index.json"); }
};

TEST_F(Index, A8_ReadsShards) {
  write("a.safetensors", {"x", "y"});
  write("b.safetensors", {"z"});
  index(R"({"x": "a.safetensors", "y": "a.safetensors", "z": "b.safetensors"})");
  EXPECT_EQ(read_index().tensors.size(), 3u);
  EXPECT_EQ(read_index().metadata.at("total_size"), "8");
  EXPECT_EQ(read_tensor_file(dir / "model.safetensors.index.json").tensors.size(), 3u);
}

TEST_F(Index, A8_NothingOutsideTheFolder) {
  write("a.safetensors", {"x"});
  TempDir outside;
  static const float value = 1;
  write_safetensors(outside / "o.safetensors", {{"x", DType::f32, {1}, &value}});
  std::filesystem::create_directories(dir / "sub");
  for (const std::string& bad :
       {(outside / "o.safetensors").string(),
        std::string("../") + outside.path().filename().string() + "/o.safetensors", std::string("sub/../a.safetensors"),
        std::string(".."), std::string("."), std::string(""), std::string("file:///etc/passwd"),
        std::string("https://x.y/a.safetensors"), std::string("a\\\\b.safetensors"), std::string("./a.safetensors")}) {
    index("{\"x\": \"" + bad + "\"}");
    EXPECT_THROW(read_index(), PathError) << bad;
  }
  std::filesystem::create_symlink(outside / "o.safetensors", dir / "link.safetensors");
  index(R"({"x": "link.safetensors"})");
  EXPECT_THROW(read_index(), PathError);
  std::filesystem::create_symlink(dir / "a.safetensors", dir / "inner.safetensors");
  index(R"({"x": "inner.safetensors"})");
  EXPECT_NO_THROW(read_index());
}

TEST_F(Index, A8_EachTensorInExactlyOneShard) {
  write("a.safetensors", {"x"});
  write("b.safetensors", {"x", "y"});
  const std::pair<const char*, const char*> bad[] = {
      {R"({"x": "a.safetensors", "y": "b.safetensors"})", "is in shard"},  // x is in both
      {R"({"x": "a.safetensors", "y": "a.safetensors"})", "does not hold it"},
      {R"({"x": "a.safetensors", "q": "missing.safetensors"})", "is missing"},
      {R"({"y": "b.safetensors"})", "does not list"},
      {R"({"x": 3})", "must be a string"},
      {R"([])", "no map 'weight_map'"}};
  for (const auto& [map, reason] : bad) {
    index(map);
    const std::string m = message_of<FormatError>([&] { read_index(); });
    EXPECT_NE(m.find(reason), std::string::npos) << map << " -> " << m;
  }
}

TEST_F(Safetensors, A9_TruncatedAnywhere) {
  const float values[50] = {};
  write_safetensors(file(), {{"a", DType::f32, {50}, values}, {"b", DType::i16, {7}, values}});
  const std::string whole = test::slurp(file());
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_THROW(read(whole.substr(0, n)), FormatError) << n;
  EXPECT_THROW(read(whole + "x"), FormatError);
}

TEST_F(Safetensors, A11_SavingOverTheLoadedFile) {
  std::vector<float> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  write_safetensors(file(), {{"w", DType::f32, {100'000}, values.data()}}, {{"k", "v"}});
  const std::string before = test::slurp(file());
  for (int i = 0; i < 50; ++i) {
    const TensorFile f = read_safetensors(file());
    const TensorEntry& e = f.tensors[0];
    write_safetensors(file(), {{e.name, e.dtype, e.shape, e.file->bytes().data() + e.offset}},
                      f.metadata);  // from the mapping of the file it replaces
    ASSERT_EQ(test::slurp(file()), before);
    ASSERT_EQ(std::memcmp(e.file->bytes().data() + e.offset, values.data(), 400'000), 0)
        << "the old mapping stays whole";
  }
}

TEST_F(Safetensors, A12_RoundTripOfAnything) {
  test::Random random{3};
  std::vector<std::string> bytes;  // random bits: NaN payloads, -0 and denormals among them
  for (int round = 0; round < 1000; ++round) {
    std::vector<TensorToWrite> tensors;
    bytes.clear();
    const std::size_t count = random.below(12);
    for (std::size_t t = 0; t < count; ++t) {
      TensorToWrite w{str("t", t, random.below(3) == 0 ? ".é\"\\\n" : "", random.next() % 100),
                      enum_names(DType{})[random.below(15)].first,
                      {}};
      for (std::size_t d = random.below(4); d-- > 0;) w.shape.push_back(static_cast<std::int64_t>(random.below(5)));
      std::string raw(byte_size(w), '\0');
      for (char& c : raw) c = static_cast<char>(random.next());
      bytes.push_back(std::move(raw));
      tensors.push_back(std::move(w));
    }
    for (std::size_t t = 0; t < count; ++t) {
      if (random.below(2))
        tensors[t].data = bytes[t].data();
      else
        tensors[t].make = [&bytes, t] { return std::shared_ptr<const void>(bytes[t].data(), [](const void*) {}); };
    }
    const std::map<std::string, std::string> metadata =
        round % 3 ? std::map<std::string, std::string>{{"a\n", "\"x\""}, {"é", ""}}
                  : std::map<std::string, std::string>{};
    write_safetensors(file(), tensors, metadata);
    const TensorFile f = read_safetensors(file());
    ASSERT_EQ(f.tensors.size(), count);
    ASSERT_EQ(f.metadata, metadata);
    for (const TensorEntry& e : f.tensors) {
      const auto t =
          static_cast<std::size_t>(std::ranges::find(tensors, e.name, &TensorToWrite::name) - tensors.begin());
      ASSERT_LT(t, count) << e.name;
      ASSERT_EQ(e.dtype, tensors[t].dtype);
      ASSERT_EQ(e.shape, tensors[t].shape);
      ASSERT_EQ(std::string(reinterpret_cast<const char*>(e.file->bytes().data()) + e.offset, e.bytes), bytes[t]);
      ASSERT_EQ(e.offset % item_size(e.dtype), 0u) << "aligned to its items";
    }
  }
}

TEST_F(Safetensors, WriterRefusesWhatItCannotWrite) {
  const float v = 0;
  EXPECT_THROW(write_safetensors(file(), {{"a", DType::f32, {1}, &v}, {"a", DType::f32, {1}, &v}}), FormatError);
  EXPECT_THROW(write_safetensors(file(), {{"__metadata__", DType::f32, {1}, &v}}), FormatError);
  EXPECT_THROW(write_safetensors(file(), {{"a", DType::f32, {-1}, &v}}), FormatError);
  EXPECT_THROW(write_safetensors(file(), {{"a", DType::f32, {1}}}), FormatError);
  EXPECT_THROW(write_safetensors(file(), {{"\xff", DType::f32, {1}, &v}}), FormatError);
  EXPECT_THROW(write_safetensors(dir / "no" / "f.safetensors", {}), IoError);
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path())) << "no temporary file is left";
}

TEST(TensorFile, OpenSaysWhy) {
  TempDir dir;
  EXPECT_NE(message_of<IoError>([&] { FileBytes::open(dir / "none"); }).find("No such file"), std::string::npos);
  EXPECT_NE(message_of<IoError>([&] { FileBytes::open(dir.path()); }).find("directory"), std::string::npos);
  spill(dir / "empty", "");
  EXPECT_EQ(FileBytes::open(dir / "empty")->bytes().size(), 0u);
  EXPECT_THROW(read_tensor_file(dir / "empty"), FormatError);
}

}  // namespace
}  // namespace vgen::formats
