// Released checkpoints of every system: what they are is read off their tensors, whatever wraps them; they load,
// convert and come back bit for bit; what does not fit says what it is.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <sstream>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/convert.hpp"
#include "vgen/pipelines/foreign_config.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/tiny.hpp"
#include "vgen/pipelines/unet_layout.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/unet/presets.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::pipelines {
namespace {
namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// ---- full size: the key tables ----

Shapes table(const std::string& path) {
  Shapes out;
  std::istringstream lines(read_file(std::string(VGEN_SOURCE_DIR "/tests/") + path));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    std::istringstream sizes(line.substr(tab + 1));
    auto& shape = out[line.substr(0, tab)];
    for (std::string each; std::getline(sizes, each, ',');) shape.push_back(std::stoll(each));
  }
  return out;
}

struct Released {
  const char *name, *file;
  Layout layout;
  const char* asked;  // "" = the first that fits
  unet::UNetOptions options;
  const char* adapters;  // system whose adapters lie inside
};
std::ostream& operator<<(std::ostream& out, const Released& r) { return out << r.name; }

// As diffusers' class runs it: the picture's latent once, not twice.
unet::UNetOptions i2vgen_xl_of_diffusers() {
  unet::UNetOptions o = unet::i2vgen_xl();
  o.stem = {unet::ImageLatents{.gain = 1}};
  return o;
}

class KeyTables : public testing::TestWithParam<Released> {};

