// Model folders in every layout: what they are is read from them, converting keeps every bit, errors say what is
// missing.
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/pipelines/convert.hpp"
#include "vgen/pipelines/foreign_config.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::pipelines {
namespace {
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A tiny model that every layout has a place for.
class Layouts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root = fs::temp_directory_path() / str("vgen-layouts-", getpid());
    const fs::path folder = root / "vgen";
    const conditioning::ClipTextOptions text{
        .width = 64, .heads = 1, .layers = 3, .mlp = 96, .context_length = 20, .embed = 24};
    conditioning::ClipText tower(text);
    tower.initialise(make_generator(1));
    write_part(folder, "text_encoder", to_node(text), tower.named_parameters(), at::kFloat);
    const unet::UNetOptions u{.channels = 32,
                              .context_channels = 64,
                              .levels = {{1, true}, {2, true}, {2, false}},
                              .blocks_per_level = 1,
                              .head_channels = 16,
                              .first_heads = 8};
    unet::UNet net(u);
    nn::initialise(net, make_generator(2));
    write_part(folder, "unet", to_node(u), net.named_parameters(), at::kFloat);
    const vae::AutoencoderKlOptions v{.channels = 32, .multipliers = {1, 2, 2}, .blocks = 1};
    vae::AutoencoderKl vae(v);
    nn::initialise(vae, make_generator(3));
    write_part(folder, "vae", to_node(v), vae.named_parameters(), at::kFloat);
    ModelIndex index;
    index.schedule = {.schedule = schedulers::ScheduleKind::scaled_linear};
    index.prediction = diffusion::Prediction::epsilon;
    index.defaults = {
        .frames = 2, .height = 16, .width = 16, .fps = 8, .guidance = 3, .sampler = samplers::DdimOptions{.steps = 2}};
    write_file(folder / "model_index.json", formats::dump_json(to_node(index)));
    convert(folder, root / "reference", {.to = Layout::reference});
    convert(folder, root / "diffusers", {.to = Layout::diffusers});
  }
  static void TearDownTestSuite() { fs::remove_all(root); }
  void TearDown() override { fs::remove_all(root / "copy"); }

  static fs::path copy_of(const char* layout) {
    fs::remove_all(root / "copy");
    fs::copy(root / layout, root / "copy", fs::copy_options::recursive);
    return root / "copy";
  }
  template <class E, class F>
  static std::string message(F&& f) {
    try {
      f();
    } catch (const E& e) { return e.what(); } catch (const std::exception& e) {
      ADD_FAILURE() << "another exception: " << e.what();
      return "";
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  static void expect_same(nn::Module& a, nn::Module& b) {
    const auto x = a.named_parameters(), y = b.named_parameters();
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(x[i].first, y[i].first);
      EXPECT_TRUE(at::equal(x[i].second, y[i].second)) << x[i].first;
    }
  }
  static Tensor words(Pipeline& pipe) {
    const std::vector<std::string> texts{"a red circle", ""};
    return pipe.components().text->encode(texts).words;
  }
  inline static fs::path root;
};

TEST_F(Layouts, EveryLayoutGivesTheSameModel) {
  Pipeline ours = Pipeline::from_pretrained(root / "vgen");
  const Tensor latents = ours.generate({.prompt = "a red circle", .seed = 3}).front().latents;
  for (const char* layout : {"reference", "diffusers"}) {
    SCOPED_TRACE(layout);
    const ModelFolder folder = open_model_folder(root / layout);
    EXPECT_EQ(name_of(folder.layout), layout);
    Pipeline theirs = Pipeline::from_pretrained(root / layout);
    expect_same(*ours.components().unet, *theirs.components().unet);
    expect_same(*ours.components().vae, *theirs.components().vae);
    EXPECT_TRUE(at::equal(words(ours), words(theirs)));  // bit for bit, though the towers keep other blocks
    const Tensor other = theirs
                             .generate({.prompt = "a red circle",
                                        .frames = 2,
                                        .height = 16,
                                        .width = 16,
                                        .steps = 2,
                                        .guidance = 3,
                                        .seed = 3})
                             .front()
                             .latents;
    // Tables of diffusers are float32.
    EXPECT_LE((latents - other).abs().max().item<double>(), 1e-4 * latents.abs().max().item<double>());
  }
}

