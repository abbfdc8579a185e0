# SPDX-License-Identifier: Apache-2.0
"""Runs preprocess_bench and its Python peer on the same slices, and prints both.

The slices are of a study in JPEG lossless (12 bits), also written in other transfer
syntaxes into a temporary folder. C++ and Python take turns, pinned to one core and
then to two. On one core processor time is compared, on two the time that passes, as it
is for the scaling from one to two; of each the least over all turns counts, since other
work on the machine can only add to it. Prints Markdown, for bench/RESULTS.md.

Usage: preprocess_compare.py PREPROCESS_BENCH [--data=FOLDER] [--rounds=N] [--slices=N]
Run it with .deps/venv/bin/python; dcmcjpls (Debian's dcmtk) writes the JPEG-LS files.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pydicom
from pydicom.uid import JPEG2000Lossless, RLELossless

STUDY = "studies/covid19-p001"
STAGES = ["decode", "crop", "resize", "whole"]
PEER = pathlib.Path(__file__).parent / "peers/preprocess_peer.py"
CORES = sorted(os.sched_getaffinity(0))
TARGET_CORES = 16
# Both programs keep the memory they free. Otherwise it is the luck of the heap's layout
# whether each slice's arrays are handed back and faulted in again, which cost Python
# 4 ms a slice in one run and nothing in the next.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(512 << 20)}


def write_uncompressed(source, target):
    dataset = pydicom.dcmread(source)
    dataset.decompress(generate_instance_uid=False)
    dataset.save_as(target)


def write_compressed(syntax):
    def write(source, target):
        dataset = pydicom.dcmread(source)
        dataset.decompress(generate_instance_uid=False)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(target)

    return write


def write_jpeg_ls(source, target):
    write_uncompressed(source, target)
    subprocess.run(["dcmcjpls", target, target], check=True)


SETS = {
    "JPEG-lossless": shutil.copyfile,
    "uncompressed": write_uncompressed,
    "RLE": write_compressed(RLELossless),
    "JPEG-LS": write_jpeg_ls,
    "JPEG-2000": write_compressed(JPEG2000Lossless),
}


def write_sets(study, count, folder):
    """Writes `count` slices from all over the study in each transfer syntax."""
    paths = sorted(study.glob("*.dcm"))
    if len(paths) < count:
        sys.exit(
            f"there are {len(paths)} files in {study}, {count} are wanted; "
            "give --data or M3LUNG_TEST_DATA the folder of test data, or --slices less"
        )
    chosen = paths[:: len(paths) // count][:count]
    for name, write in SETS.items():
        if name == "JPEG-LS" and shutil.which("dcmcjpls") is None:
            print("JPEG-LS is left out: install Debian's dcmtk for it", file=sys.stderr)
            continue
        (folder / name).mkdir()
        for i, path in enumerate(chosen):
            write(path, folder / name / f"{i:03}.dcm")


def run(command, cores):
    pinned = ["taskset", "-c", ",".join(str(core) for core in CORES[:cores]), *command]
    done = subprocess.run(pinned, env={**os.environ, **MALLOC}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_ours(program, folder, cores, slices):
    """Yields set -> stage -> milliseconds a slice, and what the peer gives besides."""
    answer = run(
        [
            program,
            folder,
            f"--threads={cores}",
            "--benchmark_format=json",
            "--benchmark_min_time=0.05",
            "--benchmark_repetitions=4",
        ],
        cores,
    )
    for benchmark in answer["benchmarks"]:
        if benchmark["run_type"] != "iteration":  # Mean and so on.
            continue
        stage, name = benchmark["name"].split("/")[:2]
        elapsed = 1000 / benchmark["items_per_second"]
        yield {
            name: {
                stage: benchmark["cpu_time"] / slices if cores == 1 else elapsed,
                "box_pixels": int(benchmark["box_pixels"]),
            }
        }
        if stage == "whole":
            yield {name: {"whole_elapsed": elapsed}}


def run_peer(folder, cores):
    return run([sys.executable, PEER, folder, f"--processes={cores}"], cores)


def keep_least(best, results):
    for name, stages in results.items():
        known = best.setdefault(name, {})
        for stage, value in stages.items():
            known[stage] = min(value, known.get(stage, value))


def check_same_work(ours, peer):
    for name in ours:
        if ours[name]["box_pixels"] != peer[name]["box_pixels"]:
            sys.exit(f"{name}: the boxes differ, so the times say nothing")


def compared(ours, peer):
    return f"{ours:.2f} / {peer:.2f} = **{peer / ours:.1f}**"


def print_stages(ours, peer, cores):
    title = "One core, processor time" if cores == 1 else f"{cores} cores, time passed"
    print(f"\n{title}: milliseconds a slice here / in Python = ratio\n")
    print("| syntax | decode | crop | resize | whole |\n|---|---|---|---|---|")
    for name in SETS:
        if name in ours:
            cells = [compared(ours[name][stage], peer[name][stage]) for stage in STAGES]
            print(f"| {name} | {' | '.join(cells)} |")
        elif name in peer:
            print(f"| {name} | not decoded / {peer[name]['decode']:.2f} | | | |")


def print_scaling(best):
    print(
        "\n| syntax | slices a second on one core | on two | scaling | Python's | "
        f"on {TARGET_CORES}, extrapolated |\n|---|---|---|---|---|---|"
    )
    for name in SETS:
        if name not in best["ours", 1]:
            continue
        one, two = (1000 / best["ours", cores][name]["whole_elapsed"] for cores in (1, 2))
        peers = best["peer", 1][name]["whole_elapsed"] / best["peer", 2][name]["whole_elapsed"]
        print(
            f"| {name} | {one:.0f} | {two:.0f} | {two / one:.2f} | {peers:.2f} | "
            f"{two / 2 * TARGET_CORES:.0f} |"
        )
    print(
        f"\nThe last column was not measured: it is {TARGET_CORES // 2} times what two cores did."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preprocess_bench")
    parser.add_argument(
        "--data", type=pathlib.Path, default=os.environ.get("M3LUNG_TEST_DATA", "../shared/data")
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program")
    parser.add_argument("--slices", type=int, default=15, help="of the study")
    options = parser.parse_args()
    tried = [cores for cores in (1, 2) if cores <= len(CORES)]
    best = {(who, cores): {} for who in ("ours", "peer") for cores in tried}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_sets(options.data / STUDY, options.slices, folder)
        for turn in range(options.rounds):
            for cores in tried:
                print(f"round {turn + 1}, {cores} core(s)", file=sys.stderr)
                for results in run_ours(options.preprocess_bench, folder, cores, options.slices):
                    keep_least(best["ours", cores], results)
                keep_least(best["peer", cores], run_peer(folder, cores))
    check_same_work(best["ours", 1], best["peer", 1])
    print(f"{options.slices} slices of {STUDY}, least of {options.rounds} rounds")
    for cores in tried:
        print_stages(best["ours", cores], best["peer", cores], cores)
    if 2 in tried:
        print_scaling(best)


if __name__ == "__main__":
    main()
