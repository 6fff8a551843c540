#!/usr/bin/env bash
# Packs what vgen includes of Debian's header packages into third_party/headers.tar.xz, with their licences. CMake takes the system's
# packages where it finds them and this archive where it does not: machines without network or -dev packages build from the tree alone.
#   scripts/bundle_headers.sh            makes the archive
#   scripts/bundle_headers.sh --check    exit 1 if it lacks a header that the sources reach
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
archive=third_party/headers.tar.xz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every header of these packages that the sources reach, directly or not.
sources=$(find vgen bindings tests -name '*.[ch]pp' 2>/dev/null || true)
grep -hoE '^ *# *include <(Eigen|xtensor|xtl|spdlog|fmt)/[^>]+>' $sources | sed 's/ *# */#/' | sort -u |
  awk -F'[<>]' '{printf "#if __has_include(<%s>)\n%s\n#endif\n", $2, $0}' >"$work/all.cpp"
g++ -std=c++20 -DSPDLOG_FMT_EXTERNAL -DFMT_HEADER_ONLY -I/usr/include/eigen3 -M "$work/all.cpp" | tr ' \\' '\n\n' |
  sed -E 's|/\./|/|g; s|/[^/]+/\.\./|/|g' | grep -E '^/usr/include/(eigen3|xtensor|xtl|spdlog|fmt)/' | sort -u >"$work/list"
[ -s "$work/list" ] || { echo "bundle_headers: none of the headers is installed here (scripts/apt.txt)" >&2; exit 1; }

if [ "${1:-}" = "--check" ]; then
  tar -tJf "$archive" | sed -n 's|^headers/include/|/usr/include/|p' | sort >"$work/have"
  missing=$(comm -23 "$work/list" "$work/have")
  [ -z "$missing" ] && exit 0
  printf 'bundle_headers: %s lacks these; run scripts/bundle_headers.sh:\n%s\n' "$archive" "$missing" >&2
  exit 1
fi

top=$work/headers
mkdir -p "$top/include" "$top/licenses"
xargs -a "$work/list" cp --parents -t "$work"
cp -r "$work/usr/include/." "$top/include/"
cp -r /usr/include/eigen3/Eigen/src/Core/arch "$top/include/eigen3/Eigen/src/Core/"  # other processors take other files of it
for part in googletest googlemock; do
  mkdir -p "$top/googletest/$part"
  cp -r "/usr/src/googletest/$part/include" "/usr/src/googletest/$part/src" "$top/googletest/$part/"
done
for package in libeigen3-dev libxtensor-dev xtl-dev libspdlog-dev libfmt-dev libgtest-dev; do
  cp "/usr/share/doc/$package/copyright" "$top/licenses/$package"
  dpkg-query -W -f='${Package} ${Version}\n' "$package" >>"$top/VERSIONS"
done
mkdir -p third_party
tar -C "$work" --sort=name --mtime=2000-01-01 --owner=0 --group=0 --numeric-owner -cf - headers | xz -9e -T1 >"$archive"
cat "$top/VERSIONS"
echo "$archive: $(tar -tJf "$archive" | grep -vc '/$') files, $(stat -c %s "$archive") bytes"
