# SPDX-License-Identifier: Apache-2.0
"""Clients that misbehave, connections that break, networks that fail, too little memory:
the stated answer each time, nothing left behind, and the next study is right."""

import os
import pathlib
import random
import socket
import threading
import unittest

import grpc
import pydicom
import torch

import service
from scripted_bundle import bundle_of
from service import header, results

RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Trouble(service.ServerTest):
    """What every kind of trouble must leave: nothing."""

    def setUp(self):
        self.paths = service.synthetic_study()
        self.study = [header(crop_mode="PAPER"), *service.file_requests(self.paths)]

    def assertNothingIsLeft(self):
        """Sessions and the bytes they held are gone, once the server has seen the end."""
        names = ("m3lung_open_studies", "m3lung_study_bytes")

        def nothing_is_left():
            _, samples = self.server.metrics()
            return all(samples[name] == 0 for name in names)

        service.wait_until(nothing_is_left, "no study to be open and none to hold bytes")

    def assertNextStudyIsRight(self):
        answer = service.analyze(self.stub, self.study)
        self.assertEqual(answer.patient.verdict, results.OK)
        self.assertEqual(len(answer.slices), len(self.paths))
        self.assertNothingIsLeft()


class IdleClients(Trouble):
    config = "limits { idle_seconds: 0.5 unanswered_slices: 4 }"

    def end_of(self, call):
        """The error with which the study ended."""
        with self.assertRaises(grpc.RpcError) as caught:
            self.fail(f"the study ended with {[*call][-1]}")
        return caught.exception

    def test_client_that_never_half_closes(self):
        done = threading.Event()
        self.addCleanup(done.set)

        def requests():
            yield from self.study
            done.wait(service.HANG_SECONDS)

        error = self.end_of(self.stub.AnalyzeStudy(requests(), timeout=service.HANG_SECONDS))
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(service.reason_of(error), "CLIENT_IDLE")
        self.assertNextStudyIsRight()

    def test_client_that_reads_nothing(self):
        # Maps larger than a connection takes in without their being read.
        head = header(crop_mode="PAPER", lesion_maps="FULL_SIZE")
        call = self.stub.AnalyzeStudy(iter([head, *self.study[1:]]), timeout=service.HANG_SECONDS)
        # Nothing is read until the server has given the study up.
        service.wait_until(
            lambda: self.given_up() > self.given_up_before, "the study to be given up"
        )
        # It does not read that either: the stream is cut off.
        self.assertNothingIsLeft()
        self.assertEqual(self.end_of(call).code(), grpc.StatusCode.CANCELLED)
        self.assertNextStudyIsRight()

    def setUp(self):
        super().setUp()
        self.given_up_before = self.given_up()

    def given_up(self):
        _, samples = self.server.metrics()
        return samples.get('m3lung_studies_total{outcome="DEADLINE_EXCEEDED"}', 0)


class GoneClients(Trouble):
    def test_cancelled_wherever_it_stands(self):
        """After each kind of response a study has, in turn, from the first to the last."""
        whole = [*self.stub.AnalyzeStudy(iter(self.study), timeout=service.HANG_SECONDS)]
        places = [0, 1, 2, len(whole) // 2, len(whole) - 1]
        for mode in ("PAPER", "VOLUME"):
            for place in places:
                with self.subTest(mode=mode, after=place):
                    call = self.stub.AnalyzeStudy(
                        iter([header(crop_mode=mode), *self.study[1:]]),
                        timeout=service.HANG_SECONDS,
                    )
                    for _ in range(place):
                        next(call)
                    call.cancel()
                    self.assertNothingIsLeft()
        self.assertNextStudyIsRight()

    def test_deadlines_of_all_lengths(self):
        for milliseconds in (1, 5, 20, 50, 100, 200):
            with self.subTest(milliseconds=milliseconds):
                try:
                    answer = service.collect(
                        self.stub.AnalyzeStudy(iter(self.study), timeout=milliseconds / 1000)
                    )
                    self.assertEqual(answer.patient.verdict, results.OK)  # a fast machine
                except grpc.RpcError as error:
                    self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
                self.assertNothingIsLeft()
        self.assertNextStudyIsRight()


class BreakingProxy:
    """Passes bytes to and fro, and resets each connection after some of them."""

    def __init__(self, address, seed):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            left = [self._random.randrange(1, 60_000_000)]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(one, other, left), daemon=True).start()

    @staticmethod
    def _pass_on(source, target, left):
        try:
            while data := source.recv(65536):
                left[0] -= len(data)
                if left[0] < 0:
                    for end in (source, target):  # an abrupt end, as of a machine that dies
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            end.close()


