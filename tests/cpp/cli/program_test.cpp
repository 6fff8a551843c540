// Runs the built program as a user does: what it prints, its exit codes, how fast it answers, how it stops.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "vgen/core/error.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {
struct Result {
  int code = -1;  // exit status; 1000 + signal if killed by one
  std::string out, err;
  double seconds = 0;
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "vgen-cli-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }

  pid_t start(std::vector<std::string> words, const std::vector<std::string>& environment = {}) {
    words.insert(words.begin(), VGEN_PROGRAM);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    for (const std::string& e : environment) putenv(strdup(e.c_str()));
    const int out = open((folder / "out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600),
              err = open((folder / "err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(out, 1);
    dup2(err, 2);
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    execv(VGEN_PROGRAM, argv.data());
    _exit(126);
  }
  Result finish(pid_t pid) {
    Result r;
    int status = 0;
    waitpid(pid, &status, 0);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    r.out = text("out");
    r.err = text("err");
    return r;
  }
  Result run(std::vector<std::string> words, const std::vector<std::string>& environment = {}) {
    const auto begin = std::chrono::steady_clock::now();
    Result r = finish(start(std::move(words), environment));
    r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return r;
  }
  std::string text(const char* name) const {
    std::ifstream in(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path write(const char* name, const std::string& bytes) const {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return folder / name;
  }
  // A safetensors file with one F32 tensor "a.weight" [2, 3] and one BF16 scalar.
  fs::path small_file() const {
    const std::string header =
        R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"s":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})";
    std::string bytes(8, '\0');
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
    return write("small.safetensors", bytes + header + std::string(26, '\0'));
  }
  fs::path folder;
};
const std::string golden = VGEN_SOURCE_DIR "/tests/golden/diffusion/ddim_eps_20.json";
}  // namespace

TEST_F(Program, HelpAndVersionAnswerAtOnceWithoutTorch) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"--version"}, {"gen", "--help"}, {"train", "-h"}}) {
    double best = 1e9;  // the machine may be busy: the program is as fast as its fastest run
    for (int i = 0; i < 5; ++i) {
      const Result r = run(words, {"VGEN_LIB_DIR=/nowhere"});
      EXPECT_EQ(r.code, 0);
      EXPECT_EQ(r.err, "");
      EXPECT_THAT(r.out, testing::StartsWith("vgen"));
      best = std::min(best, r.seconds);
    }
    EXPECT_LE(best, 0.1) << words[0];
  }
}

TEST_F(Program, WrongCommandLineIsExit2WithTheNearestName) {
  const Result r = run({"gen", "x", "--step", "5"});
  EXPECT_EQ(r.code, 2);
  EXPECT_EQ(r.out, "");
  EXPECT_THAT(r.err, HasSubstr("did you mean --steps?"));
}

TEST_F(Program, JsonModeTellsErrorsAsJson) {
  const Result usage = run({"inspect", "x", "--jsno", "--json"});
  EXPECT_EQ(usage.code, 2);
  EXPECT_EQ(vgen::formats::parse_json(usage.out).at("error").at("type").as_string(), "UsageError");
  const Result r = run({"inspect", "/no/such.safetensors", "--json"});
  EXPECT_EQ(r.code, 5);
  const vgen::Node error = vgen::formats::parse_json(r.out).at("error");
  EXPECT_EQ(error.at("type").as_string(), "IoError");
  EXPECT_EQ(error.at("exit").as_int(), 5);
  EXPECT_THAT(error.at("message").as_string(), HasSubstr("/no/such.safetensors"));
}

TEST_F(Program, InspectListsTensors) {
  const std::string file = small_file().string();
  const Result r = run({"inspect", file});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("a.weight  F32"), HasSubstr("[2, 3]"), HasSubstr("2 tensors, 7 values, 26 bytes"),
                           HasSubstr("metadata format = pt")));
  const vgen::Node n = vgen::formats::parse_json(run({"inspect", file, "--json", "--only", "a.*"}).out).at("files")[0];
  EXPECT_EQ(n.at("tensors").as_int(), 1);
  EXPECT_EQ(n.at("values").as_int(), 6);
  EXPECT_EQ(n.at("table")[0].at("shape").as_ints(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_THAT(run({"inspect", folder.string(), "--summary"}).out,
              AllOf(HasSubstr("small.safetensors"), testing::Not(HasSubstr("[2, 3]"))));
}

TEST_F(Program, MalformedFileIsExit4) {
  std::string bytes(8, '\0');
  bytes[0] = 100;  // header longer than the file
  const Result r = run({"inspect", write("bad.safetensors", bytes + "{}").string()});
  EXPECT_EQ(r.code, 4);
  EXPECT_THAT(r.err, HasSubstr("bad.safetensors"));
}

TEST_F(Program, ThreadsOutOfRangeIsExit3) {
  const Result r = run({"doctor", "--threads", "0"});
  EXPECT_EQ(r.code, 3);
  EXPECT_THAT(r.err, HasSubstr("[1, 1024]"));
}

TEST_F(Program, DoctorTellsThatItRunsHere) {
  const Result r = run({"doctor", "--json"});
  EXPECT_EQ(r.code, 0) << r.out << r.err;
  const vgen::Node n = vgen::formats::parse_json(r.out);
  EXPECT_TRUE(n.at("ok").as_bool());
  std::string names;
  for (const vgen::Node& f : n.at("findings").items) names += f.at("name").as_string() + " ";
  EXPECT_EQ(names, "vgen system cpu memory disk temporary threads torch ffmpeg cuda ");
}

TEST_F(Program, WithoutItsBackEndItSaysWhatIsWrongAndDoctorStillReports) {
  // A library that is there but cannot be loaded.
  write("libvgen_cli_backend.so", "no library");
  const std::string here = "VGEN_LIB_DIR=" + folder.string();
  const Result r = run({"inspect", "x"}, {here});
  EXPECT_EQ(r.code, 7);
  EXPECT_THAT(r.err, HasSubstr("cannot load"));
  const Result doctor = run({"doctor"}, {here});
  EXPECT_EQ(doctor.code, 7);
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("memory"), HasSubstr("BAD   torch"), HasSubstr("cannot load")));
}

