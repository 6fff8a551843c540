#!/usr/bin/env bash
# Builds the wheel, installs it where there is nothing but torch and numpy, and uses it there: the program, the Python package, a CMake
# consumer, a wrong torch, no torch.   scripts/test_wheel.sh [--fresh]
# --fresh fetches torch from the index; otherwise the files of .venv's torch are linked into the new environment (seconds, no traffic).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
work=$build/../wheel-test
rm -rf "$work"
mkdir -p "$work/dist" "$work/home"
work=$(cd "$work" && pwd)
passed=0 failed=0
ok() { passed=$((passed + 1)); say "ok      $*"; }
bad() { failed=$((failed + 1)); say "FAILED  $*"; }
# expect WHAT COMMAND...: the command succeeds;  refuse WHAT TEXT COMMAND...: it fails and says TEXT in one line.
expect() {
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then ok "$what"; else bad "$what"; tail -n 30 "$work/log"; fi
}
refuse() {
  local what=$1 text=$2
  shift 2
  if "$@" >"$work/log" 2>&1; then bad "$what: it succeeded"; elif grep -qF -- "$text" "$work/log"; then ok "$what"; else bad "$what: no line '$text'"; tail -n 30 "$work/log"; fi
}

# ---- build ----
[ -x "$python" ] || die "no $venv; run scripts/setup.sh first"
# The compiler and CMake of ./check, so that the compiler cache serves both.
export CXX=${CXX:-c++} CMAKE_BUILD_PARALLEL_LEVEL=$jobs CMAKE_EXECUTABLE=${CMAKE_EXECUTABLE:-$(command -v cmake)}
step "wheel" "$python" -m pip wheel . --no-build-isolation --no-deps -w "$work/dist" -v -Ccmake.define.VGEN_WERROR=ON
wheel=$(echo "$work"/dist/vgen-*.whl)
say "$(basename "$wheel"): $(stat -c %s "$wheel") bytes"

# ---- what is in it ----
"$python" -m zipfile -l "$wheel" | awk 'NR > 1 {print $1}' >"$work/files"
expect "holds libvgen, the back end, the program, headers, the CMake package, licences" "$python" - "$work/files" <<'CHECK'
import re, sys
files = open(sys.argv[1]).read().split()
for pattern in [r"vgen/lib/libvgen\.so$", r"vgen/lib/libvgen_cli_backend\.so$", r".*\.data/scripts/vgen$", r"vgen/include/vgen/vgen\.hpp$",
                r"vgen/share/cmake/vgen/vgenConfig\.cmake$", r".*dist-info/licenses/LICENSE$", r".*dist-info/licenses/THIRD_PARTY_NOTICES\.md$"]:
    assert any(re.fullmatch(pattern, f) for f in files), f"no {pattern} in {files}"
strange = [f for f in files if re.search(r"(^|/)lib(av|sw|torch|c10|cud|nv|gomp|spdlog|fmt|yaml)[^/]*\.so|ffmpeg\d*\.so|/tests?/|\.golden|\.cpp$|\.part$", f)]
assert not strange, strange
CHECK
if [ -f models/shapes/model_index.json ]; then
  expect "holds the shipped model" grep -q '^vgen/models/shapes/model_index.json$' "$work/files"
fi
expect "is at most 40 MB" test "$(stat -c %s "$wheel")" -le 40000000

# ---- an environment of torch and numpy alone ----
step "environment" "$python" -m venv "$work/venv"
clean=$work/venv/bin/python
expect_env() { env -i PATH="$work/venv/bin:/usr/bin:/bin" HOME="$work/home" OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0 "$@"; }
cd "$work/home"
refuse "pip install without torch says what to do" "pip install --no-build-isolation ." expect_env "$clean" -m pip install "$root"
if [ "${1:-}" = --fresh ]; then
  step "torch and numpy (2.7 GB)" "$clean" -m pip install --progress-bar off "torch==$torch.*" numpy
else
  step "torch and numpy (linked)" "$python" "$root/scripts/link_packages.py" "$work/venv" torch numpy
