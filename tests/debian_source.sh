#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the source of a Debian package, in the version that is installed here.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/debian_source.sh PACKAGE DIR

Unpacks the source from which the installed PACKAGE was built, with Debian's patches,
into DIR, which must not be there. The machine's apt configuration is only read.

Example: tests/debian_source.sh libabsl-dev /tmp/abseil
Exit code: 0 unpacked, 1 failed, 2 used wrongly.
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
if (($# != 2)); then usage >&2; exit 2; fi
if [ -e "$2" ]; then echo "debian_source: $2 is there already" >&2; exit 2; fi

source=$(dpkg-query -W -f '${source:Package}' "$1")
version=$(dpkg-query -W -f '${source:Version}' "$1")
target=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The machine's lists of Debian, asked for sources instead of packages.
mkdir -p "$work/sources" "$work/state/partial" "$work/cache/archives/partial" "$work/download"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  grep -qsE 'https?://[^ ]*/debian' "$list" || continue
  sed -E 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$list" >"$work/sources/${list##*/}"
done
apt_get=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
  -o "Dir::State::lists=$work/state" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=$(id -un)")
"${apt_get[@]}" update
(cd "$work/download" && "${apt_get[@]}" --download-only source "$source=$version" >/dev/null)
mkdir -p "$(dirname "$target")"
dpkg-source --no-check -x "$work/download/${source}"_*.dsc "$work/unpacked" >/dev/null
mv "$work/unpacked" "$target"