TEST_F(Program, AnotherTorchMinorIsOneClearLine) {
  fs::create_directories(folder / "vgen/lib");
  fs::create_directories(folder / "torch/lib");
  write("torch/version.py", "__version__ = '2.9.1+cpu'\n");
  write("torch/lib/libtorch_cpu.so", "");
  write("vgen/lib/libvgen_cli_backend.so", "");
  const Result r = run({"inspect", "x"}, {"VGEN_LIB_DIR=" + (folder / "vgen/lib").string()});
  EXPECT_EQ(r.code, 7);
  EXPECT_THAT(r.err, AllOf(HasSubstr("found torch 2.9.1+cpu"), HasSubstr("pip install 'torch==")));
  EXPECT_EQ(std::ranges::count(r.err, '\n'), 1);
}

TEST_F(Program, InspectSaysWhatAFileIsAndConvertRewritesIt) {
  const float values[] = {1, 2, 3, 4};
  const std::string file = (folder / "lora.safetensors").string(), out = (folder / "lora.pth").string();
  vgen::formats::write_safetensors(
      file, {{.name = "unet.a.lora_A.weight", .dtype = vgen::formats::DType::f32, .shape = {2, 2}, .data = values}});
  const Result what = run({"inspect", file});
  EXPECT_EQ(what.code, 0) << what.err;
  EXPECT_THAT(what.out, AllOf(HasSubstr("a LoRA"), HasSubstr("F32"), HasSubstr("[2, 2]"), HasSubstr("4 values")));
  const Result plan = run({"convert", file, out, "--dtype", "bf16", "--dry-run"});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("8 bytes"), HasSubstr("nothing was written")));
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(run({"convert", file, out, "--dtype", "bf16", "-q"}).code, 0);
  const Result done = run({"inspect", out, "--json"});
  EXPECT_EQ(done.code, 0) << done.err;
  const vgen::Node f = vgen::formats::parse_json(done.out).at("files")[0];
  EXPECT_EQ(f.at("container").as_string(), "torch zip");
  EXPECT_EQ(f.at("dtypes").at("BF16").as_int(), 1);
  // What it is decides what it can become.
  const Result refused = run({"convert", file, (folder / "x.pth").string(), "--to", "vgen"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("expected one part of a model"), HasSubstr("a LoRA")));
  EXPECT_EQ(run({"convert", file, (folder / "x.onnx").string()}).code, 3);
  EXPECT_EQ(run({"convert", "/no/such/file.pth", out}).code, 5);
  EXPECT_EQ(run({"convert", file, out, "--to", "vgenn"}).code, 2);
}

TEST_F(Program, ParityHoldsAndFailsOnAnAlteredGolden) {
  const Result good = run({"parity", golden, "--json"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_TRUE(vgen::formats::parse_json(good.out).at("ok").as_bool());
  // The same case with its recorded numbers altered must not hold.
  fs::copy(golden, folder / "altered.json");
  std::string tensors;
  {
    std::ifstream in(golden.substr(0, golden.size() - 5) + ".safetensors", std::ios::binary);
    tensors.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::fill(tensors.end() - 64, tensors.end(), '\x3f');
  write("altered.safetensors", tensors);
  const Result bad = run({"parity", (folder / "altered.json").string()});
  EXPECT_EQ(bad.code, 1) << bad.out;
  EXPECT_THAT(bad.out, AllOf(HasSubstr("FAIL  diffusion/altered"), HasSubstr("0 hold, 1 fail")));
}

TEST_F(Program, ParityWithNothingToCompareIsAFailure) {
  const Result r = run({"parity", golden, "--only", "nothing/like/this"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("no case whose area, name or area/name matches 'nothing/like/this' in "));
  EXPECT_EQ(run({"parity", "/no/such/folder"}).code, 5);
}

TEST_F(Program, SignalsEndItWithTheirCodes) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}})
    for (const int delay : {5, 50, 400, 900}) {  // while it starts, loads torch, works
      const pid_t pid = start({"parity", VGEN_SOURCE_DIR "/tests/golden"});
      std::this_thread::sleep_for(std::chrono::milliseconds(delay));
      kill(pid, signal);
      const Result r = finish(pid);
      // A signal may come before main() has installed its handler: then the default action ends the process.
      if (delay == 5)
        EXPECT_THAT(r.code, testing::AnyOf(code, 1000 + signal)) << delay;
      else
        EXPECT_EQ(r.code, code) << "after " << delay << " ms: " << r.err;
    }
}
