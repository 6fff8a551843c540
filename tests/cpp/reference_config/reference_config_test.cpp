// VGen's configurations: its dialect of YAML, its merges, and one report of all that is wrong. The files here are our
// own, in that dialect.
#include "vgen/reference_config/reference_config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "vgen/core/error.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/reference_config/prompt_list.hpp"

namespace vgen::reference_config {
namespace {
namespace fs = std::filesystem;

// A base file: block keys with flow maps in Python's style, trailing commas and comments.
constexpr const char* kBase = R"(TASK_TYPE: train_t2v_entrance
ENABLE: true
frame_lens: [1, 16, 32, ]
sample_fps: [1,  8, 16]
resolution: [448, 256]
embedder: {
    'type': 'FrozenOpenCLIPTextVisualEmbedder',
    'vit_resolution': [224, 224],
    'pretrained': 'models/text.bin'
}
UNet: {
    'type': 'UNetSD_T2VBase',
    'in_dim': 4,
    'upper_len': 128,
    'out_dim': 4,
    'dim_mult': [1, 2, 4, 4],
    # 'dropout': 0.3,
    'dropout' :0.2,
    'use_fps_condition': False
}
Diffusion: {
    'type': 'DiffusionDDIM',
    'schedule': 'cosine', # cosine
    'schedule_param': {
        'num_timesteps': 1000,
        'zero_terminal_snr': True,
    },
    'mean_type': 'v',
}
Pretrain: {
    'type': pretrain_specific_strategies,
    'resume_checkpoint': 'models/start.pth',
}
batch_sizes: {
    "1": 32,
    "16": 4
}
lr: 0.00003
p_zero: 0.1
num_steps: 1000
log_dir: "runs"
)";
constexpr const char* kRun = R"(TASK_TYPE: inference_text2video_entrance
use_fp16: True
guide_scale: 7.5
use_fp16: True
decoder_bs: 2
max_frames: 16
target_fps: 16      # not the rate of the file
scale: 8
seed: 11
round: 2
batch_size: 1
vldm_cfg: configs/base_t2v.yaml
test_list_path: data/prompts.txt
test_model: models/unet.pth
)";

class ReferenceConfig : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("vgen_reference_") + test->name());
    fs::remove_all(folder_);
    write("configs/base_t2v.yaml", kBase);
    write("configs/run.yaml", kRun);
    write("data/prompts.txt", "# a comment\n\na fox\n  two birds  \n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  fs::path run() const { return folder_ / "configs/run.yaml"; }
  // kRun with one line replaced.
  fs::path changed(const std::string& old, const std::string& now, std::string text = kRun) {
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return write("configs/run.yaml", text.replace(at, old.size(), now));
  }
  static std::string report(const Conversion& c, const fs::path& path) {
    try {
      expect_no_problems(c, path);
    } catch (const ConfigError& e) { return e.what(); }
    return "";
  }
  static const KeyReport* key(const Conversion& c, const std::string& name, const std::string& file) {
    for (const KeyReport& k : c.keys)
      if (k.key == name && k.where.find(file) != std::string::npos) return &k;
    return nullptr;
  }
  static std::int64_t at(const Node& node, std::initializer_list<const char*> path) {
    const Node* n = &node;
    for (const char* each : path) n = &n->at(each);
    return n->as_int();
  }
  fs::path folder_;
};

