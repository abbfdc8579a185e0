#!/usr/bin/env bash
# Shows the whole path on one study: set-up, build, server, client, report.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: scripts/demo.sh [DIR]

Installs what is missing (Debian 12; root or sudo), builds, starts the server on
this machine alone (CPU, the bundles in models/), sends it a study, prints the
table of results, writes the report, and stops the server.

  DIR   a folder with the DICOM files of one study; without it, a synthetic chest
        study that the project makes itself

Example: scripts/demo.sh ~/studies/one
Results: m3lung-demo/report/report.html, report.png, m3lung-demo/answer.json
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
if [ -z "$study" ]; then
  study=$out/synthetic-study
  if [ ! -d "$study" ]; then
    echo "demo: making a synthetic chest study with COVID-19-like lesions in $study"
    build/bin/m3lung-train study --out="$study" --label=COVID_19 --slices=60 --seed=7
  fi
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
build/bin/m3lung analyze "$study" --server="$address" --json="$out/answer.json" --report="$out/report" || code=$?
stop
trap - EXIT
cat <<END

Study     $study
Answer    $out/answer.json
Report    $out/report/report.html (and report.png)
Server    its log is in $log; start it yourself with build/bin/m3lungd
END
exit "$code"
