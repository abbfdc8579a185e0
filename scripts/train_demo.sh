#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a model bundle: makes a synthetic cohort, trains on it, exports,
# and evaluates.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
Usage: scripts/train_demo.sh [--tiny] [--built] [--background DIR]... [DIR]

Trains the demo model: makes a synthetic cohort, prepares it, trains the slice
network and the patient network, writes the bundle DIR/models/m3lung-demo/1, and
evaluates it on the cohort's test split (DIR/evaluation/report.html). Hours on two
cores; every step goes on where it was stopped.

  --tiny            a cohort and networks so small that it takes minutes, to see that
                    everything works; the results mean nothing
  --background DIR  a folder with the DICOM files of a real, healthy chest CT study,
                    to lay lesions into for the training; may be given several times
  --built           use the programs in build/bin (or $M3LUNG_BIN_DIR) as they are: nothing
                    is installed or built
  DIR               where everything goes; default m3lung-training

Example: scripts/train_demo.sh --background ~/studies/healthy
Exit code: 0 trained, 1 a step failed, 2 used wrongly.
HELP
}
tiny= built=
backgrounds=()
out=m3lung-training
while (($#)); do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --tiny) tiny=yes ;;
    --built) built=yes ;;
    --background)
      if [ ! -d "${2:-}" ]; then echo "train_demo: no such folder: ${2:-}" >&2; exit 2; fi
      backgrounds+=("--background=$(realpath "$2")")
      shift
      ;;
    -*) echo "train_demo: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) out=$1 ;;
  esac
  shift
done

if [ -z "$built" ]; then
  scripts/setup.sh
  scripts/build.sh m3lung-train
fi
train=${M3LUNG_BIN_DIR:-build/bin}/m3lung-train

if [ "$tiny" ]; then
  name=m3lung-tiny
  cohort=(--train=2 --validation=1 --test=2 --slices=24 --size=128)
  ((${#backgrounds[@]} == 0)) || cohort+=(--background-studies=1)
  prepare=(--input-size=64)
  slice=(--base-width=4 --blocks=1,1,1,1 --batch-size=8 --mask-weight=1)
  parts=(--part=32)
  whole=()
  epochs_of_parts=(1 1) epochs_of_whole=(1 1)
  patient=(--epochs=5)
else
  name=m3lung-demo
  # What each is for: docs/howto/train.md; what it gave: docs/results/demo-model.md.
  cohort=(--train=160 --validation=15 --test=40)
  ((${#backgrounds[@]} == 0)) || cohort+=(--background-studies=$((120 / ${#backgrounds[@]})))
  prepare=(--input-size=256)
  slice=(--base-width=16 --augmentation=strong --balanced --mask-weight=1 --schedule=linear --warm-up=0.5)
  parts=(--part=128 --batch-size=32 --learning-rate=0.02 --images-per-epoch=9600)
  whole=(--batch-size=16 --learning-rate=0.01 --images-per-epoch=2560)
  epochs_of_parts=(32 14) epochs_of_whole=(14 14)
  patient=(--epochs=25 --least-slices=0.5 --schedule=linear --learning-rate=0.0005)
fi
origin=synthetic
data="synthetic studies of m3lung-train cohort"
if ((${#backgrounds[@]})); then
  origin=mixed
  data="synthetic studies, and synthetic lesions in ${#backgrounds[@]} real healthy stud$( ((${#backgrounds[@]} == 1)) && echo y || echo ies)"
fi

"$train" cohort --out="$out/cohort" --seed=1 "${cohort[@]}" "${backgrounds[@]}"
"$train" prepare --dataset="$out/cohort/dataset.csv" --out="$out/prepared" "${prepare[@]}"
# Twice: parts of slices about lesions, then whole slices.
start=()
for round in 1 2; do
  "$train" slice --data="$out/prepared" --run="$out/parts-$round" "${start[@]}" --seed="$round" \
    "${slice[@]}" "${parts[@]}" --epochs="${epochs_of_parts[round - 1]}"
  run=$out/run-$round
  "$train" slice --data="$out/prepared" --run="$run" --start-from="$out/parts-$round" --seed="$round" \
    "${slice[@]}" "${whole[@]}" --epochs="${epochs_of_whole[round - 1]}"
  start=(--start-from="$run")
done
"$train" features --data="$out/prepared" --run="$run"
"$train" patient --run="$run" "${patient[@]}"
"$train" export --run="$run" --out="$out/models" --name="$name" --origin="$origin" --training-data="$data" --overwrite
"$train" evaluate --data="$out/prepared" --bundle="$out/models/$name/1" --out="$out/evaluation"
cat <<END

Bundle    $out/models/$name/1   (build/bin/m3lungd --models=$out/models serves it)
Report    $out/evaluation/report.html
END
