// Full-size networks of the released systems: names, shapes and their order against tests/golden/unets/keys.
#include <gtest/gtest.h>

#include <sstream>

#include "vgen/core/atomic_file.hpp"
#include "vgen/unet/presets.hpp"
#include "vgen/unet/unet.hpp"

namespace vgen::unet {
namespace {

using Keys = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

Keys keys(const std::string& file) {
  Keys out;
  std::istringstream lines(read_file(std::string(VGEN_SOURCE_DIR "/tests/golden/unets/keys/") + file));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    std::istringstream sizes(line.substr(tab + 1));
    out.emplace_back(line.substr(0, tab), std::vector<std::int64_t>{});
    for (std::string each; std::getline(sizes, each, ',');) out.back().second.push_back(std::stoll(each));
  }
  return out;
}

struct System {
  const char *name, *file;
  UNetOptions options;
  std::size_t tensors;
  std::int64_t parameters;
};
std::ostream& operator<<(std::ostream& out, const System& s) { return out << s.name; }

class FullSize : public testing::TestWithParam<System> {};

TEST_P(FullSize, HasTheReferencesTensorsInItsOrder) {
  UNet net(GetParam().options);  // 5.3 GB of addresses, no page of which is touched
  EXPECT_EQ(net.parameter_count(), GetParam().parameters);
  Keys ours;
  for (const KeyPair& pair : reference_keys(net)) ours.emplace_back(pair.theirs, pair.their_shape);
  const Keys theirs = keys(GetParam().file);
  ASSERT_EQ(theirs.size(), GetParam().tensors);
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_EQ(ours[i], theirs[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Systems, FullSize,
    testing::Values(System{"t2v", "t2v.tsv", {}, 1480, 1'411'233'860},
                    System{"sr600", "t2v.tsv", sr600(), 1480, 1'411'233'860},
                    System{"i2vgen_xl", "i2vgen.tsv", i2vgen_xl(), 1509, 1'420'469'224},
                    System{"higen", "higen.tsv", higen(), 1535, 1'483'201'924},
                    System{"tf_t2v", "tft2v_t2v.tsv", tf_t2v(), 1484, 1'416'504'900},
                    System{"video_composer", "tft2v_vcomposer.tsv", video_composer(), 1574, 1'416'584'436},
                    System{"video_lcm", "videolcm_t2v.tsv", video_lcm(video_composer({"text"})), 1480, 1'411'256'900},
                    System{"video_lcm_composer", "tft2v_vcomposer.tsv", video_lcm(video_composer()), 1574,
                           1'416'584'436}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(VideoComposer, NamesItsConditions) {
  EXPECT_THROW(video_composer({"text", "dept"}), ConfigError);
  EXPECT_THROW(video_composer({"depth", "depth"}), ConfigError);
  EXPECT_EQ(std::get<DenseMaps>(video_composer({"text"}).stem.at(0)).maps.size(), 0u);
}

}  // namespace
}  // namespace vgen::unet
