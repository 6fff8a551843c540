#!/usr/bin/env bash
# Makes a fresh Debian or Ubuntu checkout ready: packages, .venv with torch, libvgen, the program and the Python module. Only what is
# missing is done; a second run takes seconds.   scripts/setup.sh [--tests]
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
targets="vgen/all"
[ -f bindings/CMakeLists.txt ] && targets="$targets bindings/all"
[ "${1:-}" = "--tests" ] && targets="all"

# ---- Debian packages ----
wanted=$(grep -v '^#' scripts/apt.txt)
if command -v dpkg-query >/dev/null; then
  missing=""
  for package in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    line="apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends$missing"
    if [ "$(id -u)" -eq 0 ]; then as=""; elif sudo -n true 2>/dev/null; then as="sudo -E"; else
      die "Debian packages are missing and this user may not install them. Run, then start again:"$'\n'"  sudo apt-get update && sudo $line"
    fi
    step "apt-get update" $as apt-get update
    step "apt-get install$missing" $as $line
  fi
else
  say "no dpkg here: the equivalents of these packages must be installed:" $wanted
fi

# ---- Python ----
usable() {  # 3.11 or newer, with venv and headers
  "$1" -c 'import os, sys, sysconfig, venv, ensurepip
sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14) and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))))' 2>/dev/null
}
if ! [ -x "$python" ]; then
  base=""
  for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
    if command -v "$candidate" >/dev/null && usable "$candidate"; then base=$candidate; break; fi
  done
  [ -n "$base" ] || die "no Python 3.11 to 3.14 with venv and headers found; install one (apt-get install python3 python3-venv python3-dev) or set PYTHON"
  step "virtual environment in ${venv#"$root"/}" "$base" -m venv "$venv"
fi
stamp=$venv/.vgen-stamp
want="$torch $(cksum <scripts/requirements.txt) $("$python" -c 'import sys; print(sys.version_info[:3])')"
if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
  sed "s/^torch==.*/torch==$torch.*/" scripts/requirements.txt >"$logs/requirements.txt"
  step "Python packages (torch is 2.7 GB; minutes)" "$python" -m pip install --progress-bar off -r "$logs/requirements.txt"
  step "import torch" "$python" -c 'import torch; print(torch.__version__, torch.ones(2, 2).sum().item())'
  printf '%s' "$want" >"$stamp"
fi

# ---- build ----
werror=${VGEN_WERROR:-OFF}
# Warnings are errors with the compiler that the project is checked with; another one may know warnings that we have not seen.
[ "$(g++ -dumpversion | cut -d. -f1)" = 12 ] && werror=ON
options="-DVGEN_BUILD_TESTS=ON -DVGEN_BUILD_PYTHON=ON -DVGEN_WERROR=$werror -DVGEN_TORCH_VERSION=$torch -DPython_EXECUTABLE=$python -DCMAKE_BUILD_TYPE=Release -DVGEN_CUDA=${VGEN_CUDA:-AUTO}"
if ! [ -f "$build/build.ninja" ] || [ "$(cat "$build/.vgen-options" 2>/dev/null)" != "$options" ]; then
  step "configure" cmake -G Ninja -S "$root" -B "$build" $options
  printf '%s' "$options" >"$build/.vgen-options"
fi
step "build" ninja -C "$build" -j "$jobs" $targets

# ---- into the environment: links, so that an edit needs no reinstallation ----
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$root/python" >"$site/vgen-checkout.pth"
ln -sfn "$build/bin/vgen" "$venv/bin/vgen"
if [ -d python/vgen ]; then
  ln -sfn "$build/_build_info.py" python/vgen/_build_info.py
  for module in "$build"/bindings/_core*.so; do
    [ -e "$module" ] && ln -sfn "$module" "python/vgen/$(basename "$module")"
  done
fi
say "ready: $venv/bin/vgen"