class BreakingConnections(Trouble):
    def test_each_study_is_right_or_unavailable(self):
        expected = service.analyze(self.stub, self.study)
        proxy = BreakingProxy(self.server.address, seed=1)
        self.addCleanup(proxy.close)
        outcomes = {"right": 0, "lost": 0}
        for _ in range(30):
            with service.channel_to(proxy.address) as channel:
                stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
                try:
                    service.assert_same_answer(self, service.analyze(stub, self.study), expected)
                    outcomes["right"] += 1
                except grpc.RpcError as error:
                    self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE, error.details())
                    outcomes["lost"] += 1
        self.assertGreater(min(outcomes.values()), 0, outcomes)  # the proxy did break some
        self.assertNothingIsLeft()
        self.assertNextStudyIsRight()


class TooLittleMemory(Trouble):
    # Two slices of 512 x 512 are 1 MiB; the study has 40. To put it together takes 9 MiB.
    config = "limits { total_bytes: 16777216 }"

    def assertFull(self, requests):
        with self.assertRaises(grpc.RpcError) as caught:
            service.analyze(self.stub, requests)
        error = caught.exception
        self.assertEqual(
            (error.code(), service.reason_of(error)), (RESOURCE_EXHAUSTED, "SERVER_FULL")
        )
        hint = dict(error.trailing_metadata()).get("grpc-retry-pushback-ms", 0)
        self.assertGreater(int(hint), 0)

    def test_study_that_says_how_large_it_is_is_refused_at_its_header(self):
        sent = []

        def requests():
            yield header(crop_mode="VOLUME", expected_instances=len(self.paths))
            for request in self.study[1:]:
                sent.append(request)
                yield request

        self.assertFull(requests())
        self.assertNothingIsLeft()
        self.assertNextStudyIsRight()

    def test_study_that_does_not_is_refused_when_the_memory_is_spent(self):
        self.assertFull([header(crop_mode="VOLUME"), *self.study[1:]])
        self.assertNothingIsLeft()
        # One whose slices are answered as they come has room.
        self.assertNextStudyIsRight()


class ControlGroup(Trouble):
    """A server with a limit of memory, as a container has one."""

    LIMIT = 0

    @classmethod
    def setUpClass(cls):
        models = service.untrained_models(cls.base_width, cls.input_size)
        group = cls.make_group()
        join = ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh"]
        cls.server = cls.enterClassContext(service.Server(models, run_by=join))
        cls.stub = cls.enterClassContext(cls.server.screening())

    @classmethod
    def make_group(cls):
        for mount, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                             ("/sys/fs/cgroup", "memory.max")):  # fmt: skip
            group = pathlib.Path(mount) / f"m3lung-test-{os.getpid()}-{cls.__name__}"
            try:
                group.mkdir()
                cls.addClassCleanup(group.rmdir)
                # Elsewhere the folder is made, but it is no group.
                with (group / limit).open("r+") as file:
                    file.write(str(cls.LIMIT))
                return group
            except OSError:
                continue
        raise unittest.SkipTest("no control group with a memory limit can be made here")