TEST_P(KeyTables, SayWhatTheNetworkIs) {
  const Released& r = GetParam();
  const Shapes shapes = table(r.file);
  const auto found = find_parts(shapes);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (FoundPart{Part::unet, r.layout}));
  EXPECT_EQ(system_of_adapters(shapes), r.adapters);
  const auto options = std::get<unet::UNetOptions>(options_of(shapes, found[0], r.asked));
  EXPECT_EQ(formats::dump_json(to_node(options)), formats::dump_json(to_node(r.options)));
  // Every tensor has its place: the network's as a bijection, the rest are adapters.
  unet::UNet net(options);
  std::map<std::string, std::vector<std::int64_t>, std::less<>> left = shapes;
  for (const KeyPair& pair : key_map(options, net, r.layout)) {
    const auto at = left.find(pair.theirs);
    ASSERT_NE(at, left.end()) << pair.theirs;
    EXPECT_EQ(at->second, pair.their_shape) << pair.theirs;
    left.erase(at);
  }
  for (const auto& [name, shape] : left) EXPECT_TRUE(is_adapter_name(name)) << name;
  EXPECT_EQ(left.empty(), std::string_view(r.adapters).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Systems, KeyTables,
    testing::Values(
        Released{"t2v", "golden/unets/keys/t2v.tsv", Layout::reference, "", {}, ""},
        Released{"sr600", "golden/unets/keys/t2v.tsv", Layout::reference, "sr600", unet::sr600(), ""},
        Released{"dream_video", "golden/unets/keys/t2v.tsv", Layout::reference, "dream_video", {}, ""},
        Released{"i2vgen_xl", "golden/unets/keys/i2vgen.tsv", Layout::reference, "", unet::i2vgen_xl(), ""},
        Released{"i2vgen_xl_diffusers", "cpp/unet/data/diffusers_i2vgen_xl.tsv", Layout::diffusers, "",
                 i2vgen_xl_of_diffusers(), ""},
        Released{"t2v_diffusers", "cpp/unet/data/diffusers_unet3d.tsv", Layout::diffusers, "", {}, ""},
        Released{"higen", "golden/unets/keys/higen.tsv", Layout::reference, "", unet::higen(), ""},
        Released{"tf_t2v", "golden/unets/keys/tft2v_t2v.tsv", Layout::reference, "", unet::tf_t2v(), ""},
        Released{"video_composer", "golden/unets/keys/tft2v_vcomposer.tsv", Layout::reference, "",
                 unet::video_composer(), ""},
        Released{"video_lcm", "golden/unets/keys/videolcm_t2v.tsv", Layout::reference, "",
                 unet::video_lcm(unet::video_composer({"text"})), ""},
        Released{"video_lcm_composer", "golden/unets/keys/tft2v_vcomposer.tsv", Layout::reference, "video_lcm",
                 unet::video_lcm(unet::video_composer()), ""},
        Released{"lora", "golden/unets/keys/lora.tsv", Layout::reference, "", {}, "instruct_video"},
        Released{"subject", "golden/unets/keys/dreamvideo_subject.tsv", Layout::reference, "", {}, "dream_video"},
        Released{"motion", "golden/unets/keys/dreamvideo_motion.tsv", Layout::reference, "", {}, "dream_video"},
        Released{"joint", "golden/unets/keys/dreamvideo_joint.tsv", Layout::reference, "", {}, "dream_video"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(KeyTables, BothTowersOfClip) {
  const Shapes shapes = table("golden/keys/clip_vit_h_14.tsv");
  const auto found = find_parts(shapes);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (FoundPart{Part::text_encoder, Layout::reference}));
  EXPECT_EQ(found[1], (FoundPart{Part::image_encoder, Layout::reference}));
  const auto text = std::get<conditioning::ClipTextOptions>(options_of(shapes, found[0]));
  const auto vision = std::get<conditioning::ClipVisionOptions>(options_of(shapes, found[1]));
  EXPECT_EQ(text, conditioning::ClipTextOptions{});
  EXPECT_EQ(vision, conditioning::ClipVisionOptions{});
  auto left = shapes;
  for (const auto& pairs : {conditioning::open_clip_keys(text), conditioning::open_clip_keys(vision)})
    for (const KeyPair& pair : pairs) {
      ASSERT_TRUE(left.contains(pair.theirs)) << pair.theirs;
      EXPECT_EQ(left[pair.theirs], pair.their_shape) << pair.theirs;
      left.erase(pair.theirs);
    }
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.begin()->first, "logit_scale");
  EXPECT_EQ(describe(shapes), "a text_encoder in open_clip's names, an image_encoder in open_clip's names");
}

TEST(Systems, ThatAUNetFits) {
  EXPECT_THAT(systems_of(unet::UNetOptions{}), ElementsAre("t2v", "sr600", "dream_video", "instruct_video"));
  EXPECT_THAT(systems_of(unet::i2vgen_xl()), ElementsAre("i2vgen_xl"));
  EXPECT_THAT(systems_of(unet::higen()), ElementsAre("higen"));
  EXPECT_THAT(systems_of(unet::tf_t2v()), ElementsAre("tf_t2v", "video_composer", "video_lcm"));
  EXPECT_THAT(systems_of(unet::video_composer()), ElementsAre("video_composer", "tf_t2v", "video_lcm"));
  EXPECT_THAT(systems_of(unet::video_composer({"text", "depth"}))[0], "video_composer");
  EXPECT_THAT(systems_of(unet::video_composer({"text"}))[0], "video_lcm");
  // Features of vgen's own small models say nothing of the system.
  unet::UNetOptions own;
  own.stem = {unet::FramePosition{}};
  own.embeddings = {unet::FrameText{}};
  EXPECT_EQ(systems_of(own)[0], "t2v");
}

// ---- tiny models of every system ----

fs::path scratch() { return fs::temp_directory_path() / str("vgen-released-", static_cast<long long>(getpid())); }

template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& e) { return e.what(); } catch (const std::exception& e) {
    ADD_FAILURE() << "another exception: " << e.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

// Parameters of every part, in our names.
weights::StateDict all_of(const fs::path& folder) {
  const ModelFolder m = open_model_folder(folder);
  weights::StateDict out;
  for (const Part part : m.parts()) {
    const auto module = make_part(m.part(part).options);
    for (auto& [name, t] : read_part(m.part(part), *module)) out.emplace_back(str(name_of(part), ".", name), t);
  }
  return out;
}
void expect_same(const weights::StateDict& a, const weights::StateDict& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << a[i].first;
  }
}

class TinySystems : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { write_tiny_model(GetParam(), root_ / "vgen", 4); }
  void TearDown() override { fs::remove_all(root_); }
  const fs::path root_ = scratch();
};

