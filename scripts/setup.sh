#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what dependencies.txt lists and this machine lacks.
set -euo pipefail
export LC_ALL=C  # one sort order for the lists below
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: scripts/setup.sh [--tests] [--lint] [--cuda]

Installs, on Debian 12, what the build needs: Debian's packages, and LibTorch (the
CPU part of the pinned wheel) into .deps/venv. What is there already is left alone.
Needs root, or a user with sudo.

  --tests   also what the tests compare with (Python's torch, pydicom, grpcio, ...)
  --lint    also what .ci/ needs (clang-14, clang-tidy, clang-format)
  --cuda    also the CUDA libraries that LibTorch needs to run on a GPU (4 GB)

Example: scripts/setup.sh --tests
Exit code: 0 all is there, 1 something could not be installed, 2 used wrongly.
HELP
}

groups=(build)
for argument in "$@"; do
  case "$argument" in
    --tests) groups+=(cuda test) ;;  # Python's torch loads the CUDA libraries also on a CPU.
    --lint) groups+=(lint) ;;
    --cuda) groups+=(cuda) ;;
    --help | -h) usage; exit 0 ;;
    *) echo "setup.sh: unknown option $argument" >&2; usage >&2; exit 2 ;;
  esac
done

# listed SOURCE FORMAT: the packages of the chosen groups, by awk's printf.
listed() {
  awk -v source="$1" -v groups=" ${groups[*]} " -v format="$2\n" \
    '!/^#/ && NF && $2 == source && index(groups, " " $1 " ") { printf format, $3, $4 }' dependencies.txt | sort -u
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in $(listed apt '%s'); do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# pip is asked only when the list differs from what was installed last.
wanted=$(listed pip '%s==%s')
if [ "$wanted" != "$(cat .deps/installed 2>/dev/null || true)" ]; then
  # A smaller list than before is satisfied by what is there.
  if [ -f .deps/installed ] && [ -z "$(comm -23 <(echo "$wanted") .deps/installed)" ]; then exit 0; fi
  mkdir -p .deps
  [ -x .deps/venv/bin/python ] || /usr/bin/python3 -m venv .deps/venv
  echo "setup: installing $(wc -l <<<"$wanted") Python packages into .deps/venv"
  # --no-deps: this list is the whole list, so that CPU machines stay without CUDA.
  .deps/venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r <(echo "$wanted")
  echo "$wanted" >.deps/installed
fi
