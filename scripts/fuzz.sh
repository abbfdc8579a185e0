#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Feeds one fuzz target, or all in turn, with bytes for a while.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TARGETS=(dicom_decoder_fuzzer study_assembler_fuzzer request_fuzzer)

usage() {
  cat <<HELP
Usage: scripts/fuzz.sh TARGET|all [SECONDS]

Builds the targets of tests/fuzz/ into build/fuzz (clang-14, libFuzzer,
AddressSanitizer, UndefinedBehaviorSanitizer) and runs each for SECONDS (default
60), from the seeds, tests/fuzz/corpus/ and what earlier runs have found, which is
kept in build/fuzz/corpus/. Prints the figures of each run.

Targets: ${TARGETS[*]}

A crash ends the run; its input is in build/fuzz/crashes/TARGET/. Make it small
with build/fuzz/bin/TARGET -minimize_crash=1 FILE, put it into
tests/fuzz/crashes/TARGET/, where every test run replays it, and mend the cause.
With tests/fuzz/build_dcmtk.sh run before, the fuzzer also sees into DCMTK.

Example: scripts/fuzz.sh dicom_decoder_fuzzer 3600
Exit code: 0 no crash, 1 a crash or a build that failed, 2 used wrongly.
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
seconds=${2:-60}
if (($# < 1 || $# > 2)) || ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then usage >&2; exit 2; fi
if [ "$1" = all ]; then
  targets=("${TARGETS[@]}")
elif [[ " ${TARGETS[*]} " == *" $1 "* ]]; then
  targets=("$1")
else
  echo "fuzz: no such target: $1" >&2
  usage >&2
  exit 2
fi

# -U: an instrumented DCMTK may have come since the last run.
cmake --preset fuzz -UDCMTK_DIR >/dev/null
cmake --build build/fuzz --target write_fuzz_seeds "${targets[@]}"
export LSAN_OPTIONS=suppressions=tests/fuzz/leaks.txt:print_suppressions=0
build/fuzz/tests/write_fuzz_seeds build/fuzz/seeds

failed=()
for target in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$target crashes=build/fuzz/crashes/$target log=build/fuzz/$target.log
  mkdir -p "$corpus" "$crashes"
  sources=("build/fuzz/seeds/$target")
  kept=tests/fuzz/corpus/$target.tar.xz
  if [ -f "$kept" ]; then
    mkdir -p build/fuzz/kept
    tar -C build/fuzz/kept -xJf "$kept"
    sources+=("build/fuzz/kept/$target")
  fi
  options=(-max_len=16384)
  # The other two do not take DICOM files as they are.
  [ "$target" != dicom_decoder_fuzzer ] || options+=(-dict=tests/fuzz/dicom.dict)
  # One allocation of over 512 MB, or 2 GB in all, is a crash: limits failed.
  if "build/fuzz/bin/$target" "$corpus" "${sources[@]}" "${options[@]}" -max_total_time="$seconds" \
    -timeout=120 -malloc_limit_mb=512 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$crashes/" >"$log" 2>&1; then
    result="no crash"
  else
    result=CRASH
    failed+=("$target")
    grep -m 1 -A 12 -E '^(==[0-9]+==)? ?ERROR|runtime error|does not hold' "$log" >&2 || tail -n 20 "$log" >&2
  fi
  figure() { sed -n "s/^stat::$1: *//p" "$log"; }
  echo "fuzz: $target: $result, $(figure number_of_executed_units) runs, $(figure average_exec_per_sec) a second," \
    "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d ' ' -f 2) edges, $(find "$corpus" -type f | wc -l) files kept," \
    "peak $(figure peak_rss_mb) MB; log $log"
done
if ((${#failed[@]})); then
  echo "fuzz: crashed: ${failed[*]}; inputs in build/fuzz/crashes/" >&2
  exit 1
fi