TEST_F(ReferenceConfig, MergesDefaultsBaseAndFile) {
  const Conversion c = convert(run());
  ASSERT_EQ(report(c, run()), "");
  const Node& index = c.config.at("index");
  EXPECT_EQ(c.config.at("system").as_string(), "t2v");
  EXPECT_EQ(index.at("defaults").at("guidance").as_double(), 7.5);
  EXPECT_EQ(at(index, {"defaults", "sampler", "steps"}), 50);  // VGen's default
  EXPECT_EQ(at(index, {"defaults", "width"}), 448);            // the base file
  EXPECT_EQ(index.at("defaults").at("negative_prompt").as_string().substr(0, 9), "Distorted");
  EXPECT_EQ(index.at("schedule").at("schedule").as_string(), "cosine");
  EXPECT_EQ(index.at("prediction").as_string(), "v");
  EXPECT_EQ(index.at("schedule").find("cosine_s"), nullptr);  // a map inside a block is replaced whole
  EXPECT_EQ(at(c.config, {"unet", "channels"}), 320);         // VGen's default
  EXPECT_EQ(at(c.config, {"unet", "out_channels"}), 4);       // the base file, over the default 8
  EXPECT_EQ(c.config.at("unet").at("dropout").as_double(), 0.2);
  EXPECT_EQ(c.config.at("checkpoints").at("unet").as_string(), "models/unet.pth");
  EXPECT_EQ(c.config.at("checkpoints").at("vae").as_string(), "models/v2-1_512-ema-pruned.ckpt");
  EXPECT_EQ(at(c.config, {"run", "seed"}), 11);
  EXPECT_EQ(c.config.at("run").at("output").as_string(), "runs/prompts");
  const Node& levels = c.config.at("unet").at("levels");
  ASSERT_EQ(levels.size(), 4u);
  EXPECT_TRUE(levels[2].at("attention").as_bool());
  EXPECT_FALSE(levels[3].at("attention").as_bool());
}

TEST_F(ReferenceConfig, MakesARequestForEachClip) {
  const Conversion c = convert(run());
  const Node& requests = c.config.at("requests");
  ASSERT_EQ(requests.size(), 4u);  // two captions, round: 2
  EXPECT_EQ(requests[2].at("prompt").as_string(), "two birds");
  EXPECT_EQ(requests[0].at("seed").as_int(), 11);
  EXPECT_EQ(requests[1].at("seed").as_int(), 12);
  // Lines without a caption are counted.
  EXPECT_EQ(requests[0].at("output").as_string(), "runs/prompts/rank_01_00_0004_a_fox.mp4");
  EXPECT_EQ(requests[3].at("output").as_string(), "runs/prompts/rank_01_00_0007_two_birds.mp4");
}

TEST_F(ReferenceConfig, TheEffectiveKeysAreVGens) {
  const Conversion c = convert(run());
  EXPECT_EQ(c.effective.at("guide_scale").as_double(), 7.5);
  EXPECT_EQ(c.effective.at("ddim_timesteps").as_int(), 50);
  EXPECT_EQ(c.effective.at("UNet").at("upper_len").as_int(), 128);
}

TEST_F(ReferenceConfig, SaysWhatBecameOfEachKey) {
  const Conversion c = convert(run());
  const KeyReport* scale = key(c, "guide_scale", "run.yaml:3:14");
  ASSERT_NE(scale, nullptr);
  EXPECT_TRUE(scale->used);
  EXPECT_EQ(scale->became, "index.defaults.guidance");
  for (const auto& [name, file] : {std::pair{"target_fps", "run.yaml"}, std::pair{"UNet.upper_len", "base_t2v.yaml"},
                                   std::pair{"ENABLE", "base_t2v.yaml"}}) {
    const KeyReport* idle = key(c, name, file);
    ASSERT_NE(idle, nullptr) << name;
    EXPECT_FALSE(idle->used) << name;
    EXPECT_NE(idle->became.find("no effect"), std::string::npos) << name;
  }
  // A map inside a block is replaced whole, with what only the base file has in it.
  const Conversion d =
      convert(write("configs/own.yaml", std::string(kRun) + "Diffusion: {'schedule': 'linear_sd', 'schedule_param': "
                                                            "{'num_timesteps': 500}}\n"));
  const KeyReport* inner = key(d, "Diffusion.schedule_param.zero_terminal_snr", "base_t2v.yaml");
  ASSERT_NE(inner, nullptr);
  EXPECT_NE(inner->became.find("replaced by "), std::string::npos) << inner->became;
  EXPECT_FALSE(d.config.at("index").at("schedule").at("zero_terminal_snr").as_bool());
  const KeyReport* replaced = key(c, "TASK_TYPE", "base_t2v.yaml");
  ASSERT_NE(replaced, nullptr);
  EXPECT_NE(replaced->became.find("replaced by "), std::string::npos);
}

