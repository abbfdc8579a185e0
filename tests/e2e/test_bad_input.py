# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a status or a receipt with its stable reason, and harms no one else."""

import functools
import struct
import subprocess
import sys
import threading

import grpc
import pydicom

import service
from service import dicom, header, results, screening

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def hu_slice(**changes):
    """A slice of 64 x 64 pixels of air, with the fields given changed."""
    fields = {
        "sop_instance_uid": "1.2.3",
        "rows": 64,
        "columns": 64,
        "hu": struct.pack("<h", -1000) * (64 * 64),
        "row_spacing_mm": 0.8,
        "column_spacing_mm": 0.8,
        "position_mm": 0.0,
    }
    return screening.AnalyzeStudyRequest(hu_slice=screening.HuSlice(**{**fields, **changes}))


class BadStream(service.ServerTest):
    """Streams against the contract's rules: the study ends with a status."""

    def refused(self, reason, *requests, code=INVALID):
        self.assertRefused(code, reason, lambda: service.analyze(self.stub, requests))

    def test_header_is_missing(self):
        self.refused("HEADER_MISPLACED")
        self.refused("HEADER_MISPLACED", dicom(b"bytes"))
        self.refused("HEADER_MISPLACED", hu_slice())

    def test_header_comes_twice(self):
        self.refused("HEADER_MISPLACED", header(), header())
        self.refused("HEADER_MISPLACED", header(), hu_slice(), header())

    def test_header_field_is_out_of_range(self):
        self.refused("HEADER_INVALID", header(expected_instances=-1))
        self.refused("HEADER_INVALID", header(client_study_id="x" * 129))
        self.refused("HEADER_INVALID", header(lesion_maps=77))
        self.refused("HEADER_INVALID", header(priority=77))

    def test_request_is_empty(self):
        self.refused("EMPTY_REQUEST", header(), screening.AnalyzeStudyRequest())

    def test_instance_is_unfinished(self):
        self.refused("INSTANCE_UNFINISHED", header(), dicom(b"bytes", last=False))
        self.refused("INSTANCE_UNFINISHED", header(), dicom(b"bytes", last=False), hu_slice())

    def test_hu_slice_does_not_fit_its_size(self):
        self.refused("HU_SLICE_INVALID", header(), hu_slice(hu=b"\0" * (64 * 64 * 2 - 1)))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(hu=b""))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(rows=0))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(columns=-64))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(rows=1 << 30, columns=1 << 30))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(row_spacing_mm=0))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(row_spacing_mm=1e-10))
        self.refused("HU_SLICE_INVALID", header(), hu_slice(column_spacing_mm=float("nan")))

    def test_model_is_unknown(self):
        not_found = grpc.StatusCode.NOT_FOUND
        self.refused("MODEL_UNKNOWN", header(model_name="unknown"), code=not_found)
        self.refused("MODEL_UNKNOWN", header(model_version="99.99"), code=not_found)
        with self.server.channel() as channel:
            models = service.model_pb2_grpc.ModelServiceStub(channel)
            request = service.model_pb2.GetModelRequest(name="unknown")
            self.assertRefused(not_found, "MODEL_UNKNOWN", lambda: models.GetModel(request))

    def test_chunk_is_too_large(self):
        self.refused("CHUNK_TOO_LARGE", header(), dicom(bytes((1 << 20) + 1)))
        # This one is refused by gRPC itself, which knows nothing of reasons.
        self.refused("", header(), dicom(bytes(64 << 20)), code=grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_single_slice_cannot_be_used(self):
        for request, reason in (
            (screening.AnalyzeSliceRequest(dicom=b"no DICOM"), "SLICE_UNUSABLE"),
            (screening.AnalyzeSliceRequest(), "EMPTY_REQUEST"),
            (screening.AnalyzeSliceRequest(hu_slice=hu_slice(hu=b"").hu_slice), "SLICE_UNUSABLE"),
        ):
            with self.subTest(reason=reason):
                call = functools.partial(self.stub.AnalyzeSlice, request)
                self.assertRefused(INVALID, reason, call)


class BadInstance(service.ServerTest):
    """Instances that cannot be used: the study goes on, and receipts say why."""

    def answer(self, *requests, **fields):
        return service.analyze(self.stub, [header(**fields), *requests])

    def assertReceipt(self, receipt, reason):
        got = results.SkipReason.Name(receipt.reason)
        self.assertEqual((receipt.status, got), (results.SKIPPED, reason), receipt.detail)
        self.assertTrue(receipt.detail, "a person is told nothing")

    def assertVerdict(self, answer, verdict, *reasons):
        got = [results.StudyReason.Name(reason) for reason in answer.patient.reasons]
        name = results.Verdict.Name(answer.patient.verdict)
        self.assertEqual((name, got), (verdict, list(reasons)), answer.patient.detail)

    def test_nothing_usable_is_rejected_without_a_label(self):
        for requests in ([], [dicom(bytes(range(256)) * 40)], [dicom(b"a text file\n" * 99)]):
            answer = self.answer(*requests)
            self.assertVerdict(answer, "REJECTED", "NO_USABLE_INSTANCE")
            self.assertEqual(answer.patient.label, results.LABEL_UNSPECIFIED)
            self.assertEqual(list(answer.patient.probabilities), [])
            for receipt in answer.receipts:
                self.assertReceipt(receipt, "NOT_DICOM")

    def test_empty_file_is_not_dicom(self):
        self.assertReceipt(self.answer(dicom(b"")).receipts[0], "NOT_DICOM")

    def test_truncated_file_is_malformed(self):
        data = service.synthetic_study()[0].read_bytes()
        answer = self.answer(dicom(data[: len(data) // 2]))
        self.assertReceipt(answer.receipts[0], "MALFORMED")

    def test_bad_file_among_good_ones_does_not_touch_them(self):
        paths = service.synthetic_study()
        good = list(service.file_requests(paths))
        expected = self.answer(*good)
        self.assertVerdict(expected, "OK")
        answer = self.answer(*good, dicom(b"a text file"))
        self.assertReceipt(answer.receipts[len(paths)], "NOT_DICOM")
        service.assert_same_answer(self, answer, expected)

    def test_duplicate_is_skipped_the_second_time(self):
        path = service.synthetic_study()[0]
        answer = self.answer(*service.file_requests([path, path]))
        self.assertEqual(answer.receipts[0].status, results.USED)
        self.assertReceipt(answer.receipts[1], "DUPLICATE")

    def test_second_series_is_skipped(self):
        one = service.synthetic_study()[0]
        other = pydicom.dcmread(one)
        other.SeriesInstanceUID = "1.2.3"
        path = service.scratch("other") / "other.dcm"
        other.save_as(path)
        answer = self.answer(*service.file_requests([one, path]))
        self.assertEqual(answer.receipts[0].status, results.USED)
        self.assertReceipt(answer.receipts[1], "OTHER_SERIES")

    def test_wrong_count_is_degraded(self):
        paths = service.synthetic_study()
        requests = list(service.file_requests(paths))
        fewer = self.answer(*requests, expected_instances=len(paths) + 1)
        self.assertVerdict(fewer, "DEGRADED", "FEWER_INSTANCES_THAN_EXPECTED")
        more = self.answer(*requests, expected_instances=len(paths) - 1)
        self.assertVerdict(more, "DEGRADED", "MORE_INSTANCES_THAN_EXPECTED")
        self.assertEqual(len(more.patient.probabilities), 4)

    def test_odd_real_files(self):
        cases = service.test_data("cases", "odd")
        for name, reason in (("localizer_chest.dcm", "LOCALIZER"), ("rtdose.dcm", "NOT_CT")):
            with self.subTest(name=name):
                answer = self.answer(*service.file_requests([cases / name]))
                self.assertReceipt(answer.receipts[0], reason)

    def test_hostile_files_each_get_a_receipt(self):
        files = service.test_data("cases", "fuzz").rglob("*")
        paths = sorted(path for path in files if path.is_file())
        answer = self.answer(*service.file_requests(paths))
        self.assertEqual(len(answer.receipts), len(paths))


class OpenStudies(service.ServerTest):
    # The only test of its server: a study's place may be free again only a moment
    # after its client has heard of its end.
    config = "limits { open_studies: 1 }"

    def test_one_study_too_many(self):
        done = threading.Event()
        self.addCleanup(done.set)

        def open_study():
            yield header()
            done.wait(timeout=service.HANG_SECONDS)

        call = self.stub.AnalyzeStudy(open_study(), timeout=service.HANG_SECONDS)
        self.assertTrue(next(call).HasField("progress"))
        self.assertRefused(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_STUDIES",
            lambda: service.analyze(self.stub, [header()]),
        )
        done.set()
        self.assertEqual([*call][-1].patient.verdict, results.REJECTED)


class Limits(service.ServerTest):
    config = "limits { instances_per_study: 3 instance_bytes: 1024 }"

    def test_one_instance_too_many(self):
        self.assertRefused(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "STUDY_TOO_LARGE",
            lambda: service.analyze(self.stub, [header(), *[dicom(b"bytes")] * 4]),
        )

    def test_instance_too_large(self):
        answer = service.analyze(self.stub, [header(), dicom(bytes(1025)), dicom(bytes(1024))])
        reasons = [results.SkipReason.Name(receipt.reason) for receipt in answer.receipts]
        self.assertEqual(reasons, ["TOO_LARGE", "NOT_DICOM"])


class DeadClient(service.ServerTest):
    def test_next_study_is_right_after_a_client_was_killed(self):
        paths = service.synthetic_study()
        requests = [header(), *service.file_requests(paths)]
        expected = service.analyze(self.stub, requests)
        with subprocess.Popen(
            [sys.executable, service.ROOT / "tests/e2e/half_study.py", self.server.address, *paths],
            stdout=subprocess.PIPE,
            text=True,
        ) as client:
            try:
                assert client.stdout
                with service.deadline_for(client, "the first slice's result"):
                    self.assertEqual(client.stdout.readline(), "sliced\n")
            finally:
                client.kill()
        service.assert_same_answer(self, service.analyze(self.stub, requests), expected)


class ExitCodes(service.ServerTest):
    """m3lung: 0 answered, 1 refused, 2 used wrongly. m3lungd: refuses a bad start."""

    def m3lung(self, expected, *arguments):
        done = service.run("m3lung", *arguments, check=False)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        return done

    def test_answered(self):
        server = f"--server={self.server.address}"
        self.m3lung(0, "analyze", service.synthetic_study()[0].parent, server)
        self.m3lung(0, "health", server)
        self.assertIn("research use only", self.m3lung(0, "models", server).stdout.lower())

    def test_refused(self):
        junk = service.scratch("junk")
        (junk / "notes.txt").write_text("not a DICOM file\n")
        done = self.m3lung(1, "analyze", junk, f"--server={self.server.address}")
        self.assertIn("NOT_DICOM", done.stdout + done.stderr)
        for command in (["analyze", junk], ["models"], ["health"]):
            with self.subTest(command=command[0]):
                self.m3lung(1, *command, "--server=127.0.0.1:1")

    def test_used_wrongly(self):
        for arguments in ([], ["analyze"], ["unknown"], ["health", "--unknown"]):
            with self.subTest(arguments=arguments):
                self.m3lung(2, *arguments)
        self.m3lung(2, "analyze", service.scratch("folder") / "absent")

    def refused_start(self, *arguments):
        done = service.run("m3lungd", "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                           *arguments, check=False)  # fmt: skip
        self.assertGreater(done.returncode, 0, "started, or died of a signal")
        return done.stdout + done.stderr

    def test_server_names_what_is_wrong_with_its_start(self):
        models = f"--models={service.untrained_models(self.base_width, self.input_size)}"
        self.assertIn("no_such_key", self.refused_start(models, service.config("no_such_key: 1")))
        said = self.refused_start(models, service.config("limits { open_studies: 0 }"))
        self.assertIn("limits.open_studies must be from 1 to 100000; was 0", said)
        self.assertIn("--no_such_flag", self.refused_start(models, "--no_such_flag=1"))
        said = self.refused_start(models, "--device=tpu")
        for word in ("tpu", "cpu", "cuda"):
            self.assertIn(word, said)
        absent = service.scratch("models") / "absent"
        self.assertIn(str(absent), self.refused_start(f"--models={absent}"))


if __name__ == "__main__":
    service.main()
