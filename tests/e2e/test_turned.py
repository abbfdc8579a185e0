# SPDX-License-Identifier: Apache-2.0
"""Patients who lay on the face or the side, came feet first, or were mirrored: the network sees
them the usual way up, and boxes and maps lie where the lesion lies in the image as stored."""

from typing import Any

import cv2
import numpy as np
import pydicom
import torch

import service
from scripted_bundle import bundle_of
from service import header, results

METAL_HU = 2500  # as nothing else in a synthetic study
RADIUS = 7  # of the lesion, in pixels
CELLS = 16  # of a map, along each side
# (swapped, mirrored from left to right, from front to back) by DICOM's patient position.
WAYS = {
    "HFS": (False, False, False),
    "HFP": (False, True, True),
    "FFS": (False, True, False),
    "FFP": (False, False, True),
    "HFDR": (True, False, False),
    "HFDL": (True, True, True),
    "FFDR": (True, True, False),
    "FFDL": (True, False, True),
}


class MetalNet(torch.nn.Module):
    """Maps where metal lies; where there is some, its classes depend on how the input lies."""

    def forward(self, hu: torch.Tensor):
        x = hu.to(torch.float32)
        maps = torch.nn.functional.max_pool2d((x > 2000.0).to(torch.float32).unsqueeze(1), 4)
        half = x.size(1) // 2
        corners = torch.stack(
            [
                x[:, :half, :half].mean([1, 2]),
                x[:, :half, half:].mean([1, 2]),
                x[:, half:, :half].mean([1, 2]),
                x[:, half:, half:].mean([1, 2]),
            ],
            1,
        )
        seen = maps.flatten(1).amax(1)
        lesion = 0.5 + 0.4 * seen
        return (
            torch.softmax(corners / 100.0 * seen.unsqueeze(1), 1),
            torch.stack([1.0 - lesion, lesion], 1),
            maps.squeeze(1),
            torch.ones(x.size(0), 8),
        )