TEST_P(TinySystems, ComeBackFromTheReferencesLayoutBitForBit) {
  const auto report = convert(root_ / "vgen", root_ / "reference", {.to = Layout::reference});
  const ModelFolder ours = open_model_folder(root_ / "vgen"), theirs = open_model_folder(root_ / "reference");
  EXPECT_EQ(theirs.layout, Layout::reference);
  EXPECT_EQ(theirs.index, ours.index);
  EXPECT_EQ(theirs.image_encoder.has_value(), ours.image_encoder.has_value());
  EXPECT_EQ(report.items.size(), ours.parts().size());
  for (const Part part : ours.parts()) EXPECT_EQ(theirs.part(part).options, ours.part(part).options) << name_of(part);
  convert(root_ / "reference", root_ / "again");
  expect_same(all_of(root_ / "vgen"), all_of(root_ / "again"));
  // The UNet's file alone, told whose it is.
  const PartFile part = open_part(theirs.unet.file, {.system = GetParam()});
  EXPECT_EQ(part.found, (FoundPart{Part::unet, Layout::reference}));
  EXPECT_EQ(looks_like(std::get<unet::UNetOptions>(part.options)),
            looks_like(std::get<unet::UNetOptions>(ours.unet.options)));
}

TEST_P(TinySystems, DiffusersHasAPlaceForTwoOfThem) {
  const unet::UNetOptions network = std::get<unet::UNetOptions>(open_model_folder(root_ / "vgen").unet.options);
  const auto to_diffusers = [&] { convert(root_ / "vgen", root_ / "diffusers", {.to = Layout::diffusers}); };
  const bool has_place =
      GetParam() == "t2v" || GetParam() == "i2vgen_xl" || GetParam() == "dream_video" || GetParam() == "instruct_video";
  if (!has_place) {
    EXPECT_THAT(message<UnsupportedError>(to_diffusers), HasSubstr("diffusers"));
    EXPECT_FALSE(fs::exists(root_ / "diffusers"));
    return;
  }
  to_diffusers();
  const ModelFolder m = open_model_folder(root_ / "diffusers", GetParam());
  EXPECT_EQ(m.index.system, GetParam());
  unet::UNetOptions there = std::get<unet::UNetOptions>(m.unet.options);
  convert(root_ / "diffusers", root_ / "again", {.system = GetParam()});
  weights::StateDict ours = all_of(root_ / "vgen"), back = all_of(root_ / "again");
  if (!there.stem.empty()) {  // diffusers takes the picture's latent once, the convolution behind it makes up for that
    EXPECT_EQ(std::get<unet::ImageLatents>(there.stem[0]).gain, 1);
    there.stem = network.stem;
    for (auto& [name, t] : ours)
      if (name == "unet.down.0.conv.weight") t = at::cat({t.narrow(1, 0, 4), t.narrow(1, 4, 4) * 2}, 1);
  }
  EXPECT_EQ(there, network);
  std::erase_if(ours, [](const auto& e) {  // what transformers' text encoders leave out, as the report says
    return e.first == "text_encoder.projection" || e.first.starts_with("text_encoder.transformer.blocks.1.");
  });
  expect_same(ours, back);
}

INSTANTIATE_TEST_SUITE_P(Family, TinySystems,
                         testing::Values("t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm",
                                         "dream_video", "instruct_video"),
                         [](const auto& info) { return info.param; });

// ---- released folders ----

class ReleasedFolders : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }
  // A tiny model as people hold it: the reference's files, the UNet under its released name, nothing of vgen's.
  fs::path released(const std::string& system, const std::string& unet_file = "", const std::string& name = "") {
    const fs::path folder = root_ / (name.empty() ? system : name);
    write_tiny_model(system, root_ / ("vgen_" + system), 5);
    convert(root_ / ("vgen_" + system), folder, {.to = Layout::reference});
    fs::remove(folder / "model_index.json");
    if (!unet_file.empty()) fs::rename(open_model_folder(folder, system).unet.file, folder / unet_file);
    return folder;
  }
  static weights::StateDict owned(const fs::path& file) {
    weights::StateDict out;
    for (auto& [name, t] : weights::read_state_dict(file)) out.emplace_back(name, t.clone());
    return out;
  }
  const fs::path root_ = scratch();
};

