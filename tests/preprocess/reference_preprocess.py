# SPDX-License-Identifier: Apache-2.0
"""Compares the program preprocess_dump with a reference written without our code.

The reference reads DICOM with pydicom and pylibjpeg and cuts with OpenCV's Python
package: Hounsfield units must be equal bit for bit, boxes equal, resized crops
within one unit. Usage: reference_preprocess.py PREPROCESS_DUMP DATA_FOLDER
"""

import base64
import glob
import hashlib
import json
import os
import subprocess
import sys
import warnings

import cv2
import numpy as np
import pydicom

AIR_HU = -1000
UNSUPPORTED_TRANSFER_SYNTAX = 3
DECODED_SYNTAXES = {
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.5",
}
# Two decoders of these may round their transform differently.
LOSSY_JPEG = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
CROP_SIZE = 192


def as_number(padding):
    """A padding value, which implicit data sets may leave as bytes."""
    return padding if isinstance(padding, int) else int.from_bytes(padding, "little")


def hounsfield(dataset):
    """Hounsfield units of a data set, int16, rows x columns."""
    # Whole words: pydicom would move the bits below HighBit out of them.
    dataset.pixel_array_options(raw=True, correct_unused_bits=False)
    words = dataset.pixel_array.astype(np.int64)
    shift = dataset.HighBit + 1 - dataset.BitsStored
    values = (words >> shift) & ((1 << dataset.BitsStored) - 1)
    if dataset.PixelRepresentation == 1:
        values = np.where(
            values >= 1 << (dataset.BitsStored - 1), values - (1 << dataset.BitsStored), values
        )
    slope = float(dataset.get("RescaleSlope", 1))
    intercept = float(dataset.get("RescaleIntercept", 0))
    hu = np.clip(np.rint(slope * values.astype(np.float64) + intercept), -32768, 32767)
    if "PixelPaddingValue" in dataset:
        first = as_number(dataset.PixelPaddingValue)
        last = as_number(dataset.get("PixelPaddingRangeLimit", first))
        hu[(values >= min(first, last)) & (values <= max(first, last))] = AIR_HU
    return hu.astype(np.int16)


def paper_box(hu):
    """The crop of the paper's section III-A: (x, y, width, height), method."""
    kernel = np.ones((8, 1), np.uint8)
    rows, columns = hu.shape
    mask = cv2.morphologyEx((hu < -300).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels = cv2.connectedComponents(mask, connectivity=8)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    mask[np.isin(labels, border)] = 0
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    ys, xs = np.nonzero(mask)
    if len(xs) == 0:
        return [0, 0, columns, rows], "none"
    left, right = max(xs.min() - 10, 0), min(xs.max() + 11, columns)
    top, bottom = max(ys.min() - 10, 0), min(ys.max() + 11, rows)
    return [int(left), int(top), int(right - left), int(bottom - top)], "paper"


def position_mm(dataset):
    """Position along the slice normal, larger towards the head."""
    x = np.array(dataset.ImageOrientationPatient, float)
    normal = np.cross(x[:3], x[3:])
    normal /= np.linalg.norm(normal) * np.sign(normal[2])
    return float(normal @ np.array(dataset.ImagePositionPatient, float))


def lossy_differences(hu, ours, dataset):
    """What differs by over one stored unit, which both may round their own way."""
    theirs = np.frombuffer(base64.b64decode(ours["hu_base64"]), "<i2").reshape(hu.shape)
    worst = int(np.abs(hu.astype(int) - theirs).max())
    if worst > np.ceil(abs(float(dataset.RescaleSlope))):
        yield f"Hounsfield units differ by up to {worst}"


def differences(path, ours):
    """What differs between our answer for a file and the reference's, as text."""
    dataset = pydicom.dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in DECODED_SYNTAXES:
        if ours["ok"] or ours["reason"] != UNSUPPORTED_TRANSFER_SYNTAX:
            yield f"{syntax} is not answered with UNSUPPORTED_TRANSFER_SYNTAX: {ours}"
        elif str(syntax) not in ours["message"]:
            yield f"the message does not name {syntax}"
        return
    if not ours["ok"]:
        yield f"was refused: {ours}"
        return
    if len(ours["slices"]) != 1:
        yield f"has {len(ours['slices'])} slices"
        return
    ours = ours["slices"][0]
    hu = hounsfield(dataset)
    if syntax in LOSSY_JPEG:
        yield from lossy_differences(hu, ours, dataset)
        return
    if hashlib.sha256(hu.tobytes()).hexdigest() != ours["hu_sha256"]:
        yield "Hounsfield units differ"
        return
    box, method = paper_box(hu)
    if (box, method) != (ours["box"], ours["method"]):
        yield f"box {ours['box']} {ours['method']} should be {box} {method}"
        return
    if abs(position_mm(dataset) - ours["position_mm"]) > 1e-6:
        yield f"position {ours['position_mm']} should be {position_mm(dataset)}"
    x, y, width, height = box
    crop = cv2.resize(
        hu[y : y + height, x : x + width], (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR
    )
    theirs = np.frombuffer(base64.b64decode(ours["crop_base64"]), "<i2").reshape(crop.shape)
    worst = int(np.abs(crop.astype(int) - theirs).max())
    if worst > 1:
        yield f"the resized crop differs by up to {worst} HU"


def main():
    program, data = sys.argv[1:]
    if not os.path.isdir(data):
        print(f"SKIPPED: there is no test data at {data} (set M3LUNG_TEST_DATA)")
        sys.exit(77)
    warnings.simplefilter("ignore")
    studies = sorted(glob.glob(f"{data}/studies/*/"))
    paths = [
        path
        for study in studies
        for path in sorted(glob.glob(study + "**/*.dcm", recursive=True))[::10]
    ]
    paths += sorted(glob.glob(f"{data}/cases/syntax/*"))
    if len(paths) < 50:
        sys.exit(f"only {len(paths)} files found in {data}")
    answers = subprocess.run(
        [program, "--crops", "--pixels"],
        input="\n".join(paths) + "\n",
        text=True,
        capture_output=True,
        check=True,
    )
    if answers.stderr:
        sys.exit(f"preprocess_dump wrote to stderr:\n{answers.stderr}")
    lines = answers.stdout.splitlines()
    assert len(lines) == len(paths)
    failures = [
        f"{path}: {text}"
        for path, line in zip(paths, lines)
        for text in differences(path, json.loads(line))
    ]
    print("\n".join(failures))
    print(f"{len(paths)} files compared, {len(failures)} differences")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
