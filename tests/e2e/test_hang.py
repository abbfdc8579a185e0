# SPDX-License-Identifier: Apache-2.0
"""A server that stands still ends a test within its deadline, and the test says what it waited for."""

import os
import signal
import unittest
from unittest import mock

import grpc

import service

# In place of the minutes that the other tests have.
SECONDS = 3


class HungServer(unittest.TestCase):
    def setUp(self):
        self.server = service.Server(service.untrained_models(4, 64))
        self.addCleanup(self.leave)
        self.stub = self.enterContext(self.server.screening())
        self.enterContext(mock.patch.object(service, "HANG_SECONDS", SECONDS))
        os.kill(self.server.process_id, signal.SIGSTOP)

    def leave(self):
        self.server.kill()
        # Which leaving a server reports as well.
        with self.assertRaisesRegex(AssertionError, "m3lungd ended with -9"):
            self.server.__exit__(None, None, None)

    def assertEnds(self, wait, what):
        """The wait ends with this message; what follows it ends at once."""
        with self.assertRaisesRegex(AssertionError, what):
            wait()
        self.assertEqual(self.server.wait(), -signal.SIGKILL)
        with self.assertRaises(grpc.RpcError) as caught:
            service.analyze(self.stub, [service.header()])
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_a_study(self):
        self.assertEnds(
            lambda: service.analyze(self.stub, [service.header()]),
            "waited 3 s for an answer of .*/AnalyzeStudy",
        )

    def test_a_call(self):
        self.assertEnds(
            lambda: self.stub.AnalyzeSlice(service.screening.AnalyzeSliceRequest()),
            "waited 3 s for an answer of .*/AnalyzeSlice",
        )

    def test_the_metrics(self):
        self.assertEnds(self.server.metrics, "waited 3 s for an answer of /metrics")

    def test_a_program_that_asks_the_server(self):
        study = service.synthetic_study(slices=3)[0].parent
        self.assertEnds(
            lambda: service.run("m3lung", "analyze", study, f"--server={self.server.address}"),
            "waited 3 s for m3lung analyze .* to end",
        )

    def test_something_that_does_not_come_true(self):
        self.assertEnds(
            lambda: service.wait_until(lambda: False, "rain in the desert"),
            "waited 3 s for rain in the desert",
        )

    def test_its_end(self):
        self.server.terminate()
        self.assertEnds(self.server.wait, "m3lungd did not end within 3 s, and was killed")


class SilentProcess(unittest.TestCase):
    def test_is_killed_so_that_reading_ends(self):
        process = service.subprocess.Popen(
            [service.sys.executable, "-c", f"import time; time.sleep({20 * SECONDS})"],
            stdout=service.subprocess.PIPE, text=True,
        )  # fmt: skip
        with (
            process,
            mock.patch.object(service, "HANG_SECONDS", SECONDS),
            self.assertRaisesRegex(AssertionError, "waited 3 s for a word"),
            service.deadline_for(process, "a word"),
        ):
            assert process.stdout
            process.stdout.readline()


if __name__ == "__main__":
    service.main()