class MemoryLimitOfAControlGroup(ControlGroup):
    """The server asks for its limits there, and does not die of it."""

    LIMIT = 640 << 20

    def test_what_does_not_fit_is_refused_and_the_rest_is_right(self):
        _, samples = self.server.metrics()
        self.assertLessEqual(samples["m3lung_study_bytes_budget"], self.LIMIT // 2)
        # More pixels at once than the budget has; none is let go of before all have come.
        together = self.LIMIT // (len(self.paths) << 19) + 2
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def send(outcomes):
            def requests():
                yield header(crop_mode="VOLUME")
                yield from self.study[1:]
                go_on.wait(service.HANG_SECONDS)

            try:
                answer = service.analyze(self.stub, requests())
                outcomes.append(results.Verdict.Name(answer.patient.verdict))
            except grpc.RpcError as error:
                outcomes.append(service.reason_of(error))

        outcomes: list[str] = []
        threads = [threading.Thread(target=send, args=(outcomes,)) for _ in range(together)]
        for thread in threads:
            thread.start()
        service.wait_until(
            lambda: "SERVER_FULL" in outcomes or len(outcomes) == together,
            "a study to be refused since the server is full",
        )
        go_on.set()
        for thread in threads:
            thread.join(service.HANG_SECONDS)
        self.assertEqual(len(outcomes), together)
        self.assertLessEqual(set(outcomes), {"OK", "SERVER_FULL"}, outcomes)
        self.assertNothingIsLeft()
        self.assertNextStudyIsRight()


class WorstStudies(ControlGroup):
    """The largest that the limits of one study allow, where memory is scarce."""

    LIMIT = 512 << 20
    SIDE = 4096

    def outcome(self, mode, requests, maps="NO_MAP"):
        """How a study ends that may be refused, but for no other reason than its size."""
        head = header(crop_mode=mode, lesion_maps=maps)
        try:
            answer = service.collect(
                self.stub.AnalyzeStudy(iter([head, *requests]), timeout=service.HANG_SECONDS)
            )
        except grpc.RpcError as error:
            self.assertEqual(error.code(), RESOURCE_EXHAUSTED, error.details())
            self.assertIn(service.reason_of(error), {"SERVER_FULL", "STUDY_TOO_LARGE"})
            return service.reason_of(error)
        return results.Verdict.Name(answer.patient.verdict)

    def image(self, number, spacing_mm=0.7, side=SIDE):
        """A HuSlice of the largest size, different from those of other numbers."""
        return service.screening.HuSlice(
            rows=side, columns=side, position_mm=number,
            row_spacing_mm=spacing_mm, column_spacing_mm=spacing_mm,
            hu=number.to_bytes(2, "little") + bytes(2 * side * side - 2),
        )  # fmt: skip

    def images(self, count, **kind):
        for number in range(count):
            yield service.screening.AnalyzeStudyRequest(hu_slice=self.image(number, **kind))

    def file(self, frames, side=SIDE):
        """An enhanced CT of zeros, deflated: a thousandth of what it holds."""
        data_set = pydicom.Dataset()
        data_set.SOPClassUID = pydicom.uid.EnhancedCTImageStorage
        data_set.SOPInstanceUID = data_set.SeriesInstanceUID = pydicom.uid.generate_uid()
        data_set.Modality = "CT"
        data_set.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        data_set.NumberOfFrames = frames
        data_set.Rows = data_set.Columns = side
        data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
        data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = 16, 16, 15
        data_set.PixelRepresentation = 1
        data_set.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data_set.PixelSpacing = [0.7, 0.7]
        data_set.RescaleIntercept, data_set.RescaleSlope = 0, 1
        data_set.PerFrameFunctionalGroupsSequence = [
            _item(PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, number])])
            for number in range(frames)
        ]
        data_set.PixelData = bytes(2 * side * side * frames)
        data_set.file_meta = pydicom.dataset.FileMetaDataset()
        data_set.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID
        data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
        path = service.scratch("large") / "large.dcm"
        data_set.save_as(path, enforce_file_format=True)
        return path

    def test_each_alone(self):
        compressed = [*service.file_requests([self.file(frames=15)])]
        studies = {
            "large slices": lambda: self.images(8),
            "large slices on a grid as fine as they": lambda: self.images(8, spacing_mm=5),
            "many frames, compressed": lambda: compressed,
        }
        for name, study in studies.items():
            for mode in ("PAPER", "VOLUME"):
                with self.subTest(study=name, mode=mode):
                    self.outcome(mode, study(), maps="FULL_SIZE")
                    self.assertNothingIsLeft()
                    self.assertNextStudyIsRight()

    def test_several_at_once(self):
        outcomes = []

        def study(mode, side):
            outcomes.append(self.outcome(mode, self.images(6, side=side), maps="FULL_SIZE"))

        def slice_alone(number):
            request = service.screening.AnalyzeSliceRequest(
                hu_slice=self.image(number), lesion_maps="FULL_SIZE"
            )
            try:
                self.stub.AnalyzeSlice(request, timeout=service.HANG_SECONDS)
                outcomes.append("OK")
            except grpc.RpcError as error:
                self.assertEqual(error.code(), RESOURCE_EXHAUSTED, error.details())
                outcomes.append(service.reason_of(error))

        threads = [
            *(threading.Thread(target=study, args=(mode, side))
              for mode in ("PAPER", "VOLUME") for side in (2048, self.SIDE)),
            *(threading.Thread(target=slice_alone, args=(number,)) for number in range(4)),
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(outcomes), len(threads))
        self.assertNothingIsLeft()
        self.assertNextStudyIsRight()


