#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: scripts/test.sh [CTEST OPTION...]

Installs what is missing (Debian 12; root or sudo), builds into build/, and runs
every test. Tests on real CT look for it in the folder that M3LUNG_TEST_DATA names
(default: ../shared/data beside this checkout) and are skipped, saying so, where
there is none.

Example: scripts/test.sh                all tests
         scripts/test.sh -L unit        the unit tests alone
Exit code: 0 all passed, otherwise not.
HELP
}
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then usage; exit 0; fi

export M3LUNG_TEST_DATA="${M3LUNG_TEST_DATA:-$(realpath -m ../shared/data)}"
[ -d "$M3LUNG_TEST_DATA" ] || echo "test: no real CT at $M3LUNG_TEST_DATA; the tests on it will be skipped" >&2

scripts/setup.sh --tests
scripts/build.sh
ctest --preset release "$@"
