#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the boxes of both crop modes against lungs found by other means.

    lung_crop_reference.py DUMP STUDIES PICTURE

DUMP is build/bench/lung_crop_dump, STUDIES a folder of studies, PICTURE the file to
draw. Prints a table; the rule stands in docs/results/lung-crop.md.

The reference works at full resolution, slice by slice: regions of air that do not
touch the image's border, followed from a slice in mid-chest to both ends by overlap.
"""

import base64
import json
import pathlib
import subprocess
import sys

import cv2
import numpy
import pydicom

# First and last slice that show lung, by eye, from the head.
SEEN = {
    "covid19-p001": (9, 147),
    "cap-001": (4, 155),
    "normal-001": (8, 142),
    "lungdx-a0002": (1, 29),
    "tiny-64x64": (3, 71),
}
DRAWN = ("covid19-p001", "cap-001", "normal-001")


def read(folder):
    slices = []
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        hu = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        slices.append((float(data.ImagePositionPatient[2]), hu.astype(numpy.float32)))
    slices.sort(key=lambda pair: -pair[0])
    return numpy.stack([hu for _, hu in slices]), float(data.PixelSpacing[0])


def regions(hu, mm):
    """Masks of enclosed air denser than gas, of 0.3 cm2 and more."""
    air = (cv2.blur(hu, (3, 3)) < -400) if mm < 2 else (hu < -400)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        air.astype(numpy.uint8), connectivity=4
    )
    found = []
    for k in range(1, count):
        x, y, w, h, size = stats[k]
        mask = labels == k
        inside = x > 0 and y > 0 and x + w < hu.shape[1] and y + h < hu.shape[0]
        if inside and size * mm * mm > 30 and numpy.median(hu[mask]) > -955:
            found.append(mask)
    return found


def reference(volume, mm):
    slices = [regions(hu, mm) for hu in volume]
    two = [sum(sorted((m.sum() for m in found), reverse=True)[:2]) for found in slices]
    middle = int(numpy.argmax(two))
    lungs = [numpy.zeros(volume[0].shape, bool) for _ in volume]
    for mask in slices[middle]:
        if mask.sum() * mm * mm > 3000:
            lungs[middle] |= mask
    for step in (-1, 1):
        i = middle + step
        while 0 <= i < len(volume):
            near = lungs[i - step]
            for mask in slices[i]:
                if (mask & near).sum() > 0.3 * mask.sum():
                    lungs[i] |= mask
            i += step
    return lungs


def bounds(mask):
    ys, xs = numpy.nonzero(mask)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def judge(box, lung, shows_lung, rectangle):
    """None where the box is right, or what is wrong."""
    if not shows_lung:
        return "lung where there is none" if box else None
    if not box:
        return "cuts lung"
    x, y, w, h = box
    if lung.sum() and lung[y : y + h, x : x + w].sum() < 0.99 * lung.sum():
        return "cuts lung"
    left, top, right, bottom = rectangle
    return "too large" if w * h > 1.5 * (right - left) * (bottom - top) else None


def draw(hu, paper, box, mask, text):
    grey = numpy.clip((hu + 1100) / 1400 * 255, 0, 255).astype(numpy.uint8)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for side, colour in ((1, (80, 220, 80)), (2, (255, 190, 60))):
        outlines, _ = cv2.findContours(
            (mask == side).astype(numpy.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outlines, -1, colour, 2)
    for rectangle, colour in ((paper, (60, 60, 255)), (box, (0, 220, 255))):
        if rectangle:
            x, y, w, h = rectangle
            cv2.rectangle(picture, (x, y), (x + w - 1, y + h - 1), colour, 3)
    cv2.putText(picture, text, (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return cv2.resize(picture, (240, 240), interpolation=cv2.INTER_AREA)


def main(dump, studies, picture):
    rows = []
    for name, (first, last) in SEEN.items():
        volume, mm = read(pathlib.Path(studies) / name)
        found = json.loads(
            subprocess.run(
                [dump, str(pathlib.Path(studies) / name)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        lungs = reference(volume, mm)
        rectangle = bounds(numpy.any(lungs, axis=0))
        wrong = {"paper": {}, "volume": {}}
        marked = 0
        tiles = []
        for i, (lung, entry) in enumerate(zip(lungs, found["slices"])):
            mask = numpy.zeros(volume[0].shape, numpy.uint8)
            if entry["lung_base64"]:
                coarse = numpy.frombuffer(base64.b64decode(entry["lung_base64"]), numpy.uint8)
                coarse = coarse.reshape(found["rows"], found["columns"])
                mask = coarse.repeat(found["row_factor"], 0).repeat(found["column_factor"], 1)
                mask = mask[: volume.shape[1], : volume.shape[2]]
            marked += not entry["lung_base64"]
            boxes = {
                "paper": entry["paper"] if entry["paper_found"] else None,
                "volume": found["volume"] if entry["lung_base64"] else None,
            }
            for mode, box in boxes.items():
                fault = judge(box, lung, first <= i <= last, rectangle)
                if fault:
                    wrong[mode].setdefault(fault, []).append(i)
            if name in DRAWN and i in numpy.linspace(0, len(lungs) - 1, 9).astype(int):
                tiles.append(draw(volume[i], boxes["paper"], boxes["volume"], mask, str(i)))
        if tiles:
            rows.append(numpy.hstack(tiles))
        seen = [i for i, lung in enumerate(lungs) if lung.any()]
        print(
            f"{name}: {len(lungs)} slices, by eye lung in {first} to {last}, reference in "
            f"{seen[0]} to {seen[-1]}; volume marks {marked} without lung"
        )
        for mode, faults in wrong.items():
            count = sum(len(places) for places in faults.values())
            print(
                f"  {mode}: {count} of {len(lungs)} fail ({100 * count / len(lungs):.1f} %)", faults
            )
    cv2.imwrite(picture, numpy.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