TEST_F(Layouts, ThereAndBackAgainKeepsEveryBit) {
  Pipeline ours = Pipeline::from_pretrained(root / "vgen");
  convert(root / "diffusers", root / "copy", {.to = Layout::reference});
  convert(root / "copy", root / "again");
  Pipeline back = Pipeline::from_pretrained(root / "again");
  expect_same(*ours.components().unet, *back.components().unet);
  expect_same(*ours.components().vae, *back.components().vae);
  EXPECT_TRUE(at::equal(words(ours), words(back)));
  EXPECT_NO_THROW(verify_manifest(root / "again"));
  fs::remove_all(root / "again");
}

TEST_F(Layouts, FilesAreWhatTheirReadersExpect) {
  const auto unet = weights::read_state_dict(root / "reference" / "text2video_pytorch_model.pth");
  EXPECT_NE(weights::find(unet, "input_blocks.1.0.temopral_conv.conv1.0.weight"), nullptr);
  EXPECT_EQ(weights::find(unet, "input_blocks.1.2.proj_in.weight")->dim(), 3);  // Conv1d
  const auto vae = weights::read_state_dict(root / "reference" / "VQGAN_autoencoder.pth");
  for (const auto& [name, t] : vae) EXPECT_TRUE(name.starts_with("first_stage_model.")) << name;
  const auto text = weights::read_state_dict(root / "diffusers" / "text_encoder" / "model.safetensors");
  EXPECT_NE(weights::find(text, "text_model.encoder.layers.1.self_attn.k_proj.weight"), nullptr);
  EXPECT_EQ(weights::find(text, "text_model.encoder.layers.2.self_attn.k_proj.weight"), nullptr);  // the skipped block
  EXPECT_TRUE(text::Tokenizer::from_merges(root / "diffusers" / "tokenizer" / "merges.txt").merges() ==
              text::Tokenizer::clip().merges());
  const Node vocabulary = formats::parse_json(read_file(root / "diffusers" / "tokenizer" / "vocab.json"), "vocab",
                                              {.bytes = 1 << 24, .nodes = 1'000'000});
  EXPECT_EQ(vocabulary.size(), 49408u);
  EXPECT_EQ(vocabulary.at("!").as_int(), 0);
  EXPECT_EQ(vocabulary.at("cat</w>").as_int(), 2368);
  EXPECT_EQ(vocabulary.at("<|endoftext|>").as_int(), 49407);
}

TEST_F(Layouts, PadTokenAndVocabularyOfTheFolderCount) {
  const fs::path folder = copy_of("diffusers");
  Node config = formats::parse_json(read_file(folder / "tokenizer" / "tokenizer_config.json"));
  config.set("pad_token", Node("<|endoftext|>"));
  write_file(folder / "tokenizer" / "tokenizer_config.json", formats::dump_json(config));
  EXPECT_EQ(open_model_folder(folder).pad, 49407);
  Pipeline zeros = Pipeline::from_pretrained(root / "diffusers"), ends = Pipeline::from_pretrained(folder);
  const Tensor a = words(zeros), b = words(ends);
  EXPECT_TRUE(at::equal(a[0].narrow(0, 0, 5), b[0].narrow(0, 0, 5)));  // start, three words, end
  EXPECT_FALSE(at::equal(a, b));
  EXPECT_THAT(message<UnsupportedError>([&] { convert(folder, root / "again"); }), HasSubstr("pad id 0"));
  write_file(folder / "tokenizer" / "merges.txt", "#version: 0.2\na b</w>\n");
  EXPECT_TRUE(open_model_folder(folder).merges.has_value());
}

