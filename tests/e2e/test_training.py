# SPDX-License-Identifier: Apache-2.0
"""The documented script from nothing to a bundle, small, and its bundle served."""

import collections
import csv
import os
import pathlib
import signal
import subprocess
import unittest

import service

PROJECT = pathlib.Path(__file__).parents[2]
CLASSES = ("HEALTHY", "COVID_19", "H1N1", "CAP")


def read_table(path):
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


class Training(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = service.scratch("training")
        done = subprocess.run(
            [PROJECT / "scripts" / "train_demo.sh", "--tiny", "--built", cls.folder],
            capture_output=True, text=True, timeout=service.HANG_SECONDS,
            env={**os.environ, "M3LUNG_BIN_DIR": str(service.BIN_DIR)},
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        cls.models = cls.folder / "models"
        cls.server = cls.enterClassContext(service.Server(cls.models))
        cls.stub = cls.enterClassContext(cls.server.screening())

    def test_the_server_answers_what_was_evaluated(self):
        predictions = self.folder / "evaluation" / "predictions"
        slices = collections.defaultdict(dict)
        for row in read_table(predictions / "slices.csv"):
            slices[row["study"]][float(row["position_mm"])] = row
        studies = read_table(predictions / "studies.csv")
        self.assertEqual([row["label"] for row in studies], list(CLASSES) * 2)
        for row in studies[::3]:
            with self.subTest(study=row["study"]):
                files = sorted((self.folder / "cohort" / row["study"]).glob("*.dcm"))
                answer = service.analyze(
                    self.stub, [service.header(), *service.file_requests(files)]
                )
                expected = slices[row["study"]]
                scored = [item for item in answer.slices if item.probabilities]
                self.assertEqual(len(scored), len(expected))
                for item in scored:
                    want = expected[min(expected, key=lambda mm: abs(mm - item.position_mm))]
                    service.assert_close(
                        self, item.probabilities, [float(want[name]) for name in CLASSES], 1e-3
                    )
                    self.assertAlmostEqual(
                        item.lesion_probability, float(want["lesion_probability"]), delta=1e-3
                    )
                service.assert_close(
                    self, answer.patient.probabilities, [float(row[name]) for name in CLASSES], 1e-3
                )
                self.assertIn("synthetic data alone", answer.patient.model.notice)

    def test_every_step_goes_on_where_it_was(self):
        done = subprocess.run(
            [PROJECT / "scripts" / "train_demo.sh", "--tiny", "--built", self.folder],
            capture_output=True, text=True, timeout=service.HANG_SECONDS,
            env={**os.environ, "M3LUNG_BIN_DIR": str(service.BIN_DIR)},
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(20 were there)", done.stdout)

    def test_a_training_that_is_told_to_stop_saves_and_says_so(self):
        command = [service.BIN_DIR / "m3lung-train", "slice", f"--data={self.folder / 'prepared'}",
                   f"--run={service.scratch('run')}", "--base-width=4", "--blocks=1,1,1,1",
                   "--epochs=100000", "--batch-size=8"]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
            self.assertIn("1/", training.stderr.readline())  # it trains
            training.send_signal(signal.SIGTERM)
            rest = training.stderr.read()
            self.assertEqual(training.wait(service.HANG_SECONDS), 1)
        self.assertIn("stopped and saved; run it again to go on", rest)


if __name__ == "__main__":
    service.main()
