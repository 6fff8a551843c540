# shellcheck shell=bash disable=SC2034
# Shared by the scripts: where things are, and how progress is told. Sourced, never run.
# VGEN_VENV, VGEN_BUILD, VGEN_TORCH, PYTHON and VGEN_JOBS choose other places, another torch minor, interpreter, parallelism.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=${VGEN_VENV:-$root/.venv}
build=${VGEN_BUILD:-$root/build/release}
torch=${VGEN_TORCH:-2.11}
python=$venv/bin/python
logs=$build/logs
jobs=${VGEN_JOBS:-$(nproc)}
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV CONDA_PREFIX
# A home that cannot be written must not stop anything: caches then live in the build folder.
if [ -z "${HOME:-}" ] || ! [ -d "$HOME" ] || ! [ -w "$HOME" ]; then
  export HOME=$root/build/home
  mkdir -p "$HOME"
fi
# Objects are cached by content, wherever the checkout lies.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export PATH=$PATH:$venv/bin  # after the system's: pip's cmake and ninja serve where there is no other
mkdir -p "$logs"

began=$SECONDS
say() { printf '[%4ds] %s\n' "$((SECONDS - began))" "$*"; }
die() { printf '\nvgen: %s\n' "$*" >&2; exit 1; }

# step NAME COMMAND...: the output goes to a log; every 10 s one line tells that it lives; on failure the end of the log is shown.
step() {
  local name=$1 log pid began_step=$SECONDS rc=0 tick=0
  shift
  log=$logs/$(printf '%s' "$name" | tr -c 'A-Za-z0-9' '_').log
  say "$name ..."
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    tick=$((tick + 1))
    [ $((tick % 50)) -eq 0 ] && say "$name: $((SECONDS - began_step)) s  $(tail -c 4000 "$log" | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | cut -c1-110)"
  done
  wait "$pid" || rc=$?
  trap - INT TERM
  if [ "$rc" -ne 0 ]; then
    say "$name: FAILED (exit $rc); the end of $log:"
    tail -n 40 "$log" | cut -c1-300
    return "$rc"
  fi
}