TEST_F(Layouts, SchedulesOfDiffusersAreRead) {
  const fs::path folder = copy_of("diffusers"), scheduler = folder / "scheduler" / "scheduler_config.json";
  write_file(scheduler, R"({"_class_name": "DPMSolverMultistepScheduler", "beta_schedule": "squaredcos_cap_v2",
    "num_train_timesteps": 1000, "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
    "timestep_spacing": "trailing", "use_karras_sigmas": false})");
  const ModelIndex index = open_model_folder(folder).index;
  EXPECT_EQ(index.schedule.schedule, schedulers::ScheduleKind::cosine);
  EXPECT_TRUE(index.schedule.zero_terminal_snr);
  EXPECT_EQ(index.prediction, diffusion::Prediction::v);
  const auto& sampler = std::get<samplers::Dpmpp2mOptions>(index.defaults.sampler);
  EXPECT_EQ(sampler.grid.spacing, schedulers::Spacing::trailing);
  write_file(scheduler, R"({"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2]})");
  EXPECT_THAT(message<UnsupportedError>([&] { open_model_folder(folder); }), HasSubstr("trained_betas"));
  write_file(scheduler, R"({"_class_name": "DDIMScheduler", "prediction_type": "flow"})");
  EXPECT_THAT(message<ConfigError>([&] { open_model_folder(folder); }), HasSubstr("prediction_type"));
  fs::remove(scheduler);
  EXPECT_THAT(message<IoError>([&] { open_model_folder(folder); }), HasSubstr("scheduler_config.json"));
}

TEST_F(Layouts, OneCheckpointMayHoldTwoParts) {
  // As Stable Diffusion 2.1: the autoencoder and the text tower beside an image UNet.
  const fs::path folder = copy_of("reference");
  weights::StateDict all;
  for (auto& [name, t] : weights::read_state_dict(folder / "VQGAN_autoencoder.pth")) all.emplace_back(name, t.clone());
  for (auto& [name, t] : weights::read_state_dict(folder / "open_clip_pytorch_model.bin"))
    all.emplace_back("cond_stage_model.model." + name, t.clone());
  all.emplace_back("model.diffusion_model.input_blocks.0.0.weight", at::zeros({4, 4, 3, 3}));
  fs::remove(folder / "VQGAN_autoencoder.pth");
  fs::remove(folder / "open_clip_pytorch_model.bin");
  weights::save_state_dict(folder / "v2-1_512-ema-pruned.ckpt", all, {.extra = Node::map({{"global_step", Node(5)}})});
  const ModelFolder m = open_model_folder(folder);
  EXPECT_EQ(m.vae.found.prefix, "first_stage_model.");
  EXPECT_EQ(m.text_encoder.found.prefix, "cond_stage_model.model.");
  Pipeline ours = Pipeline::from_pretrained(root / "vgen"), theirs = Pipeline::from_pretrained(folder);
  expect_same(*ours.components().vae, *theirs.components().vae);
  EXPECT_TRUE(at::equal(words(ours), words(theirs)));
  EXPECT_THAT(message<WeightsError>([&] { open_part(folder / "v2-1_512-ema-pruned.ckpt"); }),
              AllOf(HasSubstr("a text_encoder"), HasSubstr("a vae")));
}

TEST_F(Layouts, WithoutConfigurationTheReferencesOwnIsTaken) {
  const fs::path folder = copy_of("reference");
  fs::remove(folder / "configuration.json");
  fs::remove(folder / "model_index.json");
  EXPECT_EQ(open_model_folder(folder).index.prediction, diffusion::Prediction::epsilon);  // by ModelScope's file name
  fs::rename(folder / "text2video_pytorch_model.pth", folder / "model_scope_0267000.pth");
  ModelFolder m = open_model_folder(folder);
  EXPECT_EQ(m.index, system_named("t2v").index);
  EXPECT_TRUE(m.notes.empty());  // the name of a released file
  fs::rename(folder / "model_scope_0267000.pth", folder / "mine.pth");
  m = open_model_folder(folder);
  EXPECT_EQ(m.index, system_named("t2v").index);
  ASSERT_EQ(m.notes.size(), 1u);
  EXPECT_THAT(m.notes[0], AllOf(HasSubstr("taken for a model of t2v"), HasSubstr("sr600")));
}

