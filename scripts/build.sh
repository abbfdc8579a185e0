#!/usr/bin/env bash
# Builds the release preset into build/, with the untrained model bundle in models/.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "") ;;
  --help | -h)
    echo "Usage: scripts/build.sh"
    echo
    echo "Configures and builds the release preset into build/, and makes a small untrained"
    echo "model bundle in models/ where there is none. Run scripts/setup.sh first."
    exit 0
    ;;
  *) echo "build.sh: unknown option $1" >&2; exit 2 ;;
esac

cmake --preset release -DM3LUNG_WERROR="${M3LUNG_WERROR:-OFF}" >/dev/null
cmake --build build

if ! compgen -G 'models/*/*/manifest.json' >/dev/null; then
  echo "build: making the untrained bundle in models/"
  build/bin/m3lung-train init --out=models
fi
