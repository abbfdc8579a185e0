# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, SIGINT and SIGHUP while models are being loaded, and a second signal."""

import contextlib
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest
from typing import Any

import grpc
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc

import scripted_bundle
import service
from service import header

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
# A server that heard the signal is gone long before; one that did not loads for ever.
PATIENCE_SECONDS = 60


class EndlessNet(torch.nn.Module):
    """A slice network one run of which never ends: a step of loading that cannot be broken off."""

    def forward(self, hu: torch.Tensor):
        still = hu.float().mean() * 0
        while bool(still == 0):
            still = still * 0.5
        count = hu.size(0)
        return (
            torch.full((count, 4), 0.25) + still,
            torch.full((count, 2), 0.5),
            torch.zeros(count, 4, 4),
            torch.ones(count, 8),
        )


class Loading:
    """A server that does not become ready. Use as a context manager."""

    def __init__(self, models):
        self._log_path = service.scratch("loading") / "m3lungd.log"
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [service.BIN_DIR / "m3lungd", "--listen=127.0.0.1:0",
                 "--metrics_listen=127.0.0.1:0", f"--models={models}"],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def log(self):
        return self._log_path.read_text(errors="replace")


def wait_for(pattern, log):
    """The pattern's first match in what `log` returns."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (match := re.search(pattern, log())):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {pattern!r} after {PATIENCE_SECONDS} s in:\n{log()}")
        time.sleep(0.02)
    return match


def readiness(channel):
    request = health_pb2.HealthCheckRequest(service="readiness")
    return health_pb2_grpc.HealthStub(channel).Watch(request)


class StopWhileLoading(unittest.TestCase):
    endless: pathlib.Path  # models that never load

    @classmethod
    def setUpClass(cls):
        cls.endless = service.scratch("endless")
        scripted_bundle.bundle_of(EndlessNet(), cls.endless, "endless")

    def test_at_the_start_it_ends_at_once_and_never_says_ready(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), Loading(self.endless) as server:
                address = wait_for(r"listening on ([^, ]+),", server.log)[1]
                wait_for("loading .*endless", server.log)
                with grpc.insecure_channel(address) as channel:
                    watch = readiness(channel)
                    self.assertEqual(next(watch).status, NOT_SERVING)
                    stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
                    with self.assertRaises(grpc.RpcError) as refused:
                        service.analyze(stub, [header()])
                    self.assertEqual(service.reason_of(refused.exception), "NOT_READY")
                    server.process.send_signal(number)
                    out, _ = server.process.communicate(timeout=PATIENCE_SECONDS)
                    self.assertEqual(server.process.returncode, 0, server.log())
                    self.assertNotIn("ready", out)
                    with contextlib.suppress(grpc.RpcError):  # the connection's end
                        for answer in watch:
                            self.assertEqual(answer.status, NOT_SERVING)

    def test_during_a_reload_readiness_falls_and_the_open_study_is_answered(self):
        models = service.scratch("models")
        shutil.copytree(service.untrained_models(4, 64), models, dirs_exist_ok=True)
        study = service.synthetic_study()
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def requests():
            yield header(crop_mode="PAPER")
            yield from service.file_requests(study[:1])
            go_on.wait(service.HANG_SECONDS)
            yield from service.file_requests(study[1:])

        with service.Server(models) as server, server.channel() as channel:
            watch = readiness(channel)
            self.assertEqual(next(watch).status, SERVING)
            stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
            call = stub.AnalyzeStudy(requests(), timeout=service.HANG_SECONDS)
            seen = [next(call)]
            shutil.copytree(self.endless, models, dirs_exist_ok=True)
            server.reload()
            wait_for("loading .*endless", server.log)
            server.terminate()
            self.assertEqual(next(watch).status, NOT_SERVING)
            watch.cancel()
            with self.assertRaises(grpc.RpcError) as refused:
                service.analyze(stub, [header()])
            self.assertEqual(service.reason_of(refused.exception), "NOT_READY")
            go_on.set()
            self.assertEqual(len(service.collect([*seen, *call]).slices), len(study))
            self.assertEqual(server.wait(PATIENCE_SECONDS), 0)

    def test_a_reload_that_was_asked_for_while_loading_follows_it(self):
        models = service.untrained_models(4, 64)
        with service.Server(models) as server:
            for _ in range(3):
                server.reload()
            wait_for("models reloaded", server.log)


class SecondSignal(unittest.TestCase):
    def test_ends_the_open_study_and_the_server_with_0(self):
        go_on = threading.Event()
        answers: queue.Queue[Any] = queue.Queue()
        self.addCleanup(go_on.set)

        def requests():
            yield header(crop_mode="PAPER")
            yield from service.file_requests(service.synthetic_study()[:1])
            go_on.wait(service.HANG_SECONDS)

        def read(call):
            try:
                for _ in call:
                    answers.put(None)
            except grpc.RpcError as error:
                answers.put(error)

        grace = service.config("shutdown_grace_seconds: 3600")
        models = service.untrained_models(4, 64)
        with service.Server(models, grace) as server, server.channel() as channel:
            stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
            call = stub.AnalyzeStudy(requests(), timeout=service.HANG_SECONDS)
            reader = threading.Thread(target=read, args=(call,), daemon=True)
            reader.start()
            self.assertIsNone(answers.get(timeout=PATIENCE_SECONDS))
            watch = readiness(channel)
            self.assertEqual(next(watch).status, SERVING)
            server.terminate()
            self.assertEqual(next(watch).status, NOT_SERVING)
            watch.cancel()
            server.terminate()
            while (error := answers.get(timeout=PATIENCE_SECONDS)) is None:
                pass
            self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(service.reason_of(error), "NOT_READY")
            self.assertEqual(server.wait(PATIENCE_SECONDS), 0)
            go_on.set()


if __name__ == "__main__":
    service.main()