TEST_F(ReferenceConfig, TheLastOfTwoEqualKeysCounts) {
  const Conversion c = convert(changed("use_fp16: True\ndecoder_bs: 2", "use_fp16: False\ndecoder_bs: 2"));
  EXPECT_EQ(c.config.at("run").find("dtype"), nullptr);
  bool told = false;
  for (const std::string& n : c.notes)
    told = told || n.find("run.yaml:4:1: 'use_fp16' is written twice") != std::string::npos;
  EXPECT_TRUE(told);
}

TEST_F(ReferenceConfig, PairsOverrideTypedAndNested) {
  const Conversion c = convert(run(), {.pairs = {{"seed", "5"}, {"guide_scale", "1e-1"}, {"UNet.dim", "64"}}});
  ASSERT_EQ(report(c, run()), "");
  EXPECT_EQ(at(c.config, {"run", "seed"}), 5);
  EXPECT_EQ(c.config.at("index").at("defaults").at("guidance").as_double(), 0.1);
  EXPECT_EQ(at(c.config, {"unet", "channels"}), 64);
  EXPECT_EQ(at(c.config, {"unet", "in_channels"}), 4);
}

TEST_F(ReferenceConfig, TextThatLooksLikeANumberIsOne) {
  const Conversion c = convert(changed("guide_scale: 7.5", "guide_scale: 75e-1"));
  ASSERT_EQ(report(c, run()), "");
  EXPECT_EQ(c.config.at("index").at("defaults").at("guidance").as_double(), 7.5);
}

TEST_F(ReferenceConfig, EveryProblemInOneReportWithItsPlace) {
  std::string text = kRun;
  text.replace(text.find("guide_scale"), 11, "guide_scael");
  text.replace(text.find("base_t2v"), 8, "nowhere");
  text.replace(text.find("seed: 11"), 8, "seed: [1]");
  const fs::path path = write("configs/run.yaml", text);
  const Conversion c = convert(path, {.inputs_must_exist = true});
  const std::string all = report(c, path);
  EXPECT_NE(all.find("run.yaml:3:14: unknown key 'guide_scael'; did you mean 'guide_scale'?"), std::string::npos)
      << all;
  EXPECT_NE(all.find("run.yaml:12:11: "), std::string::npos) << all;
  EXPECT_NE(all.find("configs/nowhere.yaml"), std::string::npos) << all;
  EXPECT_NE(all.find("run.yaml:9:7: seed: expected an integer, got a list"), std::string::npos) << all;
}

TEST_F(ReferenceConfig, MissingInputsAreNotesToConvertAndProblemsToRun) {
  const fs::path path = changed("data/prompts.txt", "data/absent.txt");
  EXPECT_EQ(report(convert(path), path), "");
  const std::string all = report(convert(path, {.inputs_must_exist = true}), path);
  EXPECT_NE(all.find("run.yaml:13:17: test_list_path: no file 'data/absent.txt'"), std::string::npos) << all;
  EXPECT_NE(all.find("run.yaml:14:13: test_model: no file 'models/unet.pth'"), std::string::npos) << all;
}

TEST_F(ReferenceConfig, RefusesCode) {
  const fs::path path = changed("seed: 11", "seed: !!python/object/apply:os.system [id]");
  const std::string all = report(convert(path), path);
  EXPECT_NE(all.find("run.yaml:9:7: tags are not read"), std::string::npos) << all;
}

