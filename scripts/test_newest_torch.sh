#!/usr/bin/env bash
# Builds a copy of this tree against the newest torch on PyPI (or VGEN_TORCH=2.15) and runs every test there. Not part of ./check: it
# fetches 3 GB and compiles everything. The copy keeps the everyday environment as it is.   scripts/test_newest_torch.sh [FOLDER]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
folder=${1:-build/torch-newest}
if [ -z "${VGEN_TORCH:-}" ]; then
  listed=$("${PYTHON:-python3}" -m pip index versions torch 2>/dev/null || .venv/bin/python -m pip index versions torch)
  VGEN_TORCH=$(sed -n '1s/.*(\([0-9]*\.[0-9]*\)\..*/\1/p' <<<"$listed")
fi
[ -n "$VGEN_TORCH" ] || { echo "test_newest_torch: cannot read the versions of torch from the index; set VGEN_TORCH=" >&2; exit 1; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
echo "torch $VGEN_TORCH in $folder"
rm -rf "$folder/tree"
mkdir "$folder/tree"
# Files keep their times, so a second run compiles only what changed.
git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done | tar -cf - -T - | tar -C "$folder/tree" -xf -
cd "$folder/tree"
git init -q 2>/dev/null || true  # ./check lists its sources with git where it can
export VGEN_TORCH VGEN_VENV=$folder/venv VGEN_BUILD=$folder/build VGEN_CUDA=${VGEN_CUDA:-OFF}
exec ./check