TEST_F(Layouts, MissingPartsAreNamed) {
  fs::path folder = copy_of("diffusers");
  fs::remove_all(folder / "vae");
  EXPECT_THAT(message<IoError>([&] { Pipeline::from_pretrained(folder); }),
              AllOf(HasSubstr("'vae'"), HasSubstr("turns latents into frames"), HasSubstr("unet")));
  folder = copy_of("diffusers");
  fs::remove(folder / "unet" / "diffusion_pytorch_model.safetensors");
  EXPECT_THAT(message<IoError>([&] { Pipeline::from_pretrained(folder); }),
              AllOf(HasSubstr("'unet'"), HasSubstr("config.json")));
  folder = copy_of("reference");
  fs::remove(folder / "open_clip_pytorch_model.bin");
  EXPECT_THAT(
      message<IoError>([&] { Pipeline::from_pretrained(folder); }),
      AllOf(HasSubstr("'text_encoder'"), HasSubstr("turns the prompt"), HasSubstr("VQGAN_autoencoder.pth (a vae")));
  fs::copy_file(folder / "text2video_pytorch_model.pth", folder / "other.pth");
  fs::copy_file(root / "reference" / "open_clip_pytorch_model.bin", folder / "open_clip_pytorch_model.bin");
  EXPECT_NO_THROW(open_model_folder(folder));  // configuration.json names one of the two UNets
  fs::remove(folder / "configuration.json");
  fs::rename(folder / "text2video_pytorch_model.pth", folder / "one.pth");
  EXPECT_THAT(message<WeightsError>([&] { open_model_folder(folder); }),
              AllOf(HasSubstr("2 files hold the part 'unet'"), HasSubstr("other.pth")));
  fs::create_directories(root / "copy" / "empty");
  EXPECT_THAT(message<IoError>([&] { open_model_folder(root / "copy" / "empty"); }), HasSubstr("found: nothing"));
  EXPECT_THAT(message<IoError>([&] { open_model_folder(folder / "other.pth"); }), HasSubstr("is a file"));
}

TEST_F(Layouts, WrongKindsAreNamed) {
  fs::path folder = copy_of("diffusers");
  fs::copy_file(folder / "vae" / "diffusion_pytorch_model.safetensors",
                folder / "unet" / "diffusion_pytorch_model.safetensors", fs::copy_options::overwrite_existing);
  EXPECT_THAT(message<WeightsError>([&] { Pipeline::from_pretrained(folder); }),
              AllOf(HasSubstr("expected the part 'unet'"), HasSubstr("found a vae in diffusers' names")));
  folder = copy_of("diffusers");
  write_file(folder / "model_index.json", R"({"_class_name": "StableDiffusionPipeline"})");
  EXPECT_THAT(message<UnsupportedError>([&] { Pipeline::from_pretrained(folder); }),
              HasSubstr("StableDiffusionPipeline"));
  weights::save_state_dict(folder / "lora.safetensors", {{"unet.to_q.lora_A.weight", at::zeros({2, 2})}});
  EXPECT_THAT(message<WeightsError>([&] { open_part(folder / "lora.safetensors"); }), HasSubstr("a LoRA"));
}

TEST_F(Layouts, OneReportAndNothingLoaded) {
  const fs::path folder = copy_of("diffusers"), file = folder / "unet" / "diffusion_pytorch_model.safetensors";
  weights::StateDict state;
  for (auto& [name, t] :
       weights::read_state_dict(root / "diffusers" / "unet" / "diffusion_pytorch_model.safetensors")) {
    if (name == "conv_norm_out.weight") continue;
    state.emplace_back(name, name == "conv_in.bias" ? at::zeros({7}) : t.clone());
  }
  state.emplace_back("stray", at::zeros({1}));
  weights::save_state_dict(file, state);
  EXPECT_THAT(message<WeightsError>([&] { Pipeline::from_pretrained(folder); }),
              AllOf(HasSubstr(file.string()), HasSubstr("1 missing, 1 unexpected, 1 misshaped"),
                    HasSubstr("conv_norm_out.weight"), HasSubstr("stray"), HasSubstr("expected [32], got [7]"),
                    HasSubstr("nothing was loaded")));
  // A part of a joined tensor that is absent is named by what it belongs to.
  const fs::path text = folder / "text_encoder" / "model.safetensors";
  state.clear();
  for (auto& [name, t] : weights::read_state_dict(root / "diffusers" / "text_encoder" / "model.safetensors"))
    if (name != "text_model.encoder.layers.0.self_attn.k_proj.bias") state.emplace_back(name, t.clone());
  weights::save_state_dict(text, state);
  EXPECT_THAT(message<WeightsError>([&] { Pipeline::from_pretrained(folder); }), HasSubstr("self_attn.k_proj.bias"));
}