// kRun for another entry point, with another list.
TEST_F(ReferenceConfig, AListLineMustHaveTheTasksForm) {
  write("data/prompts.txt", "a.png|||a fox\nno bar\n");
  write("a.png", "");
  const fs::path path = changed("text2video", "i2vgen");
  const std::string all = report(convert(path), path);
  EXPECT_NE(all.find("prompts.txt:2: expected 'picture|||caption', got 'no bar'"), std::string::npos) << all;
}

TEST_F(ReferenceConfig, PicturesSeedsAndNamesOfEachTask) {
  const auto requests = [&](const char* task, const char* list, const std::string& more = "") {
    write("data/prompts.txt", list);
    std::string text = kRun;
    text.replace(text.find("inference_text2video_entrance"), 29, task);
    text.replace(text.find("round: 2"), 8, "round: 1");
    const fs::path path = write("configs/run.yaml", text + more);
    const Conversion c = convert(path);
    EXPECT_EQ(report(c, path), "") << task;
    return *c.config.find("requests");
  };
  const auto output = [](const Node& r, std::size_t i) { return r[i].at("output").as_string(); };

  Node r = requests("inference_i2vgen_entrance", "in/pic.jpg|||a fox\n");
  EXPECT_EQ(r[0].at("image").as_string(), "in/pic.jpg");
  EXPECT_EQ(output(r, 0), "runs/prompts/pic_01_00_a_fox_00.mp4");

  r = requests("inference_higen_entrance", "a fox|5\na dog\n");
  EXPECT_EQ(r[0].at("seed").as_int(), 16);  // 11 + 5
  EXPECT_EQ(r[0].at("prompt").as_string(), "a fox");
  EXPECT_EQ(r[1].at("seed").as_int(), 11);

  r = requests("inference_sr600_entrance", "a fox|5\n");
  EXPECT_EQ(r[0].at("video").as_string(), "runs/prompts/rank_01_00_0000_a_fox.mp4");
  EXPECT_EQ(output(r, 0), "runs/prompts/rank_01_00_0000_a_fox_sr.mp4");
  EXPECT_EQ(r[0].at("seed").as_int(), 0);

  const std::string composed =
      "video_compositions: ['text', 'depthmap', 'local_image']\n"
      "partial_keys: [['y', 'depth'], ['y', 'local_image'], ]\n";
  r = requests("inference_tft2v_vcomposer_entrance", "clip.mp4|||a fox|7\n", composed + "data_dir: vids\n");
  ASSERT_EQ(r.size(), 2u);
  EXPECT_EQ(r[0].at("video").as_string(), "vids/clip.mp4");
  EXPECT_EQ(r[0].at("conditions")[0].as_string(), "depth");
  EXPECT_EQ(r[0].at("seed").as_int(), 11);  // the 7 is read and ignored
  EXPECT_EQ(output(r, 1), "runs/prompts/rank_01_00_0000_condition_y_local_image_a_fox.mp4");

  r = requests("inference_tft2v_sr600_entrance", "clip.mp4|||a fox\n", composed);
  EXPECT_EQ(r[1].at("video").as_string(), "runs/prompts/rank_01_00_0000_condition_y_local_image_a_fox.mp4");
  r = requests("inference_tft2v_sr600_entrance", "a fox|||low/clip.mp4\na dog\n");
  EXPECT_EQ(r[0].at("video").as_string(), "low/clip.mp4");
  EXPECT_EQ(output(r, 0), "low/clip_sr.mp4");
  EXPECT_EQ(r[1].at("video").as_string(), "runs/prompts/rank_01_00_0001_a_dog.mp4");
}

TEST_F(ReferenceConfig, AFileOfIdleKeysNeedsNoTask) {
  const fs::path idle = write("base.yaml", "ENABLE: true\nDATASET: webvid10m\n");
  const Conversion c = convert(idle);
  EXPECT_EQ(report(c, idle), "");
  EXPECT_EQ(c.keys.size(), 2u);
  EXPECT_NE(report(convert(idle, {.inputs_must_exist = true}), idle).find("no key TASK_TYPE"), std::string::npos);
  const fs::path other = write("other.yaml", "ENABLE: true\nseed: 1\n");
  EXPECT_NE(report(convert(other), other).find("no key TASK_TYPE"), std::string::npos);
}

