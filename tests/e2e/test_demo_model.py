# SPDX-License-Identifier: Apache-2.0
"""The bundle that the repository ships, on studies that it was not trained on."""

import csv
import json
import pathlib
import unittest

import service

MODELS = pathlib.Path(__file__).parents[2] / "models"
BUNDLE = MODELS / "m3lung-demo" / "1"
CLASSES = ("HEALTHY", "COVID_19", "H1N1", "CAP")


class DemoModel(unittest.TestCase):
    def test_the_demo_s_studies_get_their_classes(self):
        with service.Server(MODELS) as server, server.screening() as stub:
            for label in CLASSES:
                with self.subTest(label=label):
                    # As in scripts/demo.sh.
                    files = service.synthetic_study(label, slices=60, seed=1)
                    answer = service.analyze(
                        stub, [service.header(), *service.file_requests(files)]
                    )
                    probabilities = list(answer.patient.probabilities)
                    self.assertEqual(CLASSES[probabilities.index(max(probabilities))], label)
                    self.assertIn("Research use only", answer.patient.model.notice)

    def test_its_maps_lie_on_the_lesions(self):
        folder = service.scratch("demo-model")
        service.run("m3lung-train", "cohort", f"--out={folder / 'cohort'}", "--seed=2026",
                    "--train=0", "--validation=0", "--test=1", "--slices=40")  # fmt: skip
        service.run("m3lung-train", "prepare", f"--dataset={folder / 'cohort' / 'dataset.csv'}",
                    f"--out={folder / 'prepared'}", "--input-size=256")  # fmt: skip
        service.run("m3lung-train", "evaluate", f"--data={folder / 'prepared'}",
                    f"--bundle={BUNDLE}", f"--out={folder / 'evaluation'}",
                    "--resamples=100")  # fmt: skip
        evaluation = json.loads((folder / "evaluation" / "evaluation.json").read_text())
        maps = evaluation["maps"]
        self.assertGreater(maps["mapped_slices"], 20)
        # A map's highest point, laid anywhere, would hit as often as its chance precision.
        self.assertGreater(maps["pointing_game"]["value"], 10 * maps["average_precision_by_chance"])
        with (folder / "evaluation" / "predictions" / "studies.csv").open(newline="") as table:
            for row in csv.DictReader(table):
                probabilities = {name: float(row[name]) for name in CLASSES}
                self.assertEqual(max(probabilities, key=probabilities.get), row["label"])


if __name__ == "__main__":
    service.main()