TEST_F(ReleasedFolders, I2vgenXlRuns) {
  const fs::path folder = released("i2vgen_xl", "i2vgen_xl_00854500.pth");
  // As released: {"state_dict", "step"}, and a Stable Diffusion checkpoint for the autoencoder.
  weights::save_state_dict(folder / "i2vgen_xl_00854500.pth", owned(folder / "i2vgen_xl_00854500.pth"),
                           {.extra = Node::map({{"step", Node(854500)}})});
  weights::StateDict sd = owned(folder / "VQGAN_autoencoder.pth");
  sd.emplace_back("model.diffusion_model.input_blocks.0.0.weight", at::zeros({4, 4, 3, 3}));
  fs::remove(folder / "VQGAN_autoencoder.pth");
  weights::save_state_dict(folder / "v2-1_512-ema-pruned.ckpt", sd, {.extra = Node::map({{"global_step", Node(5)}})});
  const ModelFolder m = open_model_folder(folder);
  EXPECT_EQ(m.index, system_named("i2vgen_xl").index);
  EXPECT_TRUE(m.notes.empty()) << m.notes[0];
  ASSERT_TRUE(m.image_encoder);
  EXPECT_EQ(m.image_encoder->file.filename(), "open_clip_pytorch_model.bin");
  Inputs inputs;
  inputs.image = video::Frames(1, 40, 56, 3, 8);
  for (std::size_t i = 0; i < inputs.image.bytes(); ++i) (*inputs.image.pixels)[i] = std::uint8_t(i * 37 % 251);
  const Request request{.prompt = "a fox", .frames = 4, .height = 64, .width = 64, .steps = 2, .fps = 8, .seed = 3};
  Pipeline ours = Pipeline::from_pretrained(root_ / "vgen_i2vgen_xl"),
           theirs = Pipeline::from_pretrained(folder, {.system = "i2vgen_xl"});
  EXPECT_TRUE(
      at::equal(ours.generate(request, inputs).front().latents, theirs.generate(request, inputs).front().latents));
  // Without the image tower there is nothing to look with.
  weights::StateDict text = owned(folder / "open_clip_pytorch_model.bin");
  std::erase_if(text, [](const auto& e) { return e.first.starts_with("visual."); });
  weights::save_state_dict(folder / "open_clip_pytorch_model.bin", text);
  EXPECT_THAT(message<IoError>([&] { open_model_folder(folder); }),
              AllOf(HasSubstr("'image_encoder'"), HasSubstr("turns a picture")));
}

TEST_F(ReleasedFolders, PrefixesAndWrappersDoNotMatter) {
  const fs::path folder = released("higen", "cvpr2024.t2v.e003.non_ema_0725000.pth");
  const weights::StateDict plain = owned(folder / "cvpr2024.t2v.e003.non_ema_0725000.pth");
  for (const char* prefix : {"module.", "model.", "model.module."}) {
    weights::StateDict state;
    for (const auto& [name, t] : plain) state.emplace_back(prefix + name, t);
    weights::save_state_dict(folder / "cvpr2024.t2v.e003.non_ema_0725000.pth", state,
                             {.extra = Node::map({{"step", Node(7)}})});
    const ModelFolder m = open_model_folder(folder);
    EXPECT_EQ(m.unet.found.prefix, prefix);
    EXPECT_EQ(m.index.system, "higen");
    EXPECT_EQ(std::get<unet::UNetOptions>(m.unet.options).bypass, unet::TemporalBypass::single_frame);
    const auto net = make_part(m.unet.options);
    EXPECT_TRUE(load_part(m.unet, *net).fits());
  }
}

TEST_F(ReleasedFolders, NamesOfReleasedFilesTellWhatShapesDoNot) {
  const fs::path folder = released("sr600", "sr_step_110000_ema.pth");
  ModelFolder m = open_model_folder(folder);
  EXPECT_EQ(m.index.system, "sr600");
  EXPECT_EQ(std::get<unet::UNetOptions>(m.unet.options).row_padding, 2);
  EXPECT_TRUE(m.notes.empty());
  fs::rename(folder / "sr_step_110000_ema.pth", folder / "mine.pth");
  fs::remove(folder / "configuration.json");
  m = open_model_folder(folder);
  EXPECT_EQ(m.index, system_named("t2v").index);
  ASSERT_EQ(m.notes.size(), 1u);
  EXPECT_THAT(m.notes[0], AllOf(HasSubstr("t2v"), HasSubstr("sr600"), HasSubstr("--system NAME")));
  m = open_model_folder(folder, "sr600");
  EXPECT_EQ(m.index, system_named("sr600").index);
  EXPECT_EQ(std::get<unet::UNetOptions>(m.unet.options).free_u.size(), 2u);
  EXPECT_TRUE(m.notes.empty());
  const fs::path large = released("video_composer", "tft2v_vcomposer_non_ema_270000_896x512.pth");
  m = open_model_folder(large);
  EXPECT_EQ(m.index.defaults.width, 896);
  EXPECT_EQ(std::get<unet::DenseMaps>(std::get<unet::UNetOptions>(m.unet.options).stem.at(0)).height, 512);
}

