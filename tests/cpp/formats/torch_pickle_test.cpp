// Rows B1-B7 of the reliability table, the readable layouts, and the writer.
#include "vgen/formats/torch_pickle.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstddef>

#include "helpers.hpp"
#include "vgen/core/options.hpp"
#include "vgen/formats/crc32.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/pickle_globals.hpp"

namespace vgen::formats {
namespace {
using test::little;
using test::message_of;
using test::spill;
using test::TempDir;

std::uint32_t crc_of(const std::string& s) {
  return detail::crc32({reinterpret_cast<const std::byte*>(s.data()), s.size()});
}

// A zip file whose every field can be made to lie.
struct Record {
  std::string name, data;
  int method = 0, flags = 0x0800, local_method = -1, local_flags = -1;
  std::string local_name = "";  // "" = name
  std::int64_t crc = -1, size = -1, local_size = -1, plain_size = -1, offset = -1;
  std::string extra = "", local_extra = "";
};
std::string zip_of(const std::vector<Record>& records, const std::string& before_directory = "",
                   std::int64_t count = -1, std::int64_t directory_at = -1, std::int64_t directory_size = -1,
                   const std::string& after_directory = "", const std::string& tail = "",
                   const std::string& front = "") {
  std::string out = front, directory;
  for (const Record& r : records) {
    const std::uint64_t crc = r.crc < 0 ? crc_of(r.data) : static_cast<std::uint64_t>(r.crc),
                        size = r.size < 0 ? r.data.size() : static_cast<std::uint64_t>(r.size);
    const std::uint64_t local_size = r.local_size < 0 ? size : static_cast<std::uint64_t>(r.local_size),
                        plain = r.plain_size < 0 ? size : static_cast<std::uint64_t>(r.plain_size);
    const std::string& local_name = r.local_name.empty() ? r.name : r.local_name;
    const std::uint64_t offset = r.offset < 0 ? out.size() : static_cast<std::uint64_t>(r.offset);
    const auto code = [](int v, int other) { return static_cast<std::uint64_t>(v < 0 ? other : v); };
    out += little(0x04034b50, 4) + little(20, 2) + little(code(r.local_flags, r.flags), 2) +
           little(code(r.local_method, r.method), 2) + little(0, 4) + little(crc, 4) + little(local_size, 4) +
           little(local_size, 4) + little(local_name.size(), 2) + little(r.local_extra.size(), 2) + local_name +
           r.local_extra + r.data;
    directory += little(0x02014b50, 4) + little(20, 2) + little(20, 2) +
                 little(static_cast<std::uint64_t>(r.flags), 2) + little(static_cast<std::uint64_t>(r.method), 2) +
                 little(0, 4) + little(crc, 4) + little(size, 4) + little(plain, 4) + little(r.name.size(), 2) +
                 little(r.extra.size(), 2) + little(0, 8) + little(0, 2) + little(offset, 4) + r.name + r.extra;
  }
  out += before_directory;
  const std::uint64_t at = directory_at < 0 ? out.size() : static_cast<std::uint64_t>(directory_at),
                      size = directory_size < 0 ? directory.size() : static_cast<std::uint64_t>(directory_size);
  const std::uint64_t n = count < 0 ? records.size() : static_cast<std::uint64_t>(count);
  return out + directory + after_directory + little(0x06054b50, 4) + little(0, 4) + little(n, 2) + little(n, 2) +
         little(size, 4) + little(at, 4) + little(0, 2) + tail;
}

// ---- pickles by hand ----
std::string glob(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }
std::string integer(std::int64_t v) {
  return v >= 0 && v < 256 ? "K" + little(static_cast<std::uint64_t>(v), 1)
                           : "\x8a\x08" + little(static_cast<std::uint64_t>(v), 8);
}
std::string ints(const std::vector<std::int64_t>& v) {
  std::string out = "(";
  for (const auto i : v) out += integer(i);
  return out + "t";
}
std::string storage(const std::string& key, std::int64_t numel, const std::string& type = "FloatStorage") {
  return "(" + text("storage") + glob("torch", type) + text(key) + text("cpu") + integer(numel) + "tQ";
}
std::string tensor(const std::string& from, std::int64_t offset, const std::vector<std::int64_t>& size,
                   const std::vector<std::int64_t>& stride) {
  return glob("torch._utils", "_rebuild_tensor_v2") + "(" + from + integer(offset) + ints(size) + ints(stride) +
         "\x89" + glob("collections", "OrderedDict") + ")RtR";
}
const std::string proto2("\x80\x02", 2), proto4("\x80\x04", 2);
std::string dict(const std::string& entries) { return proto2 + "}(" + entries + "u."; }
const std::string good = dict(text("w") + tensor(storage("0", 6), 0, {2, 3}, {3, 1}));

std::vector<Record> records_of(const std::string& pickle, const std::string& data = std::string(24, 'x')) {
  return {{"archive/data.pkl", pickle},
          {"archive/byteorder", "little"},
          {"archive/data/0", data},
          {"archive/version", "3\n"}};
}
std::string checkpoint(const std::string& pickle, const std::string& data = std::string(24, 'x')) {
  return zip_of(records_of(pickle, data));
}

struct TorchPickle : testing::Test {
  TempDir dir;
  std::filesystem::path file() const { return dir / "f.pth"; }
  TensorFile read(const std::string& bytes) const {
    spill(file(), bytes);
    return read_torch_pickle(file());
  }
  template <class Expected = FormatError>
  void refused(const std::string& bytes, const std::string& reason) const {
    const std::string m = message_of<Expected>([&] { read(bytes); });
    EXPECT_NE(m.find(reason), std::string::npos) << m;
  }
};

TEST_F(TorchPickle, ReadsTensors) {
  const TensorFile f = read(checkpoint(good));
  ASSERT_EQ(f.tensors.size(), 1u);
  EXPECT_EQ(f.tensors[0].name, "w");
  EXPECT_EQ(f.tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(f.tensors[0].bytes, 24u);
  EXPECT_EQ(f.layout, "torch zip");
  EXPECT_TRUE(f.notes.empty());
}

TEST_F(TorchPickle, StridesViewsAndSharedStorages) {
  const TensorFile f = read(checkpoint(
      dict(text("t") + tensor(storage("0", 6), 0, {3, 2}, {1, 3}) + text("v") + tensor(storage("0", 6), 4, {2}, {1}) +
           text("s") + tensor(storage("0", 6), 5, {}, {}) + text("e") + tensor(storage("0", 6), 6, {0, 3}, {3, 1}) +
           text("x") + tensor(storage("0", 6), 1, {4, 2}, {0, 1}))));
  ASSERT_EQ(f.tensors.size(), 5u);
  EXPECT_EQ(f.tensors[0].strides, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(f.tensors[1].offset, f.tensors[0].offset + 16);
  EXPECT_EQ(f.tensors[2].bytes, 4u);
  EXPECT_EQ(f.tensors[3].bytes, 0u);
  EXPECT_EQ(f.tensors[4].bytes, 8u);
}

// ---- B1: pickles that run something when loaded by Python ----

struct Attack {
  std::string name, pickle;
};
std::vector<Attack> attacks() {
  std::vector<Attack> out;
  const std::string argument = "(" + text("touch /tmp/pwned") + "tR.";
  // One function a family of the public collections: shells, evaluation, importing, loaders, file and network access.
  for (const auto& [module, name] : std::vector<std::pair<std::string, std::string>>{
           {"os", "system"},
           {"posix", "system"},
           {"nt", "system"},
           {"os", "popen"},
           {"os", "execvp"},
           {"os", "spawnl"},
           {"os", "remove"},
           {"subprocess", "Popen"},
           {"subprocess", "check_output"},
           {"subprocess", "run"},
           {"commands", "getoutput"},
           {"builtins", "eval"},
           {"builtins", "exec"},
           {"__builtin__", "eval"},
           {"__builtin__", "execfile"},
           {"builtins", "compile"},
           {"builtins", "__import__"},
           {"builtins", "getattr"},
           {"builtins", "open"},
           {"builtins", "breakpoint"},
           {"importlib", "import_module"},
           {"runpy", "run_path"},
           {"pty", "spawn"},
           {"code", "InteractiveInterpreter"},
           {"pickle", "loads"},
           {"_pickle", "loads"},
           {"cPickle", "load"},
           {"marshal", "loads"},
           {"types", "FunctionType"},
           {"types", "CodeType"},
           {"operator", "attrgetter"},
           {"operator", "methodcaller"},
           {"functools", "reduce"},
           {"itertools", "accumulate"},
           {"socket", "create_connection"},
           {"urllib.request", "urlopen"},
           {"http.client", "HTTPConnection"},
           {"webbrowser", "open"},
           {"shutil", "rmtree"},
           {"ctypes", "CDLL"},
           {"asyncio.unix_events", "_UnixSubprocessTransport"},
           {"multiprocessing.util", "spawnv_passfds"},
           {"timeit", "timeit"},
           {"cProfile", "run"},
           {"pdb", "run"},
           {"bdb", "Bdb"},
           {"trace", "Trace"},
           {"idlelib.pyshell", "ModifiedInterpreter"},
           {"lib2to3.pgen2.grammar", "Grammar"},
           {"pydoc", "pipepager"},
           {"doctest", "debug_script"},
           {"ensurepip", "_run_pip"},
           {"zipimport", "zipimporter"},
           {"sqlite3", "connect"},
           {"logging.config", "_resolve"},
           {"torch", "load"},
           {"torch.hub", "load"},
           {"torch.storage", "_load_from_bytes"},
           {"torch.jit", "load"},
           {"torch.serialization", "load"},
           {"torch.utils.collect_env", "run"},
           {"torch._dynamo.guards.GuardBuilder", "get"},
           {"torch.utils._config_module.ConfigModule", "load_config"},
           {"torch.fx.experimental.symbolic_shapes.ShapeEnv", "evaluate_guards_expression"},
           {"torch._C", "_jit_pass"},
           {"numpy.testing._private.utils", "runstring"},
           {"numpy.f2py.crackfortran", "getlincoef"},
           {"numpy.testing", "rundocs"},
           {"pandas", "read_pickle"},
           {"joblib", "load"},
           {"dill", "loads"},
           {"cloudpickle", "loads"},
           {"pip", "main"},
           {"pip._internal", "main"},
           {"requests.api", "get"},
           {"aiohttp.client", "ClientSession"},
           {"keras.models", "load_model"},
           {"tensorflow", "io"},
           {"jinja2", "Template"},
           {"sympy", "sympify"},
           {"yaml", "unsafe_load"},
           {"numba.core.codegen", "x"},
           {"some_package.tools", "exec"},
           {"a.b", "os.system"},
           {"torch", "serialization.os.system"},
           {"package", "module.subprocess.Popen"}}) {
    out.push_back({module + "." + name, proto2 + glob(module, name) + argument});
    out.push_back({module + "." + name, proto4 + "\x95" + little(0, 8) + "\x8c" + little(module.size(), 1) + module +
                                            "\x8c" + little(name.size(), 1) + name + "\x93" + argument});
  }
  // Other ways to reach one.
  const std::string system = glob("os", "system"), arg = text("id");
  out.push_back({"os.system", proto2 + "(" + arg + "ios\nsystem\n."});                // INST
  out.push_back({"os.system", proto2 + "(" + system + arg + "o."});                   // OBJ
  out.push_back({"os.system", proto2 + system + "(" + arg + "t\x81."});               // NEWOBJ
  out.push_back({"os.system", proto4 + system + "(" + arg + "t}\x92."});              // NEWOBJ_EX
  out.push_back({"os.system", proto2 + system + "q\x01" + "0h\x01(" + arg + "tR."});  // through the memo
  out.push_back({"os.system",
                 good.substr(0, good.size() - 1) + "0" + system + "(" + arg + "tR."});  // after a harmless state dict
  out.push_back({"os.system", proto2 + "](" + system + "e."});                          // only named, in a list
  out.push_back({"os.system", proto2 + "}(" + text("state_dict") + "}" + text("cb") + glob("functools", "partial") +
                                  "(" + system + "tRu."});
  out.push_back({"posix.system", proto2 + glob("my.module", "Class") + ")\x81}(" + text("__setstate__") +
                                     glob("posix", "system") + "ub."});  // BUILD
  out.push_back(
      {"builtins.getattr", proto2 + glob("builtins", "getattr") + "(" + glob("torch", "nn") + text("x") + "tR."});
  out.push_back({"os.system", proto2 + "(" + text("storage") + system + text("0") + text("cpu") + integer(6) +
                                  "tQ."});  // as a storage type
  out.push_back({"EXT", proto2 + "\x82\x01."});
  out.push_back({"EXT", proto2 + "\x83\x01\x02."});
  out.push_back({"EXT", proto2 + "\x84\x01\x02\x03\x04."});
  return out;
}

TEST_F(TorchPickle, B1_MaliciousPicklesAreNamed) {
  ASSERT_GE(attacks().size(), 150u);
  for (const Attack& a : attacks()) {
    const std::string m = message_of<UnsafePickleError>([&] { read(checkpoint(a.pickle)); });
    EXPECT_NE(m.find(a.name), std::string::npos) << m;
    EXPECT_THROW(read(a.pickle), UnsafePickleError) << "bare pickle: " << a.name;
    EXPECT_THROW(read_tensor_file(file()), UnsafePickleError) << a.name;
  }
}

// Runs f in a process that dies at the first exec, connect, fork, unlink or opening of a file for writing. Its wait
// status; 77 << 8 where the machine has no seccomp.
int confined(const std::function<int()>& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const std::uint32_t number :
         {SYS_execve, SYS_execveat, SYS_connect, SYS_socket, SYS_unlinkat, SYS_clone3, SYS_ptrace}) {
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
      program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    }
    program.insert(program.end(),
                   {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
                    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT, 0, 1),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)});
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
      ::_exit(77);
    ::_exit(f());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_F(TorchPickle, B1_NothingForbiddenIsCalled) {
  std::vector<std::filesystem::path> files;
  for (const Attack& a : attacks()) {
    files.push_back(dir / str("attack", files.size()));
    spill(files.back(), checkpoint(a.pickle));
  }
  const int status = confined([&] {
    for (const auto& path : files) {
      try {
        read_torch_pickle(path);
        return 1;
      } catch (const UnsafePickleError&) {}
    }
    return 0;
  });
  if (status == 77 << 8) GTEST_SKIP() << "this machine has no seccomp";
  EXPECT_EQ(status, 0);
  // The cage itself holds: writing a file or starting a program ends the process.
  EXPECT_TRUE(WIFSIGNALED(confined([&] { return ::open((dir / "x").c_str(), O_CREAT | O_WRONLY, 0600) >= 0; })));
  EXPECT_TRUE(WIFSIGNALED(confined([&] { return ::execl("/bin/true", "true", nullptr); })));
}

TEST_F(TorchPickle, B2_InertForeignObjectsAreLeftUnread) {
  const std::string foreign = glob("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint") + ")\x81}(" +
                              text("best") + integer(3) + "ub";
  const std::string partial = glob("functools", "partial") + "(" + glob("my.code", "Schedule") + "tR";
  const std::string path = glob("pathlib", "PosixPath") + "(" + text("/x") + "tR";
  const std::string space =
      glob("argparse", "Namespace") + ")\x81}" + text("lr") + "G\x3f\xf0" + std::string(6, '\0') + "sb";
  const TensorFile f = read(checkpoint(
      dict(text("state_dict") + "}(" + text("w") + tensor(storage("0", 6), 0, {6}, {1}) + "u" + text("callbacks") +
           foreign + text("sched") + partial + text("path") + path + text("args") + space + text("epoch") + integer(7) +
           text("lr") + "G\x3f\xe0" + std::string(6, '\0') + text("tags") + "](" + text("a") + "Ne")));
  ASSERT_EQ(f.tensors.size(), 1u);
  EXPECT_EQ(f.tensors[0].name, "w");
  EXPECT_EQ(f.extra.at("epoch").as_int(), 7);
  EXPECT_EQ(f.extra.at("lr").as_double(), 0.5);
  EXPECT_TRUE(f.extra.at("tags")[1].is_null());
  EXPECT_EQ(f.extra.find("callbacks"), nullptr);
  ASSERT_EQ(f.notes.size(), 1u);
  EXPECT_NE(f.notes[0].find("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"), std::string::npos)
      << f.notes[0];
}

TEST_F(TorchPickle, FlattensNestedDictsAndModules) {
  const std::string t = tensor(storage("0", 6), 0, {6}, {1});
  const TensorFile nested =
      read(checkpoint(dict(text("model") + "}(" + text("a.b") + t + text("c") + "](" + t + "Ne" + "u" + text("ema") +
                           "}" + integer(5) + t + "s" + text("step") + integer(3))));
  std::vector<std::string> names;
  for (const auto& e : nested.tensors) names.push_back(e.name);
  EXPECT_EQ(names, (std::vector<std::string>{"model.a.b", "model.c.0", "ema.5"}));
  EXPECT_EQ(nested.extra.at("step").as_int(), 3);
  const std::string module =
      glob("torch.nn.modules.container", "ParameterDict") + ")\x81}(" + text("training") + "\x88" +
      text("_parameters") + "}" + text("*") + glob("torch._utils", "_rebuild_parameter") + "(" + t + "\x88" +
      glob("collections", "OrderedDict") + ")RtRs" + text("_buffers") + "}" + text("_modules") + "}ub";
  const TensorFile whole = read(checkpoint(dict(text("string_to_param") + module)));
  ASSERT_EQ(whole.tensors.size(), 1u);
  EXPECT_EQ(whole.tensors[0].name, "string_to_param.*");
  EXPECT_TRUE(whole.notes.empty());
  refused(checkpoint(dict(text("a.b") + t + text("a") + "}" + text("b") + t + "s")), "two tensors have this name");
  // The last value of a repeated key counts, as in Python.
  EXPECT_EQ(read(checkpoint(dict(text("w") + integer(1) + text("w") + t))).tensors.size(), 1u);
}

// ---- B3: streams that would break a careless machine ----

TEST_F(TorchPickle, B3_MalformedStreams) {
  const std::string huge_memo = "r" + little(0x80000000u, 4);
  const std::pair<std::string, const char*> bad[] = {
      {proto2 + "]" + text("k") + "Ns.", "no dict"},
      {proto2 + integer(3) + text("k") + "Ns.", "no dict"},
      {proto2 + "N(" + text("k") + "Nu.", "no dict"},
      {proto2 + "}Na.", "no list"},
      {proto2 + "}(Ne.", "no list"},
      {proto2 + "N(N\x90.", "no list"},
      {proto2 + "Nu.", "no mark"},
      {proto2 + "Ne.", "no mark"},
      {proto2 + "t.", "no mark"},
      {proto2 + "1.", "no mark"},
      {proto2 + ".", "empty"},
      {proto2 + "0.", "empty"},
      {proto2 + "2.", "empty"},
      {proto2 + "a.", "empty"},
      {proto2 + "s.", "empty"},
      {proto2 + "R.", "empty"},
      {proto2 + "b.", "empty"},
      {proto2 + "Q.", "empty"},
      {proto2 + "\x81.", "empty"},
      {proto2 + "\x85.", "empty"},
      {proto2 + "N\x86.", "empty"},
      {proto2 + "q\x01.", "empty"},
      {proto2 + "(q\x01.", "empty"},
      {proto2 + "N(\x85.", "empty"},
      {proto2 + "h\x05.", "never stored"},
      {proto2 + "j" + little(0xFFFFFFFFu, 4) + ".", "never stored"},
      {proto2 + "N" + huge_memo + ".", "memo index"},
      {proto2 + "NN.", "left on the stack"},
      {proto2 + "N(.", "stack is empty"},
      {proto2 + "(N.", "left on the stack"},
      {proto2 + "X" + little(0xFFFFFFFFu, 4) + "abc", "ends inside"},
      {proto2 + "\x8d" + little(~0ull, 8), "ends inside"},
      {proto2 + "\x8b" + little(0x80000000u, 4), "ends inside"},
      {proto2 + "G123", "ends inside"},
      {proto2 + "J1", "ends inside"},
      {proto2 + "\x95" + little(1000, 8), "frame"},
      {proto2, "ends inside"},
      {proto2 + "N", "ends inside"},
      {proto2 + "cabc", "does not end"},
      {proto2 + "cabc\n" + std::string(5000, 'x') + "\n.", "longer than 1024"},
      {proto2 + "c\n\n.", "without module"},
      {proto2 + "\xff.", "unknown operation"},
      {proto2 + "X" + little(1, 4) + "\xff.", "UTF-8"},
      {proto2 + "}(" + text("a") + "u.", "key without a value"},
      {proto2 + "(o.", "without a class"},
      {proto2 + integer(3) + ")R.", "no class is called"},
      {proto2 + glob("collections", "OrderedDict") + "]R.", "no tuple"},
      {proto2 + integer(1) + integer(2) + "\x93.", "name is no string"},
      {proto2 + integer(1) + "}b.", "takes none"},
      {proto2 + integer(5) + "Q.", "no tuple"},
      {proto2 + ")Q.", "no tuple"},
      {proto2 + "(" + text("storage") + "tQ.", "no storage"},
      {proto2 + "(" + text("storage") + glob("torch", "FloatStorage") + text("0") + text("cpu") + integer(-1) + "tQ.",
       "no storage"},
      {proto2 + glob("torch._utils", "_rebuild_tensor_v2") + ")R.", "wrong number"},
      {proto2 + glob("torch._utils", "_rebuild_tensor_v2") + "(NNNNtR.", "no storage"},
      {proto2 + glob("torch._utils", "_rebuild_parameter") + "(NtR.", "no tensor"},
      {proto2 + glob("collections", "OrderedDict") + "(](" + integer(1) + "etR.", "pairs"},
      {good + "N.", "more bytes follow"}};
  for (const auto& [pickle, reason] : bad) {
    const std::string m = message_of<FormatError>([&] { read(checkpoint(pickle)); });
    EXPECT_NE(m.find(reason), std::string::npos) << testing::PrintToString(pickle) << " -> " << m;
  }
}

TEST_F(TorchPickle, B3_CyclesAndBombs) {
  refused(checkpoint(proto2 + "]q\x01h\x01" + "a."), "contain themselves");
  refused(checkpoint(proto2 + "}q\x01(" + text("a") + "h\x01u."), "contain themselves");
  std::string deep = proto2;
  for (int i = 0; i < 2000; ++i) deep += "](";
  deep += "N";
  for (int i = 0; i < 2000; ++i) deep += "e";
  refused(checkpoint(deep + "."), "nested deeper");
  std::string laughs = proto2 + "](NNe";  // 10^60 elements if unfolded
  for (int i = 0; i < 60; ++i)
    laughs +=
        "q\x01"
        "0](h\x01h\x01h\x01h\x01h\x01h\x01h\x01h\x01h\x01h\x01"
        "e";
  refused(checkpoint(laughs + "."), "repeated too often");
  refused(checkpoint(proto2 + std::string(10'000'000, ']') + "."), "objects");
  refused(checkpoint(proto2 + "N" + std::string(10'000'000, '\x88') + "."), "operations");
  std::string copies = proto2 + "](" + std::string(100'000, 'N') + "eq\x01";  // sets of one long list again and again
  copies += "0";
  for (int i = 0; i < 100'000; ++i) copies += glob("builtins", "set") + "h\x01\x85R0";
  refused(checkpoint(copies + "N."), "unfold");
}

// ---- B4: storages and tensors that do not fit ----

TEST_F(TorchPickle, B4_StoragesAndViews) {
  const auto with = [](const std::string& t) { return checkpoint(dict(text("w") + t)); };
  constexpr std::int64_t big = std::int64_t(1) << 62;
  const std::string six = storage("0", 6);
  refused(with(tensor(storage("0", 7), 0, {7}, {1})), "said to have 28 bytes");
  refused(with(tensor(storage("0", 5), 0, {5}, {1})), "said to have 20 bytes");
  refused(with(tensor(storage("0", 6, "DoubleStorage"), 0, {6}, {1})), "said to have 48 bytes");
  refused(with(tensor(storage("0", big), 0, {6}, {1})), "overflows");
  refused(with(tensor(storage("1", 6), 0, {6}, {1})), "has no record");
  refused(with(tensor(storage("../version", 6), 0, {6}, {1})), "has no record");
  refused(with(tensor(six, 0, {7}, {1})), "'w': reaches element 6");
  refused(with(tensor(six, 1, {6}, {1})), "'w': reaches element 6");
  refused(with(tensor(six, 6, {1}, {1})), "'w': reaches element 6");
  refused(with(tensor(six, 6, {}, {})), "'w': reaches element 6");
  refused(with(tensor(six, 7, {0}, {1})), "begins outside");
  refused(with(tensor(six, 0, {2, 3}, {4, 1})), "'w': reaches element 6");
  refused(with(tensor(six, -1, {2}, {1})), "no integer >= 0");
  refused(with(tensor(six, 0, {-2}, {1})), "integers >= 0");
  refused(with(tensor(six, 5, {6}, {-1})), "integers >= 0");
  refused(with(tensor(six, 0, {2, 3}, {1})), "differing numbers");
  refused(with(tensor(six, 0, {big, 4}, {0, 0})), "overflows");
  refused(with(tensor(six, 0, {big, 2, 0}, {1, 1, 1})), "overflows");
  refused(with(tensor(six, 0, {3, 3}, {big, big})), "strides overflow");
  refused(with(tensor(six, std::numeric_limits<std::int64_t>::max(), {2}, {1})), "reaches element");
  refused(with(tensor(six, 0, {1 << 20, 1 << 20}, {0, 0})), "elements of a storage of 6");
  refused(with(tensor(six, 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1))), "64 dimensions");
  refused(checkpoint(dict(text("a") + tensor(six, 0, {6}, {1}) + text("b") +
                          tensor(storage("0", 3, "DoubleStorage"), 0, {3}, {1}))),
          "described twice");
  refused<UnsupportedError>(with(tensor(storage("0", 3, "ComplexFloatStorage"), 0, {3}, {1})), "not supported");
  refused<UnsupportedError>(with(tensor(storage("0", 6, "QInt32Storage"), 0, {6}, {1})), "not supported");
}

// ---- B5: zip files that lie ----

TEST_F(TorchPickle, B5_ZipLies) {
  const auto changed = [](std::size_t i, const std::function<void(Record&)>& f) {
    std::vector<Record> r = records_of(good);
    f(r[i]);
    return zip_of(r);
  };
  EXPECT_NO_THROW(read(changed(0, [](Record&) {})));
  refused(changed(2, [](Record& r) { r.local_name = "archive/data/1"; }), "differ");
  refused(changed(2, [](Record& r) { r.local_size = 23; }), "differ");
  refused(changed(2, [](Record& r) { r.local_method = 8; }), "differ");
  refused(changed(2, [](Record& r) { r.local_flags = 0; }), "differ");
  refused(changed(2, [](Record& r) { r.method = 8; }), "compressed");
  refused(changed(0, [](Record& r) { r.method = 12; }), "compressed");
  refused(changed(2, [](Record& r) { r.flags = 0x0801; }), "flags");
  refused(changed(2, [](Record& r) { r.flags = 0x2000; }), "flags");
  refused(changed(2, [](Record& r) { r.plain_size = 25; }), "two sizes differ");
  refused(changed(2, [](Record& r) { r.size = r.plain_size = 1 << 30; }), "leaves the file");
  refused(changed(2, [](Record& r) { r.size = 60; }), "overlap");
  refused(changed(2, [](Record& r) { r.offset = 3; }), "no local header");
  refused(changed(2, [](Record& r) { r.offset = 0xFFFFFF; }), "no local header");
  refused(changed(2, [](Record& r) { r.size = r.plain_size = 0xFFFFFFFF; }), "64-bit but not given");
  refused(changed(2,
                  [](Record& r) {
                    r.size = r.plain_size = 0xFFFFFFFF;
                    r.extra = little(1, 2) + little(8, 2) + little(24, 8);
                  }),
          "too short");
  refused(changed(2,
                  [](Record& r) {
                    r.size = r.plain_size = 0xFFFFFFFF;
                    r.extra = little(1, 2) + little(60000, 2) + little(24, 8);
                  }),
          "longer than its header");
  refused(changed(2,
                  [](Record& r) {
                    r.size = r.plain_size = r.local_size = 0xFFFFFFFF;
                    r.extra = r.local_extra = little(1, 2) + little(16, 2) + little(~0ull, 8) + little(~0ull, 8);
                  }),
          "leaves the file");
  refused(changed(2, [](Record& r) { r.name = "archive/data.pkl"; }), "appears twice");
  refused(changed(1, [](Record& r) { r.name = "other/data.pkl"; }), "two records are named data.pkl");
  refused(changed(1, [](Record& r) { r.name = std::string("a\0b", 3); }), "bad name");
  refused(changed(2, [](Record& r) { r.crc = 1; }), "CRC differs");
  refused<UnsupportedError>(changed(1, [](Record& r) { r.data = "big"; }), "byte order");

  const std::vector<Record> plain = records_of(good);
  refused(zip_of(plain, "", 5), "expected a directory entry");
  refused(zip_of(plain, "", 3), "bytes follow the last directory entry");
  refused(zip_of(plain, "", 60000), "more records are announced");
  refused(zip_of(plain, "", -1, 10), "directory is not where");
  refused(zip_of(plain, "", -1, -1, 10), "directory is not where");
  refused(zip_of(plain, "", -1, -1, -1, "", "x"), "no end-of-directory record");
  refused(zip_of(plain, "", -1, -1, -1, "", "", "PK"), "does not begin the file");
  refused("PK\x05\x06", "no end-of-directory");
  // zip64 records whose numbers differ from the plain ones, or that lie elsewhere.
  const auto end64 = [](std::uint64_t count, std::uint64_t size, std::uint64_t at, std::uint64_t locator) {
    return little(0x06064b50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(count, 8) +
           little(count, 8) + little(size, 8) + little(at, 8) + little(0x07064b50, 4) + little(0, 4) +
           little(locator, 8) + little(1, 4);
  };
  const std::string whole = zip_of(plain);
  const std::size_t tail = whole.size() - 22;
  const std::uint64_t at = static_cast<unsigned char>(whole[tail + 16]) | static_cast<unsigned char>(whole[tail + 17])
                                                                              << 8,
                      size = tail - at;
  const auto zip64 = [&](const std::string& record) { return whole.substr(0, tail) + record + whole.substr(tail); };
  EXPECT_NO_THROW(read(zip64(end64(4, size, at, tail))));
  refused(zip64(end64(5, size, at, tail)), "differ");
  refused(zip64(end64(4, size + 1, at, tail)), "differ");
  refused(zip64(end64(4, size, at + 1, tail)), "differ");
  refused(zip64(end64(4, size, at, tail + 1)), "not where it is said");
  refused(zip64(end64(4, size, at, ~0ull)), "not where it is said");

  std::vector<Record> crowd = records_of(good);
  for (int i = 0; i < 70'000; ++i) crowd.push_back({str("archive/x", i), ""});
  EXPECT_THROW(read(zip_of(crowd)), FormatError) << "70,004 records do not fit the plain directory's count";
}

TEST_F(TorchPickle, B6_OtherLayoutsGetAHint) {
  std::vector<Record> script = records_of(good);
  script.push_back({"archive/code/__torch__.py", "x"});
  refused<UnsupportedError>(zip_of(script), "TorchScript");
  script.back().method = 8;
  refused<UnsupportedError>(zip_of(script), "TorchScript");
  script.back() = {"archive/constants.pkl", "x"};
  refused<UnsupportedError>(zip_of(script), "TorchScript");
  refused<UnsupportedError>(zip_of({{"readme.txt", "x"}}), "no data.pkl");
  std::string tar(512, '\0');
  tar.replace(0, 7, "storage").replace(257, 5, "ustar");
  refused<UnsupportedError>(tar, "tar layout");
  refused<UnsupportedError>("7z\xBC\xAF\x27\x1C" + std::string(100, 'x'), "archive");
  refused<UnsupportedError>("\x1F\x8B" + std::string(100, 'x'), "archive");
  refused<UnsupportedError>("hello world", "no torch checkpoint");
  refused<UnsupportedError>(checkpoint("(dp0\nS'a'\np1\nI1\ns."), "protocol 0 or 1");
  refused<UnsupportedError>(checkpoint("}q\x01."), "protocol 0 or 1");
  refused<UnsupportedError>(checkpoint(proto2 + "I1\n."), "protocol 0");
  refused<UnsupportedError>(checkpoint(std::string("\x80\x06N.", 4)), "protocol 6");
  refused<UnsupportedError>(checkpoint(proto2 + "\x97."), "outside the file");
  refused<UnsupportedError>(proto2 + "}.", "not one of torch.save");
  refused("", "truncated");
}

TEST_F(TorchPickle, B7_TruncationAndDamage) {
  const std::string whole = checkpoint(good);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_THROW(read(whole.substr(0, n)), FormatError) << n;
  // Every single flipped bit of the records' data is noticed.
  const std::size_t pickle = whole.find(good), data = whole.find(std::string(24, 'x'));
  for (const auto& [from, size] : {std::pair{pickle, good.size()}, std::pair{data, std::size_t(24)}})
    for (std::size_t i = from; i < from + size; ++i) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      EXPECT_NE(message_of<FormatError>([&] { read(damaged); }).find("CRC differs"), std::string::npos) << i;
    }
  std::string damaged = whole;
  damaged[data] ^= 1;
  spill(file(), damaged);
  EXPECT_NO_THROW(read_torch_pickle(file(), {.check_crc = false}));
}

// ---- legacy ----

std::string legacy(const std::string& object, const std::string& keys, const std::string& data,
                   const std::string& system = "}(" + text("little_endian") + "\x88u") {
  return proto2 + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + proto2 + "M\xe9\x03." + proto2 + system + "." +
         object + keys + data;
}
TEST_F(TorchPickle, LegacyFiles) {
  const auto view = [](const std::string& extra) {
    return "(" + text("storage") + glob("torch", "FloatStorage") + text("k") + text("cuda:0") + integer(6) + extra +
           "tQ";
  };
  const std::string object = dict(text("w") + tensor(view("N"), 0, {6}, {1}) + text("v") +
                                  tensor(view("(" + text("k2") + integer(2) + integer(3) + "t"), 1, {2}, {1}));
  const std::string keys = proto2 + "](" + text("k") + "e.", data = little(6, 8) + std::string(24, 'x');
  const TensorFile f = read(legacy(object, keys, data));
  ASSERT_EQ(f.tensors.size(), 2u);
  EXPECT_EQ(f.layout, "torch legacy");
  EXPECT_EQ(f.tensors[1].offset, f.tensors[0].offset + 12);
  const std::string whole = legacy(object, keys, data);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_THROW(read(whole.substr(0, n)), FormatError) << n;
  refused(whole + "x", "follow the last storage");
  refused(legacy(object, keys, little(7, 8) + std::string(24, 'x')), "7 are announced");
  refused(legacy(object, keys, little(~0ull, 8) + std::string(24, 'x')), "are announced");
  refused(legacy(object, proto2 + "].", data), "list of storages");
  refused(legacy(object, proto2 + "](" + text("q") + "e.", data), "list of storages");
  refused<UnsupportedError>(legacy(object, keys, data, "}(" + text("little_endian") + "\x89u"), "byte order");
  EXPECT_THROW(read(legacy(proto2 + glob("os", "system") + "(" + text("id") + "tR.", keys, data)), UnsafePickleError);
}

TEST(TorchPickleGolden, TextualInversionFiles) {
  for (const char* name : {"text_embedding.pth", "text_embedding_old.pth"}) {
    const TensorFile f = read_tensor_file(std::filesystem::path(VGEN_SOURCE_DIR) / "tests/golden/clip" / name);
    ASSERT_EQ(f.tensors.size(), 2u) << name;
    const auto by_name = [&](const char* key) { return *std::ranges::find(f.tensors, key, &TensorEntry::name); };
    const TensorEntry token = by_name("string_to_token.*"), vector = by_name("string_to_param.*");
    EXPECT_EQ(token.dtype, DType::i64);
    EXPECT_TRUE(token.shape.empty());
    std::int64_t id = 0;
    std::memcpy(&id, token.file->bytes().data() + token.offset, 8);
    EXPECT_EQ(id, 265);  // "*"
    const TensorFile golden =
        read_safetensors(std::filesystem::path(VGEN_SOURCE_DIR) / "tests/golden/clip/text_embedding.safetensors");
    const TensorEntry& want = golden.tensors[0];
    ASSERT_EQ(vector.shape, want.shape);
    EXPECT_EQ(
        std::memcmp(vector.file->bytes().data() + vector.offset, want.file->bytes().data() + want.offset, want.bytes),
        0);
  }
}

// ---- writer ----

TEST_F(TorchPickle, WriterRoundTrip) {
  test::Random random{9};
  for (int round = 0; round < 200; ++round) {
    std::vector<TensorToWrite> tensors;
    std::vector<std::string> bytes;
    const std::size_t count = random.below(10);
    for (std::size_t t = 0; t < count; ++t) {
      TensorToWrite w{str("layer.", t, ".é"), enum_names(DType{})[random.below(15)].first, {}};
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
    const Node extra = round % 2 ? Node::map({{"step", Node(std::int64_t(1) << 40)},
                                              {"lr", Node(1e-4)},
                                              {"neg", Node(-3)},
                                              {"list", Node::list({true, Node(), "x"})},
                                              {"map", Node::map({{"a", Node(1)}})}})
                                 : Node();
    write_torch_zip(file(), tensors, extra);
    const TensorFile f = read_tensor_file(file());
    ASSERT_EQ(f.tensors.size(), count);
    EXPECT_EQ(f.extra, extra) << dump_json(f.extra);
    for (std::size_t t = 0; t < count; ++t) {
      ASSERT_EQ(f.tensors[t].name, tensors[t].name);
      ASSERT_EQ(f.tensors[t].dtype, tensors[t].dtype);
      ASSERT_EQ(f.tensors[t].shape, tensors[t].shape);
      ASSERT_EQ(std::string(reinterpret_cast<const char*>(f.tensors[t].file->bytes().data()) + f.tensors[t].offset,
                            f.tensors[t].bytes),
                bytes[t]);
      ASSERT_TRUE(bytes[t].empty() || f.tensors[t].offset % 64 == 0);
    }
  }
}

TEST_F(TorchPickle, WriterSharesTiedTensors) {
  const std::vector<float> values(1000, 1);
  write_torch_zip(file(), {{"a", DType::f32, {1000}, values.data()}, {"b", DType::f32, {10, 100}, values.data()}});
  const TensorFile f = read_torch_pickle(file());
  EXPECT_EQ(f.tensors[0].offset, f.tensors[1].offset);
  EXPECT_LT(std::filesystem::file_size(file()), 6000u);
  EXPECT_THROW(write_torch_zip(file(), {{"a", DType::f32, {1}, values.data()}, {"a", DType::f32, {1}, values.data()}}),
               FormatError);
  EXPECT_THROW(write_torch_zip(file(), {{"a", DType::f32, {1}}}), FormatError);
  EXPECT_THROW(write_torch_zip(file(), {}, Node(3)), FormatError);
}

TEST(Crc32, KnownValuesAndPieces) {
  EXPECT_EQ(crc_of(""), 0u);
  EXPECT_EQ(crc_of("123456789"), 0xCBF43926u);
  std::string large(40'000'001, '\0');
  test::Random random{1};
  for (char& c : large) c = static_cast<char>(random.next());
  std::uint32_t slow = 0xFFFFFFFF;
  for (const char c : large) {
    slow ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) slow = slow & 1 ? 0xEDB88320u ^ slow >> 1 : slow >> 1;
  }
  EXPECT_EQ(crc_of(large), ~slow) << "joined from pieces that threads computed";
}

}  // namespace
}  // namespace vgen::formats
