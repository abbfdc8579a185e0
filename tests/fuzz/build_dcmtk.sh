#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds DCMTK so that the fuzzers see into it.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
  cat <<'HELP'
Usage: tests/fuzz/build_dcmtk.sh [DIR]

Gets the source of the DCMTK that is installed here, with Debian's patches, and
builds the libraries that the decoder uses with libFuzzer's coverage and
AddressSanitizer. The preset "fuzz" takes them where they are; without them the
fuzzers use Debian's own build, and see neither its branches nor its reads out of
bounds. Needs clang-14 (scripts/setup.sh --lint); some ten minutes on one core, and
goes on where it was stopped. The machine's apt configuration is only read.

  DIR   where to install; default .deps/dcmtk-fuzz, where the preset looks

M3LUNG_JOBS in the environment: how many compilers run at once, default 1.

Example: nice -n 19 tests/fuzz/build_dcmtk.sh
Exit code: 0 built, or there already; 1 failed; 2 used wrongly.
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
if (($# > 1)); then usage >&2; exit 2; fi

prefix=$(realpath -m "${1:-.deps/dcmtk-fuzz}")
version=$(dpkg-query -W -f '${source:Version}' libdcmtk-dev)
if [ "$(cat "$prefix/version" 2>/dev/null || true)" = "$version" ]; then
  echo "build_dcmtk: $version is in $prefix already"
  exit 0
fi

work=$prefix/work
[ -d "$work/source/$version" ] || tests/debian_source.sh libdcmtk-dev "$work/source/$version"

flags="-O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address"
cmake -S tests/fuzz/dcmtk -B "$work/build" -G Ninja -DDCMTK_SOURCE="$work/source/$version" \
  -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_INSTALL_PREFIX="$prefix"
cmake --build "$work/build" -j "${M3LUNG_JOBS:-1}"
cmake --install "$work/build" >/dev/null
echo "$version" >"$prefix/version"
rm -rf "$work"
echo "build_dcmtk: $version is in $prefix"
