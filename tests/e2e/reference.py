# SPDX-License-Identifier: Apache-2.0
"""The analysis of one study, written again in Python to compare the service with.

Nothing here is the project's code but the two TorchScript files of the bundle:
pydicom and pylibjpeg decode, OpenCV crops, Python's torch runs the networks.
"""

import ctypes
import dataclasses
import json

import cv2
import numpy as np
import pydicom
import torch

CLASSES = ("HEALTHY", "COVID_19", "H1N1", "CAP")

# glibc's names. By itself it gives each large image back and has the next one zeroed, which
# takes longer than the networks do.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
for setting in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
    ctypes.CDLL(None).mallopt(setting, 1 << 30)


@dataclasses.dataclass
class Slice:
    file_name: str
    sop_instance_uid: str
    hu: np.ndarray  # int16, rows x columns
    position_mm: float  # along the slice normal, larger is nearer to the head
    spacing_mm: tuple  # between rows, between columns
    box: tuple = ()  # x, y, width, height
    method: str = ""


@dataclasses.dataclass
class Scores:
    probabilities: np.ndarray  # slices x 4
    lesion: np.ndarray  # slices
    maps: np.ndarray  # slices x rows x columns
    patient: np.ndarray  # 4


def read_slice(path):
    image = pydicom.dcmread(path)
    stored = image.pixel_array.astype(np.float64)
    hu = np.rint(stored * float(image.RescaleSlope) + float(image.RescaleIntercept))
    orientation = np.array(image.ImageOrientationPatient, dtype=np.float64)
    normal = np.cross(orientation[:3], orientation[3:])
    if normal[2] < 0:  # Patient coordinates grow towards the head.
        normal = -normal
    position = float(np.dot(normal, np.array(image.ImagePositionPatient, dtype=np.float64)))
    hu = np.clip(hu, -32768, 32767).astype(np.int16)
    spacing = tuple(float(value) for value in image.PixelSpacing)
    return Slice(path.name, str(image.SOPInstanceUID), hu, position, spacing)


def read_study(folder):
    """The study's slices from head to feet, with their lung boxes."""
    slices = [read_slice(path) for path in sorted(folder.iterdir()) if path.is_file()]
    slices.sort(key=lambda one: -one.position_mm)
    for one in slices:
        one.box, one.method = lung_box(one.hu)
    return slices


def lung_box(hu):
    """The paper's crop (section III-A): ((x, y, width, height), method)."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (1, 8))
    mask = cv2.morphologyEx((hu < -300).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, parts = cv2.connectedComponents(mask, connectivity=8)
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    mask[np.isin(parts, border)] = 0
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    rows, columns = hu.shape
    ys, xs = np.nonzero(mask)
    if ys.size == 0:
        return (0, 0, columns, rows), "none"
    left, top = max(int(xs.min()) - 10, 0), max(int(ys.min()) - 10, 0)
    right, bottom = min(int(xs.max()) + 11, columns), min(int(ys.max()) + 11, rows)
    return (left, top, right - left, bottom - top), "paper"


def crop(one, size):
    x, y, width, height = one.box
    part = np.ascontiguousarray(one.hu[y : y + height, x : x + width])
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR)


def score(bundle, slices, batch=2):
    """Runs slice.ts and patient.ts of the bundle's folder over the study."""
    torch.set_num_threads(2)
    size = json.loads((bundle / "manifest.json").read_text())["input_size"]
    slice_net = torch.jit.load(str(bundle / "slice.ts"), map_location="cpu").eval()
    patient_net = torch.jit.load(str(bundle / "patient.ts"), map_location="cpu").eval()
    collected = []
    with torch.inference_mode():
        for start in range(0, len(slices), batch):
            part = np.stack([crop(one, size) for one in slices[start : start + batch]])
            collected.append(slice_net(torch.from_numpy(part)))
        probabilities, lesion, maps, features = (torch.cat(parts) for parts in zip(*collected))
        patient = patient_net(features)
    return Scores(probabilities.numpy(), lesion[:, 1].numpy(), maps.numpy(), patient.numpy())
