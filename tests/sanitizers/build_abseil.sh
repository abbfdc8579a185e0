#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Abseil's locks so that ThreadSanitizer understands them.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
  cat <<'HELP'
Usage: tests/sanitizers/build_abseil.sh [DIR]

Gets the source of the Abseil that is installed here, with Debian's patches, and builds
its synchronization library with ThreadSanitizer. A program built with the preset "tsan"
must find it before Debian's (LD_LIBRARY_PATH): with that one, ThreadSanitizer would not
know that absl::Mutex is a lock, and report every use. gRPC's locks are Abseil's, so that
they are understood too. A minute at most.

  DIR   where to put it; default .deps/abseil-tsan

Example: tests/sanitizers/build_abseil.sh
Exit code: 0 built, or there already; 1 failed; 2 used wrongly.
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
if (($# > 1)); then usage >&2; exit 2; fi

prefix=$(realpath -m "${1:-.deps/abseil-tsan}")
version=$(dpkg-query -W -f '${source:Version}' libabsl-dev)
if [ "$(cat "$prefix/version" 2>/dev/null || true)" = "$version" ]; then exit 0; fi

mkdir -p "$prefix"
rm -rf "$prefix/source"
tests/debian_source.sh libabsl-dev "$prefix/source"
here=$prefix/source/absl/synchronization
sources=()
for source in "$here"/*.cc "$here"/internal/*.cc; do
  case "$source" in *_test.cc | *_benchmark.cc | */graphcycles.cc) ;; *) sources+=("$source") ;; esac
done
# awk reads to the end: left early, ldconfig would now and then die of the closed pipe.
debian=$(ldconfig -p | awk '$1 ~ /^libabsl_synchronization\.so\./ && !found++ { print $NF }')
# What Debian's needs besides the C++ runtime, by the same names.
mapfile -t needed < <(objdump -p "$debian" | awk '$1 == "NEEDED" && $2 ~ /^libabsl/ { print "-l:" $2 }')
g++ -std=c++17 -O1 -g1 -fPIC -shared -fsanitize=thread -fno-omit-frame-pointer \
  -I"$prefix/source" -Wl,-soname,"$(basename "$debian")" -o "$prefix/$(basename "$debian")" \
  "${sources[@]}" "${needed[@]}" -pthread
rm -rf "$prefix/source"
echo "$version" >"$prefix/version"
echo "build_abseil: $version is in $prefix"