def _item(**attributes):
    item = pydicom.Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return item


class SeveralDevices(Trouble):
    """Two runners behind one queue; both are the CPU here, and on another machine GPUs."""

    @classmethod
    def setUpClass(cls):
        models = service.untrained_models(cls.base_width, cls.input_size)
        cls.server = cls.enterClassContext(service.Server(models, device="cpu,cpu"))
        cls.stub = cls.enterClassContext(cls.server.screening())

    def test_give_the_answers_of_one(self):
        models = service.untrained_models(self.base_width, self.input_size)
        with service.Server(models) as one, one.screening() as stub:
            expected = service.analyze(stub, self.study)
        service.assert_same_answer(self, service.analyze(self.stub, self.study), expected)
        self.assertNothingIsLeft()


class FailingNet(torch.nn.Module):
    """Answers as a slice network does, but for slices that are all 0 HU."""

    def __init__(self, failure: str):
        super().__init__()
        self.failure = failure

    def forward(self, hu: torch.Tensor):
        count = hu.size(0)
        water = bool((hu.flatten(1).abs().amax(1) == 0).any())
        if water and self.failure == "throws":
            raise RuntimeError("broken on purpose")
        poison = float("nan") if water else 0.0
        classes = torch.full((count, 4), 0.25) + poison
        return (
            classes,
            torch.full((count, 2), 0.5),
            torch.zeros(count, 4, 4),
            torch.ones(count, 8),
        )


class FailingNetworks(Trouble):
    @classmethod
    def setUpClass(cls):
        models = service.scratch("models")
        for failure in ("throws", "nan"):
            bundle_of(FailingNet(failure), models, failure)
        cls.server = cls.enterClassContext(service.Server(models))
        cls.stub = cls.enterClassContext(cls.server.screening())

    def test_next_study_is_right(self):
        water = service.screening.HuSlice(
            rows=64, columns=64, hu=b"\0\0" * 64 * 64, row_spacing_mm=1, column_spacing_mm=1
        )
        for model in ("throws", "nan"):
            with self.subTest(model=model):
                self.study[0] = header(crop_mode="PAPER", model_name=model)
                self.assertNextStudyIsRight()
                with self.assertRaises(grpc.RpcError) as caught:
                    service.analyze(
                        self.stub,
                        [self.study[0], service.screening.AnalyzeStudyRequest(hu_slice=water)],
                    )
                error = caught.exception
                self.assertEqual(
                    (error.code(), service.reason_of(error)),
                    (grpc.StatusCode.INTERNAL, "MODEL_FAILED"),
                )
                self.assertNothingIsLeft()
                self.assertNextStudyIsRight()


if __name__ == "__main__":
    service.main()