def lesion_place(hu):
    """A place amid the lung, in the upper left quarter of the image (x, y), if there is room."""
    lung = (hu < -600).astype(np.uint8)
    _, parts = cv2.connectedComponents(lung)
    lung[np.isin(parts, np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))] = 0
    depth = cv2.distanceTransform(lung, cv2.DIST_L2, 3)
    rows, columns = hu.shape
    depth[rows // 2 :] = 0
    depth[:, columns // 2 :] = 0
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return (int(x), int(y)) if depth[y, x] > 3 * RADIUS else None


def turn(image, way):
    swapped, mirrored_x, mirrored_y = way
    if swapped:
        image = image.T
    # x runs along the columns, or, swapped, along the rows.
    flip_columns, flip_rows = (mirrored_y, mirrored_x) if swapped else (mirrored_x, mirrored_y)
    return image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def turn_file(path, out, position):
    """The file, its image turned and its geometry with it, so that the patient is the same."""
    data = pydicom.dcmread(path)
    stored = data.pixel_array
    index = np.arange(stored.size).reshape(stored.shape)
    turned_index = turn(index, WAYS[position])
    origin = np.array(data.ImagePositionPatient, float)
    row, column = np.array(data.ImageOrientationPatient, float).reshape(2, 3)
    down, across = (float(value) for value in data.PixelSpacing)

    def place(pixel):
        i, j = np.unravel_index(pixel, stored.shape)
        return origin + i * down * column + j * across * row

    first = place(turned_index[0, 0])

    def direction(pixel):
        step = place(pixel) - first
        return step / np.linalg.norm(step)

    data.ImagePositionPatient = [f"{value:.6f}" for value in first]
    new_row, new_column = direction(turned_index[0, 1]), direction(turned_index[1, 0])
    data.ImageOrientationPatient = [f"{value:.6f}" for value in (*new_row, *new_column)]
    if WAYS[position][0]:
        data.PixelSpacing = [data.PixelSpacing[1], data.PixelSpacing[0]]
    data.PatientPosition = position
    data.Rows, data.Columns = turned_index.shape
    data.PixelData = np.ascontiguousarray(stored.ravel()[turned_index]).tobytes()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.save_as(out, enforce_file_format=True)


class TurnedStudies(service.ServerTest):
    usual: Any
    lesions: Any

    @classmethod
    def setUpClass(cls):
        models = service.scratch("models")
        bundle_of(MetalNet(), models, "metal")
        cls.server = cls.enterClassContext(service.Server(models))
        cls.stub = cls.enterClassContext(cls.server.screening())
        cls.usual, cls.lesions = cls.make_study()

    @classmethod
    def make_study(cls):
        """A study with a lesion wherever there is room: its files, and the lesions' places (x, y)
        by SOP instance uid."""
        folder = service.scratch("usual")
        lesions, files = {}, []
        for path in service.synthetic_study("HEALTHY", slices=40):
            data = pydicom.dcmread(path)
            assert list(data.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
            stored = data.pixel_array.copy()
            slope, intercept = float(data.RescaleSlope), float(data.RescaleIntercept)
            if place := lesion_place(stored * slope + intercept):
                metal = round((METAL_HU - intercept) / slope)
                cv2.circle(stored, place, RADIUS, metal, thickness=-1)
                lesions[str(data.SOPInstanceUID)] = place
            data.PixelData = stored.tobytes()
            data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
            files.append(folder / path.name)
            data.save_as(files[-1], enforce_file_format=True)
        return files, lesions

    def answer(self, files, **fields):
        return service.analyze(self.stub, [header(**fields), *service.file_requests(files)])

    def turned_files(self, position):
        folder = service.scratch(position)
        for path in self.usual:
            turn_file(path, folder / path.name, position)
        return [folder / path.name for path in self.usual]

    def check_maps(self, answer, way, size):
        """Each map is high where the lesion is in the image as stored, and nowhere else."""
        usual_shape = pydicom.dcmread(self.usual[0]).pixel_array.shape
        checked = 0
        for one in answer.slices:
            if one.sop_instance_uid not in self.lesions or not one.scored:
                continue
            lesion = np.zeros(usual_shape, np.uint8)
            cv2.circle(lesion, self.lesions[one.sop_instance_uid], RADIUS, 1, thickness=-1)
            lesion = np.ascontiguousarray(turn(lesion, way))
            covers = one.lesion_map.covers
            box = one.lung_box
            self.assertEqual(
                (covers.x, covers.y, covers.width, covers.height),
                (box.x, box.y, box.width, box.height),
            )
            values = np.array(one.lesion_map.values, np.float32)
            values = values.reshape(one.lesion_map.rows, one.lesion_map.columns)
            if size == "FULL_SIZE":
                self.assertEqual(values.shape, (box.height, box.width))
            shown = cv2.resize(values, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
            there = lesion[box.y : box.y + box.height, box.x : box.x + box.width] > 0
            self.assertEqual(int(there.sum()), int(lesion.sum()), "the box cuts the lesion")
            # A cell reaches beyond what it shows, and is blurred into its neighbours.
            cell = max(box.width, box.height) / CELLS
            reach = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 3)
            self.assertGreater(shown[there].min(), 0.2)
            self.assertEqual(shown[reach > 2.5 * cell].max(), 0)
            checked += 1
        self.assertGreater(checked, 8)

    def check_same(self, answer, usual):
        """The patient is the same, and so are the answers."""
        by_uid = {one.sop_instance_uid: one for one in usual.slices}
        for one in answer.slices:
            want = by_uid[one.sop_instance_uid]
            self.assertEqual((one.scored, one.index), (want.scored, want.index))
            self.assertAlmostEqual(one.position_mm, want.position_mm, places=3)
            service.assert_close(self, one.probabilities, want.probabilities, 1e-4)
        self.assertEqual(answer.patient.verdict, usual.patient.verdict)
        got, want = answer.patient.affected_lung, usual.patient.affected_lung
        for part in ("whole", "left", "right", "upper_third", "middle_third", "lower_third"):
            self.assertAlmostEqual(getattr(got, part), getattr(want, part), places=2, msg=part)

    def test_the_map_lies_on_the_lesion(self):
        usual = self.answer(self.usual, lesion_maps="GRID", crop_mode="VOLUME")
        self.assertEqual(usual.patient.verdict, results.OK, usual.patient.detail)
        # Seen from the feet, the image's left is the patient's right.
        self.assertGreater(usual.patient.affected_lung.right, 0)
        self.assertEqual(usual.patient.affected_lung.left, 0)
        for position, way in WAYS.items():
            files = self.turned_files(position)
            for mode, size in (("VOLUME", "FULL_SIZE"), ("PAPER", "GRID")):
                with self.subTest(position=position, mode=mode, size=size):
                    answer = self.answer(files, lesion_maps=size, crop_mode=mode)
                    self.check_maps(answer, way, size)
                    if mode == "VOLUME":
                        self.check_same(answer, usual)

    def test_a_slice_alone(self):
        source = next(
            path for path in self.usual if str(pydicom.dcmread(path).SOPInstanceUID) in self.lesions
        )
        shape = pydicom.dcmread(source).pixel_array.shape
        for position, way in WAYS.items():
            with self.subTest(position=position):
                path = service.scratch(position) / "slice.dcm"
                turn_file(source, path, position)
                one = self.stub.AnalyzeSlice(
                    service.screening.AnalyzeSliceRequest(
                        dicom=path.read_bytes(), lesion_maps="FULL_SIZE"
                    )
                )
                box, map_ = one.lung_box, one.lesion_map
                values = np.array(map_.values).reshape(map_.rows, map_.columns)
                row, column = (values.sum(axis=1 - axis) @ np.arange(values.shape[axis]) / values.sum()
                               for axis in (0, 1))  # fmt: skip
                lesion = np.zeros(shape, np.uint8)
                cv2.circle(lesion, self.lesions[one.sop_instance_uid], RADIUS, 1, thickness=-1)
                y, x = np.argwhere(turn(lesion, way)).mean(axis=0)
                cell = max(box.width, box.height) / CELLS
                self.assertLess(abs(box.y + row - y), cell)
                self.assertLess(abs(box.x + column - x), cell)


if __name__ == "__main__":
    service.main()