TEST_F(Layouts, FilesConvertAlone) {
  const fs::path pth = root / "reference" / "text2video_pytorch_model.pth";
  fs::create_directories(root / "copy");
  const auto report =
      convert(pth, root / "copy" / "unet.safetensors", {.to = Layout::diffusers, .dtype = at::kBFloat16});
  ASSERT_EQ(report.items.size(), 1u);
  const PartFile part = open_part(root / "copy" / "unet.safetensors");
  EXPECT_EQ(part.found, (FoundPart{Part::unet, Layout::diffusers}));
  const auto original = weights::read_state_dict(root / "diffusers" / "unet" / "diffusion_pytorch_model.safetensors");
  const auto written = weights::read_state_dict(root / "copy" / "unet.safetensors");
  ASSERT_EQ(written.size(), original.size());
  EXPECT_EQ(report.items[0].bytes * 2, static_cast<std::uint64_t>(report.items[0].parameters) * 4);
  for (const auto& [name, t] : original) {
    const Tensor* other = weights::find(written, name);
    ASSERT_TRUE(other) << name;
    EXPECT_TRUE(at::equal(*other, t.to(at::kBFloat16))) << name;
  }
  // Names stay where no layout is asked for; values beside the tensors stay where the container has a place.
  convert(root / "reference" / "VQGAN_autoencoder.pth", root / "copy" / "vae.safetensors");
  EXPECT_TRUE(weights::read_state_dict(root / "copy" / "vae.safetensors")[0].first.starts_with("first_stage_model."));
  convert(root / "copy" / "vae.safetensors", root / "copy" / "vae.ckpt", {.to = Layout::reference});
  const auto a = weights::read_state_dict(root / "copy" / "vae.ckpt"),
             b = weights::read_state_dict(root / "reference" / "VQGAN_autoencoder.pth");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, t] : b) EXPECT_TRUE(at::equal(*weights::find(a, name), t)) << name;
  EXPECT_THAT(message<ConfigError>([&] { convert(pth, root / "copy" / "unet.onnx"); }), HasSubstr(".safetensors"));
  EXPECT_THAT(message<ConfigError>([&] { convert(pth, pth); }), HasSubstr("same file"));
  EXPECT_THROW(convert(root / "none.pth", root / "copy" / "x.pth"), IoError);
}

TEST_F(Layouts, ConvertingIsAllOrNothing) {
  const fs::path to = root / "copy";
  const auto leftovers = [&] {
    return std::ranges::count_if(fs::directory_iterator(root), [](const auto& e) {
      return e.path().filename().string().find("copy") != std::string::npos;
    });
  };
  const auto plan = convert(root / "vgen", to, {.to = Layout::diffusers, .dry_run = true});
  EXPECT_EQ(plan.items.size(), 3u);
  EXPECT_EQ(leftovers(), 0);
  ConvertOptions stop{.to = Layout::diffusers};
  stop.on_progress = [&](const ProgressEvent& e) {
    if (e.done == 2) stop.cancel.cancel();
  };
  EXPECT_THROW(convert(root / "vgen", to, stop), Interrupted);
  EXPECT_EQ(leftovers(), 0);
  fs::create_directories(to);
  write_file(to / "precious.txt", "mine");
  EXPECT_THAT(message<ConfigError>([&] { convert(root / "vgen", to); }), HasSubstr("exists"));
  EXPECT_TRUE(fs::exists(to / "precious.txt"));
}

