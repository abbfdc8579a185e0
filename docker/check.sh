#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the CPU image and shows that it works as it is meant to be run.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: docker/check.sh [--no-build] [--ca=FILE] [--memory=SIZE]

On Debian 12, as root: installs buildah and podman where they are missing, makes
debian:bookworm-slim with mmdebstrap where no registry is reached, builds the CPU
image and runs it as a cluster would: not root, read-only, without capabilities or
network, with a memory limit. Then a synthetic study is analysed by the client in
the image, and the server is stopped in the middle of another one.

  --no-build      take the image that an earlier run built
  --ca=FILE       certificates for pip, behind a proxy that opens TLS
  --memory=SIZE   limit of the server (default 2g)

Images and logs are kept under ${XDG_CACHE_HOME:-~/.cache}/m3lung-image.
Exit code: 0 all as expected, 1 not, 2 used wrongly.
HELP
}

build=yes ca='' memory=2g
for argument in "$@"; do
  case "$argument" in
    --no-build) build=no ;;
    --ca=*) ca=${argument#*=} ;;
    --memory=*) memory=${argument#*=} ;;
    --help | -h) usage; exit 0 ;;
    *) echo "check.sh: unknown argument $argument" >&2; usage >&2; exit 2 ;;
  esac
done

# A store of its own, and settings that work without systemd and CNI plug-ins.
store=${XDG_CACHE_HOME:-$HOME/.cache}/m3lung-image
mkdir -p "$store"
missing=()
for package in buildah podman runc conmon mmdebstrap python3; do
  # A package that was only ever named by another is known too, and not installed.
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if ((${#missing[@]})); then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
files=$(ulimit -Hn)
[ "$files" != unlimited ] || files=1048576
cat >"$store/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat >"$store/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$store/storage"
runroot = "$store/run"
CONF
export DISABLE_HC_SYSTEMD=true  # no timer for the health check: it is asked below
export CONTAINERS_CONF=$store/containers.conf CONTAINERS_STORAGE_CONF=$store/storage.conf

readonly IMAGE=localhost/m3lung:check
readonly BUILD_STAGE=localhost/m3lung:check-build
readonly SERVER=m3lung-check
work=$(mktemp -d)
cleanup() {
  podman rm --force --time 1 "$SERVER" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "check.sh: $1" >&2
  podman logs "$SERVER" >"$store/server.log" 2>&1 && echo "the server's log: $store/server.log" >&2
  exit 1
}
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

base=docker.io/library/debian:bookworm-slim
if ! podman image exists "$base" && ! timeout 30 podman pull --quiet "$base" >/dev/null 2>&1; then
  start=$(now)
  # Without documentation and translations, as in the published image.
  mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$store/base.tar"
  podman import --quiet --change 'CMD ["bash"]' "$store/base.tar" "$base" >/dev/null
  rm "$store/base.tar"
  echo "base image made in $(since "$start")"
fi

if [ "$build" = yes ]; then
  options=(--engine=buildah --device=cpu)
  [ -z "$ca" ] || options+=("--ca=$ca")
  engine=(--isolation=chroot --network=host --pull=never)
  start=$(now)
  docker/build.sh "${options[@]}" --target=build --tag="$BUILD_STAGE" -- "${engine[@]}" >"$store/build.log" 2>&1 ||
    fail "the build stage failed; see $store/build.log"
  echo "build stage (packages, LibTorch, compilation) in $(since "$start")"
  start=$(now)
  docker/build.sh "${options[@]}" --tag="$IMAGE" -- "${engine[@]}" >>"$store/build.log" 2>&1 ||
    fail "the image failed; see $store/build.log"
  echo "the rest of the image in $(since "$start")"
fi
size=$(podman image inspect --format '{{.Size}}' "$IMAGE")
echo "image size $((size / 1000000)) MB"

[ "$(podman image inspect --format '{{.Config.User}}' "$IMAGE")" = 10001:10001 ] || fail "the image's user is not 10001"

# The programs that are not in the image, from the build stage.
mkdir -m 777 "$work/study" "$work/out"
podman run --rm --network=none --volume "$work/study:/study" --entrypoint=/src/build/bin/m3lung-train \
  "$BUILD_STAGE" study --out=/study --label=COVID_19 >/dev/null || fail "no synthetic study was made"
files=$(find "$work/study" -type f -name '*.dcm' | wc -l)

hardened=(--read-only --read-only-tmpfs=false --cap-drop=all --security-opt=no-new-privileges --pids-limit=512)
client() {
  podman run --rm "${hardened[@]}" --network="container:$SERVER" --volume "$work/study:/study:ro" \
    --volume "$work/out:/out" --entrypoint=/opt/m3lung/bin/m3lung "$IMAGE" "$@"
}

# A wrong configuration ends the start, and says where it is wrong.
printf 'no_such_key: 1\n' >"$work/wrong.textproto"
if podman run --rm "${hardened[@]}" --network=none --volume "$work/wrong.textproto:/etc/m3lung/m3lungd.textproto:ro" \
  "$IMAGE" >"$work/wrong.log" 2>&1; then
  fail "an unknown key did not end the start"
fi
grep -q no_such_key "$work/wrong.log" || fail "the unknown key is not named: $(cat "$work/wrong.log")"

start=$(now)
podman run --detach --name "$SERVER" "${hardened[@]}" --network=none --memory="$memory" --memory-swap="$memory" \
  "$IMAGE" >/dev/null
until podman healthcheck run "$SERVER" >/dev/null 2>&1; do
  [ "$(podman inspect --format '{{.State.Running}}' "$SERVER")" = true ] || fail "the server ended"
  awk -v a="$start" -v b="$(now)" 'BEGIN { exit !(b - a < 120) }' || fail "not healthy after 120 s"
  sleep 0.5
done
echo "healthy $(since "$start") after the start"

inside() { podman exec "$SERVER" bash -c "$1"; }
[ "$(podman exec "$SERVER" id -u)" = 10001 ] || fail "the server is not user 10001"
inside '! touch /probe /tmp/probe 2>/dev/null' || fail "the root file system can be written"
inside 'grep -q "^CapEff:\s*0*$" /proc/1/status' || fail "the server holds capabilities"
inside 'grep -q "^NoNewPrivs:\s*1$" /proc/1/status' || fail "no-new-privileges is not set"

start=$(now)
client analyze /study --server=127.0.0.1:50051 --json=/out/result.json --report=/out/report \
  >"$work/table.txt" || fail "the study was not analysed"
elapsed=$(since "$start")
python3 - "$work/out/result.json" "$files" <<'PYTHON' || fail "the result is not whole"
import json, sys
result = json.load(open(sys.argv[1]))
receipts, slices, patient = result["receipts"], result["slices"], result["patient"]
assert len(receipts) == int(sys.argv[2]), f"{len(receipts)} receipts for {sys.argv[2]} files"
assert slices and abs(sum(patient["probabilities"]) - 1) < 1e-3, patient
print(f"{len(slices)} slices, verdict {patient['verdict']}, label {patient['label']}", end="")
PYTHON
echo ", analysed in $elapsed (the client's start and the report included)"
[ -s "$work/out/report/report.png" ] || fail "no report was written"

inside 'exec 3<>/dev/tcp/127.0.0.1/9464; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' >"$work/metrics"
grep -q '^m3lung_' "$work/metrics" || fail "/metrics shows nothing of ours"
peak=$(inside 'cat /proc/1/status' | awk '/VmHWM/ { print int($2 / 1024) }')
echo "the server's memory at its highest $peak MB of $memory"

# Stopped in the middle of a study: the study ends, then the server, with 0.
client analyze /study --server=127.0.0.1:50051 --json=/out/last.json >"$work/last.txt" 2>&1 &
study=$!
until inside 'exec 3<>/dev/tcp/127.0.0.1/9464; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' |
  grep -q '^m3lung_open_studies[^ ]* 1'; do
  kill -0 "$study" 2>/dev/null || fail "the second study ended before the stop: $(tail -3 "$work/last.txt")"
  sleep 0.1
done
start=$(now)
podman stop --time 130 "$SERVER" >/dev/null
echo "stopped $(since "$start") after SIGTERM"
wait "$study" || fail "the study in flight was lost at the stop: $(tail -3 "$work/last.txt")"
code=$(podman inspect --format '{{.State.ExitCode}}' "$SERVER")
[ "$code" = 0 ] || fail "the server ended with $code after SIGTERM"

echo "check.sh: all as expected"
