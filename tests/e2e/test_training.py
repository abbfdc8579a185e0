# SPDX-License-Identifier: Apache-2.0
"""The documented script from nothing to a bundle, small, and its bundle served."""

import collections
import csv
import json
import os
import pathlib
import signal
import subprocess
import unittest
from typing import Any

import service

PROJECT = pathlib.Path(__file__).parents[2]
CLASSES = ("HEALTHY", "COVID_19", "H1N1", "CAP")


def read_table(path):
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


class Training(unittest.TestCase):
    folder: pathlib.Path
    models: pathlib.Path
    server: service.Server
    stub: Any

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
        slices: dict[str, dict[float, dict]] = collections.defaultdict(dict)
        for row in read_table(predictions / "slices.csv"):
            slices[row["study"]][float(row["position_mm"])] = row
        studies = read_table(predictions / "studies.csv")
        self.assertEqual([row["label"] for row in studies], list(CLASSES) * 2)
        self.assertEqual({row["lungs"] for row in studies}, {"synthetic"})
        by_lungs = json.loads((self.folder / "evaluation" / "evaluation.json").read_text())[
            "by_lungs"
        ]
        self.assertIsNone(by_lungs["real"])
        self.assertEqual(by_lungs["synthetic"]["patients"]["distinct_patients"], 8)
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

    def test_a_cohort_lays_lesions_into_lungs_of_each_split_but_into_no_patient_twice(self):
        background = self.folder / "cohort" / "studies" / "train-healthy-001"
        other = self.folder / "cohort" / "studies" / "train-healthy-002"
        out = service.scratch("backgrounds")

        def cohort(*options):
            return subprocess.run(
                [service.BIN_DIR / "m3lung-train", "cohort", f"--out={out}", "--train=0",
                 "--validation=0", "--test=0", "--size=128", "--background-studies=1", *options],
                capture_output=True, text=True, timeout=service.HANG_SECONDS,
            )  # fmt: skip

        none = cohort()
        self.assertEqual(none.returncode, 2, none.stderr)
        self.assertIn("needs a --background, --validation-background or", none.stderr)
        twice = cohort(f"--background={background}", f"--test-background={background}/.")
        self.assertEqual(twice.returncode, 2, twice.stderr)
        self.assertIn("is the same folder as", twice.stderr)
        # Numbered in the order of the splits, however they were given.
        made = cohort(f"--test-background={background}", f"--validation-background={other}")
        self.assertEqual(made.returncode, 0, made.stderr)
        rows = read_table(out / "dataset.csv")
        self.assertEqual(
            [(row["patient"], row["split"], row["lungs"]) for row in rows],
            [("background-1", "validation", "real")] * 4 + [("background-2", "test", "real")] * 4,
        )

    def test_a_training_that_is_told_to_stop_saves_and_says_so(self):
        command: list[str | pathlib.Path] = [
            service.BIN_DIR / "m3lung-train", "slice", f"--data={self.folder / 'prepared'}",
            f"--run={service.scratch('run')}", "--base-width=4", "--blocks=1,1,1,1",
            "--epochs=100000", "--batch-size=8"]  # fmt: skip
        with (
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training,
            service.deadline_for(training, "m3lung-train to train, to be told to stop and to end"),
        ):
            assert training.stderr
            self.assertIn("1/", training.stderr.readline())  # it trains
            # Threads that wait must not spin: beside other work that is many times slower.
            environment = pathlib.Path(f"/proc/{training.pid}/environ").read_bytes()
            self.assertIn(b"OMP_WAIT_POLICY=passive", environment.split(b"\0"))
            training.send_signal(signal.SIGTERM)
            rest = training.stderr.read()
            self.assertEqual(training.wait(service.HANG_SECONDS), 1)
        self.assertIn("stopped and saved; run it again to go on", rest)


if __name__ == "__main__":
    service.main()