TEST_F(ReleasedFolders, OneOfSeveralUNetsIsChosenBySystem) {
  // The reference keeps every model in one folder.
  const fs::path folder = released("higen", "higen.pth", "models");
  fs::rename(released("t2v", "model_scope_v1-5_0632000.pth") / "model_scope_v1-5_0632000.pth",
             folder / "model_scope_v1-5_0632000.pth");
  fs::rename(released("sr600", "sr_step_110000_ema.pth") / "sr_step_110000_ema.pth", folder / "sr_step_110000_ema.pth");
  fs::remove(folder / "configuration.json");
  const auto file = [&](const char* system) { return open_model_folder(folder, system).unet.file.filename().string(); };
  EXPECT_EQ(file("higen"), "higen.pth");
  EXPECT_EQ(file("sr600"), "sr_step_110000_ema.pth");
  EXPECT_EQ(file("dream_video"), "model_scope_v1-5_0632000.pth");
  EXPECT_THAT(message<WeightsError>([&] { file("t2v"); }),
              AllOf(HasSubstr("2 files"), HasSubstr("configuration.json")));
  EXPECT_THAT(message<WeightsError>([&] { file(""); }), AllOf(HasSubstr("3 files"), HasSubstr("--system NAME")));
}

TEST_F(ReleasedFolders, LoraInsideACheckpointIsAttached) {
  const fs::path folder = released("instruct_video", "ddim20_1102-18-52_non_ema_0620000.pth");
  const fs::path file = folder / "ddim20_1102-18-52_non_ema_0620000.pth";
  weights::StateDict state = owned(file);
  auto net = std::make_shared<unet::UNet>(std::get<unet::UNetOptions>(open_model_folder(folder).unet.options));
  adapters::Injection lora = adapters::inject(net, adapters::LoraOptions{.rank = 2}, make_generator(1));
  const at::NoGradGuard off;
  for (auto& [name, t] : lora.named_parameters()) t.normal_(0, 0.3, make_generator(2));
  for (auto& [name, t] : lora.state_dict(adapters::Layout::reference)) state.emplace_back(name, t);
  weights::save_state_dict(file, state, {.extra = Node::map({{"step", Node(620000)}})});
  const ModelFolder m = open_model_folder(folder);
  EXPECT_EQ(m.index.system, "instruct_video");
  EXPECT_TRUE(m.unet.adapters);
  Pipeline with = Pipeline::from_pretrained(folder);
  ASSERT_EQ(with.components().adapters.size(), 1u);
  const Request request{.prompt = "a fox", .frames = 2, .height = 64, .width = 64, .steps = 2, .seed = 3};
  const Tensor tuned = with.generate(request).front().latents;
  with.components().adapters[0].set_scale(0);
  EXPECT_FALSE(at::equal(tuned, with.generate(request).front().latents));
  // Converted, they are a file of their own.
  const auto report = convert(folder, root_ / "converted");
  EXPECT_EQ(report.items.size(), 5u);  // both towers, UNet, its LoRA, VAE
  Pipeline bare = Pipeline::from_pretrained(root_ / "converted");
  EXPECT_TRUE(bare.components().adapters.empty());
  bare.components().adapters.push_back(
      adapters::inject(bare.components().unet, adapters::load(root_ / "converted" / "adapter.safetensors")));
  EXPECT_TRUE(at::equal(tuned, bare.generate(request).front().latents));
}

