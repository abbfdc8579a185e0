#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the release preset into build/.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  cat <<'HELP'
Usage: scripts/build.sh [TARGET...]

Configures and builds the release preset into build/ (all of it, or the targets
named). Run scripts/setup.sh first. M3LUNG_WERROR=ON in the environment makes warnings errors.

Example: scripts/build.sh m3lung
Exit code: 0 built, otherwise not.
HELP
  exit 0
fi

cmake --preset release -DM3LUNG_WERROR="${M3LUNG_WERROR:-OFF}" >/dev/null
cmake --build build ${@:+--target "$@"}