TEST_F(ReferenceConfig, APairOfATextKeyIsText) {
  const Conversion c = convert(run(), {.pairs = {{"negative_prompt", "12"}, {"positive_prompt", "[a]"}}});
  ASSERT_EQ(report(c, run()), "");
  EXPECT_EQ(c.config.at("index").at("defaults").at("negative_prompt").as_string(), "12");
}

TEST(PromptList, FormsOfLines) {
  PromptList list = read_prompt_list("\xEF\xBB\xBF a b \r\n#x\n\n c|d\n", ListFormat::caption);
  ASSERT_EQ(list.lines.size(), 2u);
  EXPECT_EQ(list.lines[0].caption, "a b");
  EXPECT_EQ(list.lines[1].caption, "c|d");
  EXPECT_EQ(list.lines[1].number, 3);

  list = read_prompt_list("a|x\na|1|2\n", ListFormat::caption_seed);
  ASSERT_EQ(list.problems.size(), 2u);
  EXPECT_EQ(list.problems[1].first, 2);

  // Of one video the last line counts, at the place of the first.
  list = read_prompt_list("d/1.mp4|||a|||16\nd/2.mp4|||b|||16\ne/1.mp4|||c|||8\nd/3.mp4|||x\n",
                          ListFormat::video_caption_count);
  ASSERT_EQ(list.lines.size(), 2u);
  EXPECT_EQ(list.lines[0].caption, "c");
  EXPECT_EQ(list.lines[1].number, 1);
  EXPECT_EQ(list.problems.size(), 1u);
}

TEST(PromptList, NamesAsVGenWritesThem) {
  EXPECT_EQ(caption_in_name("A fox, on \xE9\x9B\xAA; 50% (x_y)!"), "A_fox_on_\xE9\x9B\xAA_50_x_y");
  EXPECT_EQ(caption_in_name("a * runs", "*"), "a_*_runs");
  EXPECT_EQ(file_name("{index:4}_{caption}.mp4", {{"index", "12345"}, {"caption", "a"}}), "12345_a.mp4");
  std::string caption;
  for (int i = 0; i < 100; ++i) caption += "\xE9\x9B\xAA";
  const std::string cut = file_name("{index:4}_{caption}.mp4", {{"index", "7"}, {"caption", caption}});
  EXPECT_EQ(cut.size(), 219u);  // whole characters: 5 + 210 + 4
  EXPECT_TRUE(cut.starts_with("0007_\xE9"));
  EXPECT_TRUE(cut.ends_with("\xAA.mp4"));
}

TEST(Yaml11, PlainValuesAsPyYaml) {
  std::vector<formats::RepeatedKey> repeated;
  const Node n = formats::parse_yaml_1_1(
      "a: yes\nb: 017\nc: 1e-4\nd: 1.0e-4\ne: 0.\nf: off\nb: 018\ng: {'x': , y: 1,}\n", "f.yaml", repeated);
  EXPECT_TRUE(n.at("a").as_bool());
  EXPECT_EQ(n.at("b").as_string(), "018");
  EXPECT_EQ(n.at("c").as_string(), "1e-4");
  EXPECT_EQ(n.at("d").as_double(), 1e-4);
  EXPECT_EQ(n.at("e").as_double(), 0);
  EXPECT_FALSE(n.at("f").as_bool());
  EXPECT_TRUE(n.at("g").at("x").is_null());
  ASSERT_EQ(repeated.size(), 1u);
  EXPECT_EQ(repeated[0].line, 7);
}

}  // namespace
}  // namespace vgen::reference_config
