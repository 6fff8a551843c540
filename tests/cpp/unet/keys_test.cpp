// Names and shapes of the full-size network against the released tables. Parameters are never written, so nothing of
// the 5.6 GB is occupied.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "vgen/core/atomic_file.hpp"
#include "vgen/unet/unet.hpp"

namespace vgen::unet {
namespace {

struct Row {
  std::string key;
  std::vector<std::int64_t> shape;
};
std::vector<Row> table(const std::string& path) {
  std::vector<Row> out;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    Row row{line.substr(0, tab), {}};
    std::istringstream sizes(line.substr(tab + 1));
    for (std::string each; std::getline(sizes, each, ',');) row.shape.push_back(std::stoll(each));
    out.push_back(std::move(row));
  }
  return out;
}
std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (const auto s : shape) n *= s;
  return n;
}

// Every parameter of ours once, every row of theirs once, the same shapes.
void expect_bijection(const std::vector<KeyPair>& pairs, UNet& net, const std::vector<Row>& theirs) {
  std::map<std::string, std::int64_t> sizes;
  net.each_parameter([&](const std::string& name, Tensor& t) { sizes[name] = t.numel(); });
  std::map<std::string, std::vector<std::int64_t>> wanted;
  for (const Row& row : theirs) wanted[row.key] = row.shape;
  ASSERT_EQ(pairs.size(), wanted.size());
  ASSERT_EQ(sizes.size(), wanted.size());
  for (const KeyPair& pair : pairs) {
    const auto row = wanted.find(pair.theirs);
    ASSERT_NE(row, wanted.end()) << pair.theirs;
    EXPECT_EQ(row->second, pair.their_shape) << pair.theirs;
    const auto ours = sizes.find(pair.ours);
    ASSERT_NE(ours, sizes.end()) << pair.ours;
    EXPECT_EQ(ours->second, product(pair.their_shape)) << pair.ours;
    wanted.erase(row);  // a second pair of the same name fails
    sizes.erase(ours);
  }
}

TEST(UNetKeys, TheReleasedModelOfTheReference) {
  UNet net;
  const auto theirs = table(VGEN_SOURCE_DIR "/tests/golden/unets/keys/t2v.tsv");
  EXPECT_EQ(theirs.size(), 1480u);
  EXPECT_EQ(net.parameter_count(), 1'411'233'860);
  const auto pairs = reference_keys(net);
  expect_bijection(pairs, net, theirs);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    ASSERT_EQ(pairs[i].theirs, theirs[i].key) << "row " << i;  // and in order
}

TEST(UNetKeys, TheReleasedModelOfDiffusers) {
  UNet net;
  // diffusers 0.33.1, UNet3DConditionModel with the configuration of damo-vilab/text-to-video-ms-1.7b.
  expect_bijection(diffusers_keys(net), net, table(VGEN_SOURCE_DIR "/tests/cpp/unet/data/diffusers_unet3d.tsv"));
}

TEST(UNetKeys, OtherPlansAreBijectionsToo) {
  for (const UNetOptions& options :
       {UNetOptions{.channels = 32, .context_channels = 8, .levels = {{1, false}, {2, true}}, .blocks_per_level = 1},
        UNetOptions{.channels = 64, .levels = {{1, true}, {1, true}, {2, false}, {3, true}}, .blocks_per_level = 3},
        UNetOptions{.channels = 64, .levels = {{1, false}}, .blocks_per_level = 2}}) {
    UNetOptions o = options;
    o.head_channels = 32;
    UNet net(o);
    for (const auto& pairs : {reference_keys(net), diffusers_keys(net)}) {
      std::set<std::string> ours, theirs;
      for (const KeyPair& pair : pairs) {
        EXPECT_TRUE(ours.insert(pair.ours).second) << pair.ours;
        EXPECT_TRUE(theirs.insert(pair.theirs).second) << pair.theirs;
      }
      EXPECT_EQ(ours.size(), net.named_parameters().size());
    }
  }
}

TEST(UNetKeys, AnEmbeddingHasNoPlaceInDiffusers) {
  UNet net(UNetOptions{.channels = 32, .levels = {{1, true}}, .head_channels = 32, .embeddings = {Fps{}}});
  EXPECT_EQ(reference_keys(net).size(), net.named_parameters().size());
  EXPECT_THROW(diffusers_keys(net), ConfigError);
}

}  // namespace
}  // namespace vgen::unet