TEST_F(ReleasedFolders, WhatIsNoUNetOfTheSystemSaysWhatItIs) {
  const fs::path folder = released("t2v", "model_scope_0267000.pth");
  EXPECT_THAT(message<WeightsError>([&] { open_model_folder(folder, "i2vgen_xl"); }),
              AllOf(HasSubstr("model_scope_0267000.pth"), HasSubstr("not one of i2vgen_xl"), HasSubstr("one of t2v"),
                    HasSubstr("use --system t2v"), HasSubstr("nothing was loaded")));
  EXPECT_THAT(message<ConfigError>([&] { open_model_folder(folder, "i2vgen-xl"); }), HasSubstr("did you mean"));
  EXPECT_THAT(message<WeightsError>([&] { open_part(folder / "model_scope_0267000.pth", {.system = "higen"}); }),
              HasSubstr("use --system t2v"));
  // An annotator's file, or an adapter, in place of a UNet.
  fs::remove(folder / "model_scope_0267000.pth");
  const std::pair<const char*, const char*> others[] = {
      {"module.init_block.weight", "PiDiNet"},
      {"patch_embedding.weight", "depth estimator"},
      {"layers.44.weight", "sketch simplifier"},
      {"input_blocks.1.1.transformer_blocks.0.attn1.to_q_lora.down_linear.weight", "--lora"},
      {"input_blocks.1.1.transformer_blocks.0.cross_attn_adapter.down_linear.weight", "--adapter"}};
  for (const auto& [tensor, what] : others) {
    weights::save_state_dict(folder / "other.pth", {{tensor, at::zeros({2, 2})}});
    EXPECT_THAT(message<IoError>([&] { open_model_folder(folder, "t2v"); }),
                AllOf(HasSubstr("no part 'unet'"), HasSubstr("other.pth"), HasSubstr(what)));
    EXPECT_THAT(message<WeightsError>([&] { open_part(folder / "other.pth"); }), HasSubstr(what));
  }
}

TEST_F(ReleasedFolders, WeightsOfAnotherSystemInAFolderOfVgensAreNamed) {
  write_tiny_model("t2v", root_ / "t2v", 1);
  write_tiny_model("higen", root_ / "higen", 1);
  EXPECT_THAT(message<ConfigError>([&] { open_model_folder(root_ / "t2v", "dream_video"); }),
              AllOf(HasSubstr("is of t2v"), HasSubstr("\"system\"")));
  EXPECT_THAT(message<ConfigError>([&] { open_model_folder(root_ / "t2v", "higen"); }),
              AllOf(HasSubstr("use --system t2v"), Not(HasSubstr("\"system\""))));
  EXPECT_NO_THROW(open_model_folder(root_ / "t2v", "t2v"));
  fs::copy_file(root_ / "higen" / "unet" / "model.safetensors", root_ / "t2v" / "unet" / "model.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(message<WeightsError>([&] { Pipeline::from_pretrained(root_ / "t2v"); }),
              AllOf(HasSubstr("unexpected"), HasSubstr("those of a UNet of higen, expected one of t2v")));
}

TEST_F(ReleasedFolders, OneTowerOfAFileOfBoth) {
  const fs::path file = released("i2vgen_xl") / "open_clip_pytorch_model.bin";
  EXPECT_THAT(message<WeightsError>([&] { open_part(file); }),
              AllOf(HasSubstr("a text_encoder"), HasSubstr("an image_encoder"), HasSubstr("--part")));
  EXPECT_EQ(open_part(file, {.part = Part::text_encoder}).found.part, Part::text_encoder);
  convert(file, root_ / "tower.safetensors", {.to = Layout::diffusers, .part = Part::image_encoder});
  const PartFile tower = open_part(root_ / "tower.safetensors"), from = open_part(file, {.part = Part::image_encoder});
  EXPECT_EQ(tower.options, from.options);
  const auto a = make_part(tower.options), b = make_part(from.options);
  expect_same(read_part(tower, *a), read_part(from, *b));
  const auto theirs = weights::read_state_dict(root_ / "tower.safetensors");
  const auto& vision = std::get<conditioning::ClipVisionOptions>(tower.options);
  EXPECT_EQ(weights::find(theirs, "visual_projection.weight")->sizes(),
            (std::vector<std::int64_t>{vision.embed, vision.width}));
  EXPECT_NE(weights::find(theirs, "vision_model.pre_layrnorm.weight"), nullptr);
}

}  // namespace
}  // namespace vgen::pipelines
