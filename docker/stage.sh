#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lays out what the image holds of our own and of LibTorch. Runs in the build stage.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ $# != 2 ]; then
  cat <<'HELP'
Usage: docker/stage.sh cpu|cuda DIR

Copies into DIR: bin/ (m3lungd and m3lung from build/bin, stripped), lib/ (the
libraries of the PyTorch wheel in .deps/venv that the device needs, laid out as in
the wheel, since they find each other by relative paths) and share/ (licences).
HELP
  [ "${1:-}" = --help ] && exit 0
  exit 2
fi
device=$1
to=$2
wheels=(.deps/venv/lib/python3.*/site-packages)
from=${wheels[0]}

mkdir -p "$to/bin" "$to/lib/torch/lib" "$to/share/licenses"
for program in m3lungd m3lung; do
  strip --strip-unneeded -o "$to/bin/$program" "build/bin/$program"
done
chmod 0755 "$to"/bin/*

# libraries FOLDER NAME...: copies from a folder of the wheels.
libraries() {
  local folder=$1 name
  shift
  mkdir -p "$to/lib/$folder"
  for name in "$@"; do cp --preserve=timestamps "$from/$folder/$name" "$to/lib/$folder/"; done
}

case "$device" in
  cpu)
    libraries torch/lib libc10.so libgomp.so.1 libtorch_cpu.so
    # libtorch_cpu.so is linked with these two, though it never calls them here.
    libraries nvidia/cu13/lib libcudart.so.13 libcupti.so.13
    ;;
  cuda)
    # All but Python's binding and what only a compiler reads (*.a, *.bc).
    for folder in torch/lib "$from"/nvidia/*/lib; do
      folder=${folder#"$from/"}
      mapfile -t names < <(cd "$from/$folder" && find . -maxdepth 1 -name '*.so*' \
        ! -name 'libtorch_python.so' ! -name 'libshm.so' -printf '%f\n' | sort)
      libraries "$folder" "${names[@]}"
    done
    ;;
  *)
    echo "stage.sh: device must be cpu or cuda; was $device" >&2
    exit 2
    ;;
esac

# Licences of the wheels that were copied from.
for info in "$from"/{torch,nvidia_*}-*.dist-info; do
  [ -d "$info" ] || continue
  while IFS= read -r -d '' file; do
    package=$(basename "$info" .dist-info)
    install -D -m 0644 "$file" "$to/share/licenses/$package/$(basename "$file")"
  done < <(find "$info" -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' \) -print0)
done
chmod -R a+rX "$to"
