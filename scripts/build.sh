#!/usr/bin/env bash
# Builds the release preset into build/, with the untrained model bundle in models/.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  cat <<'HELP'
Usage: scripts/build.sh [TARGET...]

Configures and builds the release preset into build/ (all of it, or the targets
named), and makes a small untrained model bundle in models/ where there is none.
Run scripts/setup.sh first. M3LUNG_WERROR=ON in the environment makes warnings errors.

Example: scripts/build.sh m3lung
Exit code: 0 built, otherwise not.
HELP
  exit 0
fi

cmake --preset release -DM3LUNG_WERROR="${M3LUNG_WERROR:-OFF}" >/dev/null
cmake --build build ${@:+--target "$@"}

if ! compgen -G 'models/*/*/manifest.json' >/dev/null; then
  echo "build: making the untrained bundle in models/"
  cmake --build build --target m3lung-train
  build/bin/m3lung-train init --out=models
fi
