# SPDX-License-Identifier: Apache-2.0
"""The example client of client/python against a server that answers from a script.

What it prints of the answers that a running server gives only for odd studies:
slices without lung, frames, verdicts without a label, names of a later version.
tests/e2e has it against the real server.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent import futures

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
HANG_SECONDS = 120

_folder = tempfile.TemporaryDirectory(prefix="m3lung-example-")
FOLDER = pathlib.Path(_folder.name)
subprocess.run(
    [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}",
     f"--python_out={FOLDER}", f"--grpc_python_out={FOLDER}",
     *sorted((ROOT / "proto" / "m3lung" / "v1").glob("*.proto"))],
    check=True,
)  # fmt: skip
shutil.copy(ROOT / "client" / "python" / "analyze_study.py", FOLDER)
sys.path.insert(0, str(FOLDER))
from m3lung.v1 import results_pb2 as results  # noqa: E402
from m3lung.v1 import screening_pb2 as screening  # noqa: E402
from m3lung.v1 import screening_pb2_grpc  # noqa: E402

LATER = 77  # a value that no enum of this version has


class Scripted(screening_pb2_grpc.ScreeningServiceServicer):
    def __init__(self, answers):
        self.answers = answers

    def AnalyzeStudy(self, requests, context):
        for _ in requests:
            pass
        yield from self.answers


def response(**message):
    return screening.AnalyzeStudyResponse(**message)


class PythonExample(unittest.TestCase):
    def run_against(self, *answers):
        """The example's output and exit code for a study of the files a.dcm and notes.txt."""
        server = grpc.server(futures.ThreadPoolExecutor(2))
        screening_pb2_grpc.add_ScreeningServiceServicer_to_server(Scripted(answers), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(server.stop, None)
        study = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
        (study / "a.dcm").write_text("a")
        (study / "notes.txt").write_text("b")
        done = subprocess.run(
            [sys.executable, FOLDER / "analyze_study.py", f"--server=127.0.0.1:{port}", study],
            capture_output=True, text=True, timeout=HANG_SECONDS,
        )  # fmt: skip
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines(), done.returncode

    def test_frames_and_slices_without_lung(self):
        lines, code = self.run_against(
            response(progress=results.StudyProgress(upload_ended=True, slices_used=2)),
            response(receipt=results.InstanceReceipt(status=results.USED, frames_used=2)),
            response(slice=results.SliceResult(frame=1, index=0, position_mm=5)),
            response(
                slice=results.SliceResult(
                    index=1, scored=True, label=results.CAP, lesion_probability=0.75,
                    probabilities=[0.25, 0.25, 0, 0.5],
                )
            ),
            response(
                patient=results.PatientResult(
                    verdict=results.OK, label=results.CAP, probabilities=[0.25, 0, 0, 0.75],
                    instances_received=1, slices_used=2, slices_without_lung=1,
                    affected_lung=results.AffectedLung(whole=0.125), warnings=["an odd study"],
                    series=[results.SeriesSummary(slices=2, chosen=True, detail="the only one")],
                )
            ),
        )  # fmt: skip
        self.assertEqual(code, 0)
        self.assertIn("slice 0 a.dcm frame 1 at 5.0 mm: no lung, not scored", lines)
        self.assertIn(
            "slice 1 a.dcm at 0.0 mm: CAP: lesion 75.0%: "
            "HEALTHY 25.0% COVID_19 25.0% H1N1 0.0% CAP 50.0%",
            lines,
        )
        self.assertEqual(
            lines[-7:],
            [
                "1 of 1 instances used, 0 skipped",
                "2 slices, 1 without lung",
                "series chosen: 2 slices: the only one",
                "warning: an odd study",
                "lung affected, an estimate: 12.5%",
                "verdict OK",
                "patient CAP: HEALTHY 25.0% COVID_19 0.0% H1N1 0.0% CAP 75.0%",
            ],
        )

    def test_abstention_is_an_answer_and_rejection_is_not(self):
        for verdict, exit_code in ((results.ABSTAINED, 0), (results.REJECTED, 1)):
            patient = results.PatientResult(
                verdict=verdict, reasons=[results.TOO_FEW_LUNG_SLICES], detail="send more"
            )
            lines, code = self.run_against(response(patient=patient))
            self.assertEqual(code, exit_code)
            name = results.Verdict.Name(verdict)
            self.assertEqual(
                lines[-2:],
                [f"verdict {name} (TOO_FEW_LUNG_SLICES): send more", "no label is given"],
            )

    def test_names_of_a_later_version(self):
        lines, code = self.run_against(
            response(
                receipt=results.InstanceReceipt(
                    instance=1, status=results.SKIPPED, reason=LATER, detail="of a new kind"
                )
            ),
            response(
                patient=results.PatientResult(verdict=results.DEGRADED, reasons=[LATER])
            ),
        )  # fmt: skip
        self.assertEqual(code, 0)
        self.assertIn("skipped notes.txt: 77: of a new kind", lines)
        self.assertIn("verdict DEGRADED (77): ", lines)


if __name__ == "__main__":
    unittest.main()
