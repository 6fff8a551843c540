#!/usr/bin/env bash
# Builds and tests with the headers of third_party/headers.tar.xz and without FFmpeg, as on a machine with torch, a compiler and no network.
# As root the system's own packages are hidden meanwhile (a private mount of nothing over them), so nothing of them can help.
#   scripts/test_bundled.sh [FOLDER...]     folders of vgen/ whose tests are built and run; default: all
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
hidden="/usr/include/xtensor /usr/include/xtl /usr/include/eigen3 /usr/include/spdlog /usr/include/fmt /usr/include/gtest /usr/include/gmock
/usr/src/googletest /usr/share/cmake/xtensor /usr/share/eigen3 /usr/lib/x86_64-linux-gnu/cmake /usr/include/x86_64-linux-gnu/libavcodec"
if [ "$(id -u)" -eq 0 ] && [ -z "${VGEN_HIDDEN:-}" ] && unshare -m true 2>/dev/null; then
  VGEN_HIDDEN=1 exec unshare -m bash "$root/scripts/test_bundled.sh" "$@"
fi
if [ -n "${VGEN_HIDDEN:-}" ]; then
  for folder in $hidden; do
    if [ -d "$folder" ]; then mount -t tmpfs -o ro none "$folder"; fi
  done
  say "hidden: $(echo $hidden)"
fi
out=$root/build/bundled
step "configure" cmake -G Ninja -S "$root" -B "$out" -DPython_EXECUTABLE="$python" -DCMAKE_BUILD_TYPE=Release -DVGEN_WERROR=ON \
  -DVGEN_BUILD_PYTHON="${VGEN_BUILD_PYTHON:-OFF}" -DVGEN_WITH_FFMPEG=OFF -DVGEN_CUDA=OFF
grep -o 'vgen: from third_party.*' "$logs/configure.log" || die "the system's packages were found; as root they would be hidden"
if [ $# -gt 0 ]; then targets=$(printf 'test_%s ' "$@"); pattern="^($(IFS='|'; echo "$*"))\$"; else targets=all; pattern=.; fi
step "build" ninja -C "$out" -j "$jobs" $targets
if leaked=$(ninja -C "$out" -t deps | grep -E ' /usr/include/(xtensor|xtl|eigen3|spdlog|fmt|gtest|gmock)/'); then
  die "headers of the system were used: $leaked"
fi
export GTEST_OUTPUT=xml:$out/reports/
rm -rf "$out/reports"
failed=()
step "tests" ctest --test-dir "$out" --output-on-failure --no-tests=error -R "$pattern" || failed+=("tests|-")
"$python" scripts/totals.py "$out/reports" "${failed[@]}"
