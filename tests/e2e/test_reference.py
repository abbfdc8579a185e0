# SPDX-License-Identifier: Apache-2.0
"""Real studies through the running server, compared with reference.py.

SmallBundle sends all three; FullBundle, at the networks' full width, sends every
fourth slice of one, and all three whole where M3LUNG_E2E_FULL is 1.
"""

import json
import os
import unittest

import numpy as np

import reference
import service

STUDIES = ("covid19-p001", "cap-001", "normal-001")
TOLERANCE = 1e-3
MAP_TOLERANCE = 1e-2


class SmallBundle(unittest.TestCase):
    base_width = 16
    configuration = ""
    studies = STUDIES

    @classmethod
    def setUpClass(cls):
        for study in cls.studies:
            service.test_data("studies", study)
        models = service.untrained_models(cls.base_width)
        (cls.bundle,) = (path.parent for path in models.rglob("manifest.json"))
        configuration = service.config(cls.configuration)
        cls.server = cls.enterClassContext(service.Server(models, configuration))

    def test_service_agrees_with_reference(self):
        for study in self.studies:
            with self.subTest(study=study):
                self.compare(study)

    def compare(self, study):
        folder = self.folder(study)
        text, answer = self.analyze(folder)
        slices = reference.read_study(folder)
        self.check_ledger(answer, slices)
        self.check_geometry(answer, slices)
        self.check_scores(study, answer, reference.score(self.bundle, slices))
        self.check_json(text, answer)
        log = self.server.log()
        for private in (folder.name, slices[0].file_name, slices[0].sop_instance_uid):
            self.assertNotIn(private, log, "the server's log tells about a patient's file")

    def folder(self, study):
        return service.test_data("studies", study)

    def analyze(self, folder):
        out = service.scratch("answer") / "answer.json"
        service.run("m3lung", "analyze", folder, f"--server={self.server.address}",
                    f"--json={out}", "--crop=paper")  # fmt: skip
        return json.loads(out.read_text()), service.json_answer(out)

    def check_ledger(self, answer, slices):
        patient = answer.patient
        self.assertEqual(service.results.Verdict.Name(patient.verdict), "OK", patient.detail)
        self.assertEqual(len(answer.slices), len(slices))
        self.assertEqual(
            (patient.instances_received, patient.slices_used, patient.instances_skipped),
            (len(slices), len(slices), 0),
        )
        self.assertEqual(
            sorted(receipt.sop_instance_uid for receipt in answer.receipts),
            sorted(one.sop_instance_uid for one in slices),
        )
        for receipt in answer.receipts:
            self.assertEqual(receipt.status, service.results.USED, receipt.detail)

    def check_geometry(self, answer, slices):
        for index, (got, one) in enumerate(zip(answer.slices, slices)):
            box = got.lung_box
            self.assertEqual((got.index, got.sop_instance_uid), (index, one.sop_instance_uid))
            self.assertEqual((box.x, box.y, box.width, box.height), one.box)
            self.assertEqual(box.method, one.method)
            self.assertAlmostEqual(got.position_mm, one.position_mm, delta=1e-3)
            covers = got.lesion_map.covers
            self.assertEqual((covers.x, covers.y, covers.width, covers.height), one.box)
        instances = [got.instance for got in answer.slices]
        self.assertEqual(list(answer.patient.instances_head_to_feet), instances)

    def check_scores(self, study, answer, expected):
        got = np.array([list(one.probabilities) for one in answer.slices])
        np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-5)
        difference = np.abs(got - expected.probabilities).max()
        spread = np.ptp(expected.probabilities, axis=0).max()
        # Slices that all look alike would pass in any order.
        self.assertGreater(spread, 1e-4, "the bundle answers the same for every slice")
        self.assertLessEqual(difference, min(TOLERANCE, spread / 10))
        self.assertEqual([one.label - 1 for one in answer.slices], got.argmax(axis=1).tolist())
        self.assertTrue(all(one.scored for one in answer.slices))

        lesion = np.array([one.lesion_probability for one in answer.slices])
        np.testing.assert_allclose(lesion, expected.lesion, atol=TOLERANCE)
        map_difference = self.check_maps(answer, expected)

        patient = answer.patient
        patient_difference = np.abs(np.array(patient.probabilities) - expected.patient).max()
        self.assertLessEqual(patient_difference, TOLERANCE)
        self.assertEqual(patient.label - 1, int(np.argmax(patient.probabilities)))
        counts = np.bincount(got.argmax(axis=1), minlength=4)
        self.assertEqual(list(patient.slices_by_label), counts.tolist())
        plain = patient.non_parametric
        self.assertAlmostEqual(plain.healthy_share, counts[0] / counts.sum(), places=5)
        healthy = counts[0] / counts.sum() > plain.threshold
        self.assertEqual(plain.label - 1, 0 if healthy else 1 + int(counts[1:].argmax()))
        print(
            f"{study}, base width {self.base_width}: {len(got)} slices; largest difference: "
            f"slices {difference:.1e} (they spread over {spread:.1e}), maps {map_difference:.1e}, "
            f"patient {patient_difference:.1e}"
        )

    def check_maps(self, answer, expected):
        rows, columns = expected.maps.shape[1:]
        worst = 0.0
        compared = 0
        for index, one in enumerate(answer.slices):
            # On the fence between the two classes the last bit decides which
            # class's map is shown.
            if abs(expected.lesion[index] - 0.5) < 1e-4:
                continue
            compared += 1
            self.assertEqual((one.lesion_map.rows, one.lesion_map.columns), (rows, columns))
            values = np.array(one.lesion_map.values).reshape(rows, columns)
            self.assertTrue(((values >= 0) & (values <= 1)).all())
            worst = max(worst, float(np.abs(values - expected.maps[index]).max()))
        self.assertGreater(compared, len(answer.slices) // 2)
        self.assertLessEqual(worst, MAP_TOLERANCE)
        return worst

    def check_json(self, text, answer):
        """Names in camelCase; zeros and falses are printed too."""
        self.assertEqual(set(text), {"receipts", "slices", "patient"})
        first = text["slices"][0]
        self.assertEqual(first["index"], 0)
        self.assertIs(first["scored"], True)
        for name in ("sopInstanceUid", "positionMm", "lesionProbability", "lungBox", "lesionMap"):
            self.assertIn(name, first)
        self.assertEqual(first["label"], reference.CLASSES[answer.slices[0].label - 1])
        self.assertEqual(text["patient"]["instancesSkipped"], 0)
        self.assertEqual(text["patient"]["reasons"], [])
        self.assertIn("nonParametric", text["patient"])
        for holder in (first, text["patient"]):
            self.assertIn("research use only", holder["model"]["notice"].lower())


class VolumeCrop(SmallBundle):
    """Crop mode `volume`: the box is the service's own (how good it is,
    tests/preprocess/lung_volume_test.cc tells); all that follows is compared."""

    def compare(self, study):
        folder = self.folder(study)
        out = service.scratch("answer") / "answer.json"
        service.run("m3lung", "analyze", folder, f"--server={self.server.address}",
                    f"--json={out}", "--crop=volume")  # fmt: skip
        answer = service.json_answer(out)
        slices = reference.read_study(folder)
        self.check_ledger(answer, slices)
        scored = [(got, one) for got, one in zip(answer.slices, slices) if got.scored]
        without_lung = [got for got in answer.slices if not got.scored]
        self.assertEqual(answer.patient.slices_without_lung, len(without_lung))
        share = len(without_lung) / len(slices)
        self.assertTrue(0.01 < share < 0.3, f"{share:.0%} of the slices show no lung")
        for got in without_lung:
            self.assertEqual((got.label, list(got.probabilities)), (0, []))
            self.assertEqual(got.lung_box.method, "none")
        boxes = {(got.lung_box.x, got.lung_box.y, got.lung_box.width, got.lung_box.height)
                 for got, _ in scored}  # fmt: skip
        self.assertEqual(len(boxes), 1)
        self.assertEqual({got.lung_box.method for got, _ in scored}, {"volume"})
        for got, one in scored:
            self.assertEqual(got.sop_instance_uid, one.sop_instance_uid)
            one.box = next(iter(boxes))
        expected = reference.score(self.bundle, [one for _, one in scored])
        probabilities = np.array([list(got.probabilities) for got, _ in scored])
        np.testing.assert_allclose(probabilities, expected.probabilities, atol=TOLERANCE)
        np.testing.assert_allclose(answer.patient.probabilities, expected.patient, atol=TOLERANCE)
        affected = answer.patient.affected_lung
        for value in (affected.whole, affected.left, affected.right, affected.lower_third):
            self.assertTrue(0 <= value <= 1)


class FullBundle(SmallBundle):
    base_width = 64
    configuration = "batching { sizes: 1 }"  # as fast, and sooner ready
    whole = os.environ.get("M3LUNG_E2E_FULL") == "1"
    studies = STUDIES if whole else STUDIES[:1]

    def folder(self, study):
        if self.whole:
            return super().folder(study)
        # By position, so that head and feet are among them.
        folder = service.scratch("part") / study
        folder.mkdir()
        slices = reference.read_study(super().folder(study))
        for one in slices[::4]:
            (folder / one.file_name).symlink_to(super().folder(study) / one.file_name)
        return folder


if __name__ == "__main__":
    service.main()
