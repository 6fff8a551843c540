#include "vgen/formats/pickle_globals.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace vgen::formats::detail {
namespace {

// Modules of the standard library, Python 2 and 3 (sys.stdlib_module_names and the renamed ones).
constexpr std::string_view standard_modules =
    " BaseHTTPServer Bastion CGIHTTPServer ConfigParser Cookie HTMLParser Queue SimpleHTTPServer SocketServer StringIO "
    "Tkinter UserDict "
    "UserList UserString __builtin__ __builtins__ __future__ _abc _aix_support _ast _asyncio _bisect _blake2 "
    "_bootsubprocess _bz2 _codecs "
    "_codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc "
    "_compat_pickle _compression "
    "_contextvars _crypt _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree _frozen_importlib "
    "_frozen_importlib_external _functools _gdbm _hashlib _heapq _imp _interpreters _io _json _locale _lsprof _lzma "
    "_markupbase _md5 _msi "
    "_multibytecodec _multiprocessing _opcode _operator _osx_support _overlapped _pickle _posixshmem _posixsubprocess "
    "_py_abc _pydecimal "
    "_pyio _pyrepl _queue _random _scproxy _sha1 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3 _sre "
    "_ssl _stat _statistics "
    "_string _strptime _struct _symtable _testcapi _thread _threading_local _tkinter _tokenize _tracemalloc _typing "
    "_uuid _warnings "
    "_weakref _weakrefset _winapi _winreg _zoneinfo abc aifc antigravity anydbm argparse array ast asynchat asyncio "
    "asyncore atexit audioop "
    "base64 bdb binascii binhex bisect builtins bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath cmd code "
    "codecs codeop "
    "collections colorsys commands compileall compiler concurrent configparser contextlib contextvars cookielib copy "
    "copy_reg copyreg crypt "
    "csv ctypes curses dataclasses datetime dbhash dbm decimal difflib dircache dis distutils doctest dumbdbm "
    "dummy_thread dummy_threading "
    "email encodings ensurepip enum errno exceptions faulthandler fcntl filecmp fileinput fnmatch formatter fractions "
    "ftplib functools gc "
    "gdbm genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http httplib idlelib "
    "ihooks imaplib imghdr imp "
    "importlib imputil inspect io ipaddress itertools java json keyword lib2to3 linecache locale logging lzma macpath "
    "mailbox mailcap "
    "marshal math md5 mimetypes mmap modulefinder msilib msvcrt multiprocessing mutex netrc new nis nntplib nt ntpath "
    "nturl2path numbers "
    "opcode operator optparse os os2 ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil platform plistlib "
    "popen2 poplib posix "
    "posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re "
    "readline repr reprlib "
    "resource rexec rlcompleter robotparser runpy sched secrets select selectors sets sha shelve shlex shutil signal "
    "site sitecustomize "
    "smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics "
    "string stringprep struct "
    "subprocess sunau symbol symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap "
    "this thread threading "
    "time timeit tkFileDialog tkMessageBox tkinter token tokenize tomllib trace traceback tracemalloc tty turtle "
    "turtledemo types typing "
    "unicodedata unittest urllib urllib2 urlparse user usercustomize uu uuid venv warnings wave weakref webbrowser "
    "whichdb winreg winsound "
    "wsgiref xdrlib xml xmlrpc xmlrpclib zipapp zipfile zipimport zlib zoneinfo ";

// Data classes of the standard library (and one of torch) that trainers put beside weights.
constexpr std::string_view harmless =
    " _codecs.encode argparse.Namespace builtins.bool builtins.bytearray builtins.bytes builtins.complex builtins.dict "
    "builtins.float "
    "builtins.frozenset builtins.int builtins.list builtins.object builtins.range builtins.set builtins.slice "
    "builtins.str builtins.tuple "
    "__builtin__.bool __builtin__.bytearray __builtin__.complex __builtin__.dict __builtin__.float "
    "__builtin__.frozenset __builtin__.int "
    "__builtin__.list __builtin__.long __builtin__.object __builtin__.set __builtin__.slice __builtin__.str "
    "__builtin__.tuple "
    "__builtin__.unicode __builtin__.xrange collections.Counter collections.OrderedDict collections.defaultdict "
    "collections.deque "
    "copy_reg._reconstructor copyreg._reconstructor datetime.date datetime.datetime datetime.time datetime.timedelta "
    "datetime.timezone "
    "decimal.Decimal fractions.Fraction functools.partial pathlib.Path pathlib.PosixPath pathlib.PurePath "
    "pathlib.PurePosixPath "
    "torch.serialization._get_layout pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.Path "
    "pathlib._local.PosixPath pathlib._local.WindowsPath "
    "types.SimpleNamespace uuid.UUID typing.Any typing.Dict typing.List typing.Optional typing.Tuple typing.Union ";

// Other packages: modules (with all below them) and single names that run, load, compile or fetch.
constexpr std::string_view other_modules[] = {"IPython",
                                              "_pytest",
                                              "aiohttp",
                                              "cffi",
                                              "cloudpickle",
                                              "dill",
                                              "fabric",
                                              "httpx",
                                              "invoke",
                                              "jinja2",
                                              "joblib",
                                              "keras",
                                              "llvmlite",
                                              "multiprocess",
                                              "nose",
                                              "numba",
                                              "numpy.ctypeslib",
                                              "numpy.distutils",
                                              "numpy.f2py",
                                              "numpy.testing",
                                              "paramiko",
                                              "pexpect",
                                              "pip",
                                              "pkg_resources",
                                              "plumbum",
                                              "psutil",
                                              "pycurl",
                                              "pytest",
                                              "requests",
                                              "setuptools",
                                              "sh",
                                              "sympy",
                                              "tensorflow",
                                              "torch._C",
                                              "torch._dynamo",
                                              "torch._inductor",
                                              "torch.compiler",
                                              "torch.distributed",
                                              "torch.fx",
                                              "torch.hub",
                                              "torch.jit",
                                              "torch.multiprocessing",
                                              "torch.package",
                                              "torch.serialization",
                                              "torch.testing",
                                              "torch.utils.bottleneck",
                                              "torch.utils.cpp_extension",
                                              "torch.utils.collect_env",
                                              "torch.utils.model_zoo",
                                              "torch.utils._config_module",
                                              "triton",
                                              "urllib3",
                                              "yaml"};
constexpr std::string_view bad_names =
    " __import__ __reduce__ __reduce_ex__ __setattr__ __getattribute__ _execfile _load_from_bytes _run_code "
    "_run_module_as_main apply "
    "check_call check_output compile delattr eval exec execfile execl execle execlp execv execve execvp exit fork "
    "getattr getoutput globals "
    "import_module input load load_library load_module load_url locals loads open popen popen2 popen3 read_pickle "
    "rmtree run run_code "
    "run_module run_path runcode runfile runstring safe_eval setattr shell_exec spawn spawnl spawnv startfile system "
    "unlink unsafe_load "
    "urlopen urlretrieve vars ";

bool listed(std::string_view list, std::string_view word) {
  static thread_local std::string padded;
  padded.assign(" ").append(word).append(" ");
  return word.find(' ') == std::string_view::npos && list.find(padded) != std::string_view::npos;
}

}  // namespace

bool dangerous_global(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + "." + std::string(name);
  if (listed(harmless, full)) return false;
  if (listed(standard_modules, module.substr(0, module.find('.')))) return true;
  for (const std::string_view other : other_modules)
    if (module == other || (module.starts_with(other) && module[other.size()] == '.') || full == other) return true;
  // A dotted name walks attributes: "torch" + "serialization.os.system" leads back into the standard library.
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    if (listed(bad_names, part) || (dot != std::string_view::npos && listed(standard_modules, part))) return true;
    if (dot == std::string_view::npos) return false;
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace vgen::formats::detail
