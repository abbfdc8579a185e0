# SPDX-License-Identifier: Apache-2.0
"""The example client of client/python, used as its README says."""

import shutil
import subprocess
import sys

import service


class PythonExample(service.ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = service.scratch("example")
        cls.program = folder / "analyze_study.py"
        shutil.copy(service.ROOT / "client" / "python" / "analyze_study.py", cls.program)
        service.make_stubs(folder)
        cls.study = service.scratch("sent")
        for path in service.synthetic_study(slices=40):
            shutil.copy(path, cls.study)
        (cls.study / "notes.txt").write_text("not a DICOM file\n")

    def example(self, *arguments):
        return subprocess.run(
            [sys.executable, self.program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=service.HANG_SECONDS,
        )

    def test_prints_every_result(self):
        done = self.example(f"--server={self.server.address}", "--maps", self.study)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        slices = [line for line in lines if line.startswith("slice ")]
        self.assertEqual(len(slices), 40)
        scored = [line for line in slices if not line.endswith("no lung, not scored")]
        self.assertGreater(len(scored), 20)
        self.assertTrue(all("map peak" in line for line in scored), scored)
        self.assertIn("skipped notes.txt: NOT_DICOM: ", done.stdout)
        self.assertIn("40 of 41 instances used, 1 skipped", lines)
        self.assertIn("research use only", done.stdout.lower())
        self.assertRegex(lines[-1], r"^patient (HEALTHY|COVID_19|H1N1|CAP): HEALTHY \d+\.\d% ")

    def test_agrees_with_the_project_s_own_client(self):
        out = service.scratch("answer") / "answer.json"
        service.run("m3lung", "analyze", self.study, f"--server={self.server.address}",
                    f"--json={out}")  # fmt: skip
        done = self.example(f"--server={self.server.address}", self.study)
        own = service.json_answer(out).patient
        label = service.results.Label.Name(own.label)
        self.assertIn(f"patient {label}: HEALTHY {100 * own.probabilities[0]:.1f}%", done.stdout)

    def test_refusal_names_the_reason(self):
        done = self.example(f"--server={self.server.address}", "--model=unknown", self.study)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("NOT_FOUND MODEL_UNKNOWN: ", done.stderr)

    def test_unreached_server_is_worth_trying_again(self):
        done = self.example("--server=127.0.0.1:1", self.study)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("UNAVAILABLE", done.stderr)

    def test_used_wrongly(self):
        self.assertEqual(self.example().returncode, 2)
        self.assertEqual(self.example(service.scratch("empty")).returncode, 2)


if __name__ == "__main__":
    service.main()
