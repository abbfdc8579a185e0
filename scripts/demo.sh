#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the whole path: set-up, build, server, client, reports.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: scripts/demo.sh [DIR]

Installs what is missing (Debian 12; root or sudo), builds, starts the server on
this machine alone (CPU, the bundles in models/), sends it four synthetic chest
studies that the project makes itself, one of each class, or the study in DIR, prints
the tables of results, writes the reports, and stops the server.

  DIR   a folder with the DICOM files of one study

Example: scripts/demo.sh ~/studies/one
Results: in m3lung-demo/, NAME/report/report.html, report.png and NAME/answer.json,
         NAME being healthy, covid-19, h1n1 and cap, or study
Exit code: 0 analysed, 1 refused or failed, 2 used wrongly.
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
if (($# > 1)); then usage >&2; exit 2; fi
if (($#)) && [ ! -d "$1" ]; then echo "demo: no such folder: $1" >&2; exit 2; fi
study=${1:+$(realpath "$1")}

scripts/setup.sh
scripts/build.sh m3lung m3lungd m3lung-train

out=m3lung-demo
mkdir -p "$out"
declare -A folders
if [ -n "$study" ]; then
  names=(study)
  folders[study]=$study
else
  names=(healthy covid-19 h1n1 cap)
  for name in "${names[@]}"; do
    folders[$name]=$out/$name/dicom
    [ -d "${folders[$name]}" ] && continue
    label=${name^^}
    build/bin/m3lung-train study --out="${folders[$name]}" --label="${label//-/_}" --slices=60 --seed=1
  done
fi

# Port 0: the server picks free ones and says which.
log=$out/m3lungd.log
: >"$out/m3lungd.out"  # What an earlier run's server said must not be taken for this one's.
build/bin/m3lungd --listen=127.0.0.1:0 --metrics_listen=127.0.0.1:0 >"$out/m3lungd.out" 2>"$log" &
server=$!
stop() { if kill "$server" 2>/dev/null; then wait "$server" || true; fi; }
trap stop EXIT

address=
while [ -z "$address" ]; do
  if ! kill -0 "$server" 2>/dev/null; then echo "demo: the server did not start:" >&2; cat "$log" >&2; exit 1; fi
  address=$(sed -n 's/^m3lungd ready: listening on \([^,]*\),.*/\1/p' "$out/m3lungd.out")
  [ -n "$address" ] || sleep 0.2
done
echo "demo: the server is ready on $address"

code=0
for name in "${names[@]}"; do
  printf '\ndemo: %s, %s\n' "$name" "${folders[$name]}"
  mkdir -p "$out/$name"
  build/bin/m3lung analyze "${folders[$name]}" --server="$address" --json="$out/$name/answer.json" \
    --report="$out/$name/report" || code=1
done
stop
trap - EXIT

printf '\nReports (and report.png beside each)\n'
for name in "${names[@]}"; do echo "  $out/$name/report/report.html"; done
echo "Server    its log is in $log; start it yourself with build/bin/m3lungd"
exit "$code"
