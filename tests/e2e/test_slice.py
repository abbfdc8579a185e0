# SPDX-License-Identifier: Apache-2.0
"""One slice alone, slices without DICOM, and the sizes of lesion maps."""

import cv2
import numpy as np
import reference
import service
from service import results, screening


class OneSlice(service.ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.paths = service.synthetic_study()
        # A slice alone is cropped by the paper's box.
        header = service.header(lesion_maps="GRID", crop_mode="PAPER")
        requests = [header, *service.file_requests(cls.paths)]
        cls.study = service.analyze(cls.stub, requests)

    def one(self, number, **fields):
        """AnalyzeSlice of a file, and what the study's stream said of it."""
        data = self.paths[number].read_bytes()
        request = screening.AnalyzeSliceRequest(dicom=data, **fields)
        return self.stub.AnalyzeSlice(request), self.study.slices[number]

    def test_alone_it_is_answered_as_in_its_study(self):
        for number in (0, 15, 39):
            alone, within = self.one(number)
            self.assertTrue(alone.scored)
            self.assertEqual(alone.sop_instance_uid, within.sop_instance_uid)
            self.assertEqual(alone.lung_box, within.lung_box)
            self.assertEqual(alone.label, within.label)
            self.assertEqual(alone.position_mm, within.position_mm)
            service.assert_close(self, alone.probabilities, within.probabilities, 1e-5)
            service.assert_close(self, alone.lesion_map.values, within.lesion_map.values, 1e-4)
            self.assertIn("random", alone.model.notice)

    def test_maps_come_in_the_size_asked_for(self):
        none, _ = self.one(15, lesion_maps="NO_MAP")
        self.assertFalse(none.HasField("lesion_map"))
        grid, _ = self.one(15, lesion_maps="GRID")
        side = self.input_size // 16
        self.assertEqual((grid.lesion_map.rows, grid.lesion_map.columns), (side, side))
        full, _ = self.one(15, lesion_maps="FULL_SIZE")
        box = full.lung_box
        self.assertEqual((full.lesion_map.rows, full.lesion_map.columns), (box.height, box.width))
        covers = results.PixelBox(x=box.x, y=box.y, width=box.width, height=box.height)
        self.assertEqual(full.lesion_map.covers, covers)
        values = np.array(grid.lesion_map.values, np.float32).reshape(side, side)
        expected = cv2.resize(values, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
        service.assert_close(self, full.lesion_map.values, expected.ravel(), 1e-4)

    def test_hounsfield_units_give_the_same_answer_as_their_dicom_file(self):
        requests = [service.header(crop_mode="PAPER")]
        for path in self.paths:
            one = reference.read_slice(path)
            rows, columns = one.hu.shape
            message = screening.HuSlice(
                sop_instance_uid=one.sop_instance_uid, rows=rows, columns=columns,
                hu=one.hu.astype("<i2").tobytes(), row_spacing_mm=one.spacing_mm[0],
                column_spacing_mm=one.spacing_mm[1],
                position_mm=one.position_mm,
            )  # fmt: skip
            requests.append(screening.AnalyzeStudyRequest(hu_slice=message))
        service.assert_same_answer(self, service.analyze(self.stub, requests), self.study)
        alone = self.stub.AnalyzeSlice(screening.AnalyzeSliceRequest(hu_slice=requests[4].hu_slice))
        service.assert_close(self, alone.probabilities, self.study.slices[3].probabilities, 1e-5)


if __name__ == "__main__":
    service.main()