TEST_F(Layouts, WhatALayoutCannotSayIsRefused) {
  const auto with = [&](const char* file, const char* key, Node value) {
    const fs::path folder = copy_of("vgen");
    Node node = formats::parse_json(read_file(folder / file));
    set_path(node, key, std::move(value));
    write_file(folder / file, formats::dump_json(node));
    return folder;
  };
  EXPECT_THAT(message<UnsupportedError>([&] {
                convert(with("vae/config.json", "scale_factor", Node(0.5)), root / "again", {.to = Layout::reference});
              }),
              HasSubstr("0.18215"));
  EXPECT_THAT(message<UnsupportedError>([&] {
                convert(with("model_index.json", "schedule.schedule", Node("quadratic")), root / "again",
                        {.to = Layout::diffusers});
              }),
              HasSubstr("quadratic"));
  EXPECT_THAT(message<UnsupportedError>([&] {
                const fs::path folder = with("unet/config.json", "first_heads", Node(4));
                auto state = weights::read_state_dict(root / "vgen" / "unet" / "model.safetensors");
                for (auto& [name, t] : state) t = t.clone();
                unet::UNetOptions u = std::get<unet::UNetOptions>(open_part(root / "vgen" / "unet").options);
                u.first_heads = 4;
                unet::UNet net(u);
                nn::initialise(net, make_generator(4));
                write_part(folder, "unet", to_node(u), net.named_parameters(), at::kFloat);
                convert(folder, root / "again", {.to = Layout::diffusers});
              }),
              HasSubstr("8 heads"));
  EXPECT_FALSE(fs::exists(root / "again"));
}

TEST_F(Layouts, ShapesTellTheOptions) {
  for (const char* layout : {"vgen", "reference", "diffusers"}) {
    SCOPED_TRACE(layout);
    const ModelFolder m = open_model_folder(root / layout);
    for (const Part part : {Part::text_encoder, Part::unet, Part::vae}) {
      const Shapes shapes = shapes_of(formats::read_tensor_file(m.part(part).file));
      const auto found = find_parts(shapes);
      ASSERT_EQ(found.size(), 1u) << name_of(part);
      EXPECT_EQ(found[0].part, part);
      EXPECT_EQ(name_of(found[0].layout), layout);
      const PartOptions options = options_of(shapes, found[0]);
      const auto module = make_part(options), wanted = make_part(m.part(part).options);
      const auto a = module->named_parameters(), b = wanted->named_parameters();
      ASSERT_EQ(a.size(), b.size()) << name_of(part);
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].first, b[i].first);
        EXPECT_EQ(a[i].second.sizes(), b[i].second.sizes()) << a[i].first;
      }
    }
  }
}

TEST(LayoutOptions, FullSizeFromShapes) {
  // The released tables alone give the options of the released models.
  const auto shapes = [](std::vector<KeyPair> pairs) {
    Shapes out;
    for (KeyPair& pair : pairs) out.emplace(pair.theirs, pair.their_shape);
    return out;
  };
  unet::UNet net;
  for (const auto& pairs : {unet::reference_keys(net), unet::diffusers_keys(net)}) {
    const Shapes s = shapes(pairs);
    ASSERT_EQ(find_parts(s).size(), 1u);
    EXPECT_EQ(std::get<unet::UNetOptions>(options_of(s, find_parts(s)[0])), unet::UNetOptions{});
  }
  const vae::AutoencoderKlOptions v;
  for (const auto& pairs : {vae::reference_keys(v), vae::diffusers_keys(v)}) {
    const Shapes s = shapes(pairs);
    EXPECT_EQ(std::get<vae::AutoencoderKlOptions>(options_of(s, find_parts(s).at(0))), v);
  }
  const conditioning::ClipTextOptions t;
  const Shapes s = shapes(conditioning::open_clip_keys(t));
  EXPECT_EQ(std::get<conditioning::ClipTextOptions>(options_of(s, find_parts(s).at(0))), t);
}

}  // namespace
}  // namespace vgen::pipelines
