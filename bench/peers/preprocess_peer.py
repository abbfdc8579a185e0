# SPDX-License-Identifier: Apache-2.0
"""What bench/preprocess_bench.cc times, as a careful user of Python would write it.

pydicom with pylibjpeg decodes, OpenCV's Python package crops and resizes. Prints a
JSON object: set -> stage -> milliseconds a slice, the least of the repetitions; in it
"whole_elapsed" is always time passed, and "box_pixels" the sum of the boxes' areas, by
which the work can be compared.

Usage: preprocess_peer.py FOLDER [--processes=N] [--repetitions=N]
Each folder within FOLDER holds the DICOM files of one set. One process's time is
processor time. With N processes each goes through the whole set, and the time is what
passes until the slowest is done.
"""

import argparse
import io
import json
import multiprocessing
import pathlib
import time
import warnings

import cv2
import numpy as np
import pydicom

AIR_HU = -1000
INPUT_SIZE = 512
MARGIN = 10
COLUMN = np.ones((8, 1), np.uint8)


def decode(data):
    """The Hounsfield units of a DICOM file's bytes, int16, rows x columns."""
    return to_hu(pydicom.dcmread(io.BytesIO(data)))


def to_hu(dataset):
    stored = dataset.pixel_array
    exact = stored.astype(np.float64)
    exact *= float(dataset.RescaleSlope)
    exact += float(dataset.RescaleIntercept)
    np.rint(exact, out=exact)
    hu = np.clip(exact, -32768, 32767, out=exact).astype(np.int16)
    if "PixelPaddingValue" in dataset:
        hu[stored == dataset.PixelPaddingValue] = AIR_HU
    return hu


def crop(hu):
    """The paper's box around the lungs: x, y, width, height."""
    rows, columns = hu.shape
    mask = cv2.morphologyEx((hu < -300).view(np.uint8), cv2.MORPH_OPEN, COLUMN)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height, _ = stats.T
    keep = (left > 0) & (top > 0) & (left + width < columns) & (top + height < rows)
    keep[0] = False  # the background
    mask = cv2.morphologyEx(np.take(keep.view(np.uint8), labels), cv2.MORPH_OPEN, COLUMN)
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return 0, 0, columns, rows
    right, bottom = min(left + width + MARGIN, columns), min(top + height + MARGIN, rows)
    left, top = max(left - MARGIN, 0), max(top - MARGIN, 0)
    return left, top, right - left, bottom - top


def resize(hu, box):
    left, top, width, height = box
    return cv2.resize(
        hu[top : top + height, left : left + width],
        (INPUT_SIZE, INPUT_SIZE),
        interpolation=cv2.INTER_LINEAR,
    )


def whole(data):
    hu = decode(data)
    return resize(hu, crop(hu))


def measure_set(paths, barrier, repetitions):
    """Times each stage over all files.

    Returns stage -> list of (processor seconds, seconds passed), and "box_pixels".
    """
    files = [path.read_bytes() for path in paths]
    slices = [decode(data) for data in files]
    boxes = [crop(hu) for hu in slices]
    stages = {
        "decode": lambda: [decode(data) for data in files],
        "crop": lambda: [crop(hu) for hu in slices],
        "resize": lambda: [resize(hu, box) for hu, box in zip(slices, boxes)],
        "whole": lambda: [whole(data) for data in files],
    }
    seconds = {}
    for name, stage in stages.items():
        seconds[name] = []
        for _ in range(repetitions):
            barrier.wait()
            start = time.process_time(), time.perf_counter()
            stage()
            seconds[name].append((time.process_time() - start[0], time.perf_counter() - start[1]))
    return {"seconds": seconds, "box_pixels": sum(w * h for _, _, w, h in boxes)}


def work(sets, barrier, repetitions, queue):
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)  # slices are spread over processes
    queue.put({name: measure_set(paths, barrier, repetitions) for name, paths in sets.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    sets = {
        folder.name: sorted(folder.iterdir())
        for folder in sorted(options.folder.iterdir())
        if folder.is_dir()
    }
    barrier = multiprocessing.Barrier(options.processes)
    queue = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(sets, barrier, options.repetitions, queue))
        for _ in range(options.processes)
    ]
    for worker in workers:
        worker.start()
    answers = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    results = {}
    for name, paths in sets.items():
        results[name] = {"box_pixels": answers[0][name]["box_pixels"]}
        for stage in answers[0][name]["seconds"]:
            slowest = np.max([answer[name]["seconds"][stage] for answer in answers], axis=0)
            processor, elapsed = 1000 * slowest.min(axis=0) / (len(paths) * len(workers))
            results[name][stage] = processor if len(workers) == 1 else elapsed
        results[name]["whole_elapsed"] = elapsed
    print(json.dumps(results))


if __name__ == "__main__":
    main()
