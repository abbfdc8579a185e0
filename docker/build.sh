#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the image with docker or buildah, whichever is there.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: docker/build.sh [options] [-- further arguments for the engine's build]

  --device=cpu|cuda   what the image runs the networks on (default cpu)
  --tag=NAME          default m3lung:VERSION-DEVICE, VERSION as in CMakeLists.txt
  --models=DIR        bake in the bundles of this folder, <name>/<version>/
                      (default: those in models/)
  --engine=docker|buildah   default: docker where its daemon answers, else buildah
  --target=STAGE      stop at this stage of docker/Dockerfile
  --ca=FILE           certificates for pip, behind a proxy that opens TLS

Example: docker/build.sh --device=cuda --models=/srv/models
Exit code: 0 built, 1 failed, 2 used wrongly.
HELP
}

device=cpu tag='' models='' engine='' target='' ca=''
while (($#)); do
  case "$1" in
    --device=*) device=${1#*=} ;;
    --tag=*) tag=${1#*=} ;;
    --models=*) models=${1#*=} ;;
    --engine=*) engine=${1#*=} ;;
    --target=*) target=${1#*=} ;;
    --ca=*) ca=${1#*=} ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) echo "build.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

wrong() { echo "build.sh: $1" >&2; exit 2; }
[[ $device =~ ^(cpu|cuda)$ ]] || wrong "--device must be cpu or cuda; was $device"
[ -z "$models" ] || compgen -G "$models/*/*/manifest.json" >/dev/null ||
  wrong "--models: no <name>/<version>/manifest.json under $models"
[ -z "$models" ] || [ -z "$(find "$models" ! -perm -o=r -print -quit)" ] ||
  wrong "--models: some files cannot be read by all, as the image's user must; chmod -R a+rX $models"
[ -z "$ca" ] || [ -r "$ca" ] || wrong "--ca: cannot read $ca"
if [ -z "$engine" ]; then
  if command -v docker >/dev/null && docker info >/dev/null 2>&1; then engine=docker
  elif command -v buildah >/dev/null; then engine=buildah
  else wrong "neither a running docker nor buildah was found; apt-get install buildah"; fi
fi

version=$(sed -n 's/^project(m3lung VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
if [ "$revision" != unknown ] && [ -n "$(git status --porcelain)" ]; then revision+=-modified; fi
tag=${tag:-m3lung:$version-$device}

arguments=(--file docker/Dockerfile --tag "$tag" --build-arg "M3LUNG_DEVICE=$device"
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision")
[ -z "$target" ] || arguments+=(--target "$target")
[ -z "$models" ] || arguments+=(--build-context "models=$models")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$ca" ]; then
  printf '[global]\ncert = /run/host-ca.crt\n' >"$work/pip.conf"
  arguments+=(--secret "id=pip.conf,src=$work/pip.conf" --secret "id=ca,src=$ca")
fi

case "$engine" in
  docker) DOCKER_BUILDKIT=1 docker build "${arguments[@]}" "$@" . ;;
  # The docker format, since OCI's has no HEALTHCHECK.
  buildah) buildah build --layers --format docker "${arguments[@]}" "$@" . ;;
  *) wrong "--engine must be docker or buildah; was $engine" ;;
esac
echo "built $tag"