fi
step "install the wheel" "$clean" -m pip install --no-index --no-deps "$wheel"
expect "pip check" "$clean" -m pip check
say "installed: $("$clean" -m pip list --format=freeze | tr '\n' ' ')"
site=$("$clean" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# ---- what its binaries ask for ----
expect "binaries need torch_cpu, c10 and the C++ runtime only, and find them by relative paths" "$python" - "$site/vgen" "$work/venv/bin/vgen" <<'CHECK'
import pathlib, re, subprocess, sys
system = r"lib(stdc\+\+|m|gcc_s|c|dl|pthread|rt)\.so\.\d+|ld-linux.*"
torch, ours = r"|libtorch_cpu\.so|libc10\.so|libgomp\.so\.1", r"|libvgen\.so"  # torch/lib has libgomp.so.1, too
rules = {"vgen": system, "libvgen.so": system + torch, "libvgen_cli_backend.so": system + torch + ours, "libvgen_cuda.so": system + r"|libcudart\.so\.\d+"}
files = [p for p in pathlib.Path(sys.argv[1]).rglob("*.so")] + [pathlib.Path(sys.argv[2])]
for file in files:
    text = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
    rule = rules.get(file.name, system + torch + ours + r"|libtorch_python\.so|libtorch\.so")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    paths = [p for r in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", text) for p in r.split(":")]
    print(file.name, needed, paths)
    assert all(re.fullmatch(rule, n) for n in needed), (file, needed)
    assert all(p.startswith("$ORIGIN") for p in paths), (file, paths)
CHECK
sed 's/^/        /' "$work/log"

# ---- use ----
expect "vgen --help" expect_env vgen --help
for i in 1 2 3 4 5; do
  t=$( { TIMEFORMAT=%R; time expect_env vgen --help >/dev/null; } 2>&1 )
  echo "$t"
done | sort -n >"$work/times"
say "vgen --help: $(head -n 1 "$work/times") s (best of 5)"
expect "vgen doctor" expect_env vgen doctor
export VGEN_CMAKE_DIR=$site/vgen/share/cmake/vgen
expect "CMake consumer and the lines about a wrong torch" env -u VIRTUAL_ENV "$python" -m pytest -q -p no:cacheprovider "$root/tests/packaging_test.py" --basetemp "$work/pytest"
sed -n '$s/^/        /p' "$work/log"
model=$(find "$work/pytest" -type d -name model | head -n 1)
prompt="a red circle moving left on a black background"
if [ -f "$site/vgen/models/shapes/model_index.json" ]; then
  expect "vgen gen with the shipped model" expect_env vgen gen "$prompt" -o "$work/home/shapes.gif"
fi
expect "vgen gen -m FOLDER, .gif" expect_env vgen gen -m "$model" "$prompt" -o "$work/home/a.gif"
expect "vgen gen -m FOLDER, .mp4 or advice without FFmpeg" bash -c '
  env -i PATH="$1/venv/bin:/usr/bin:/bin" HOME="$1/home" vgen gen -m "$2" x -o "$1/home/a.mp4" || {
    [ -z "$(command -v ffmpeg)" ] && env -i PATH="$1/venv/bin" HOME="$1/home" vgen gen -m "$2" x -o "$1/home/a.mp4" 2>&1 | grep -q "apt-get install ffmpeg"; }' _ "$work" "$model"
refuse "without FFmpeg .mp4 is refused with advice" "apt-get install ffmpeg" env -i PATH="$work/venv/bin" HOME="$work/home" vgen gen -m "$model" x -o "$work/home/b.mp4"
if [ -f "$site/vgen/__init__.py" ]; then
  expect "Python: import, pipeline, frames, save" expect_env "$clean" - "$model" "$work/home/py.gif" <<'CHECK'
import pathlib, sys
import vgen
pipe = vgen.Pipeline.from_pretrained(sys.argv[1])
clip = pipe("a red circle moving left on a black background", num_inference_steps=2, seed=7)
assert clip.frames.shape[0] == 4 and str(clip.frames.dtype).endswith("uint8"), (clip.frames.shape, clip.frames.dtype)
clip.save(sys.argv[2])
assert pathlib.Path(sys.argv[2]).read_bytes()[:3] == b"GIF"
assert "site-packages" in vgen.__file__, vgen.__file__
CHECK
  mkdir -p "$work/fake/torch"
  printf '__version__ = "2.3.1+cu118"\n' | tee "$work/fake/torch/version.py" >"$work/fake/torch/__init__.py"
  refuse "import with another torch says so" "2.3.1" env -i PATH="$work/venv/bin:/usr/bin:/bin" HOME="$work/home" PYTHONPATH="$work/fake" "$clean" -c 'import vgen'
fi

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
