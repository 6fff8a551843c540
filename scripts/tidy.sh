#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over the torch-free sources, every finding an error. A torch source costs half a minute to parse: give those that
# you changed by name.   scripts/tidy.sh [FILE...]
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tidy=${CLANG_TIDY:-clang-tidy}
command -v "$tidy" >/dev/null || die "no clang-tidy; run: apt-get install -y clang-tidy"
[ -f "$build/compile_commands.json" ] || die "no $build/compile_commands.json; run scripts/setup.sh --tests"
if [ $# -gt 0 ]; then files=("$@"); else
  torch_free=$(sed -n 's/^\([a-z]*\):.*/\1/p' vgen/cmake/layers.txt)
  files=()
  for folder in $torch_free; do for f in vgen/"$folder"/*.cpp; do [ -f "$f" ] && files+=("$f"); done; done
  files+=(vgen/cli/main.cpp vgen/cli/arguments.cpp vgen/cli/commands.cpp vgen/cli/console.cpp vgen/cli/system.cpp)
fi
rm -f "$logs"/tidy.*
one() {  # FILE: silent if clean
  "$1" -p "$2" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option "$3" 2>/dev/null || exit 1
}
export -f one
say "clang-tidy over ${#files[@]} files"
rc=0
printf '%s\0' "${files[@]}" | xargs -0 -P "$jobs" -I{} bash -c 'one "$@" >"$4/tidy.$(tr / _ <<<"$3")" && rm "$4/tidy.$(tr / _ <<<"$3")"' _ "$tidy" "$build" {} "$logs" || rc=1
found=$(cat "$logs"/tidy.* 2>/dev/null | grep -E ' error: ' | sort -u || true)
[ -n "$found" ] && printf '%s\n' "$found"
bad=$(ls "$logs"/tidy.* 2>/dev/null | wc -l)
printf '\n%d passed, %d failed\n' $((${#files[@]} - bad)) "$bad"
[ "$bad" -eq 0 ] && [ "$rc" -eq 0 ]
