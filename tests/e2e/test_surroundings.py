# SPDX-License-Identifier: Apache-2.0
"""What lies around the server: the wall clock, IPv6, pinging clients, odd entries among models."""

import http.client
import os
import pathlib
import shutil
import socket
import threading
import unittest

import grpc

import service
from service import header, results


class PausedUpload:
    """Requests of a study that stop after the first instance until go_on() is called."""

    def __init__(self):
        self._paths = service.synthetic_study()
        self._go_on = threading.Event()
        self.go_on = self._go_on.set

    def __len__(self):
        return len(self._paths)

    def __iter__(self):
        yield header(crop_mode="PAPER", expected_instances=len(self))
        yield from service.file_requests(self._paths[:1])
        self._go_on.wait(service.HANG_SECONDS)
        yield from service.file_requests(self._paths[1:])


class WallClock(unittest.TestCase):
    def test_a_study_goes_on_when_the_wall_clock_is_set_forward(self):
        library = os.environ.get(
            "M3LUNG_WALL_CLOCK", service.BIN_DIR.parent / "tests/e2e/libwall_clock.so"
        )
        ahead = service.scratch("clock") / "seconds"
        ahead.write_text("0")
        run_by = ["env", f"LD_PRELOAD={library}", f"M3LUNG_TEST_WALL_CLOCK={ahead}"]
        upload = PausedUpload()
        self.addCleanup(upload.go_on)
        models = service.untrained_models(4, 64)
        with service.Server(models, run_by=run_by) as server, server.screening() as stub:
            call = stub.AnalyzeStudy(iter(upload), timeout=service.HANG_SECONDS)
            seen = [next(call)]
            while not seen[-1].HasField("slice"):
                seen.append(next(call))
            # Past the study's deadline, and the server's limit of a client's silence.
            ahead.write_text(str(10 * service.HANG_SECONDS))
            upload.go_on()
            answer = service.collect([*seen, *call])
            self.assertEqual(len(answer.slices), len(upload))
            self.assertEqual(results.Verdict.Name(answer.patient.verdict), "OK")
            self.assertLess(answer.patient.timings.total_ms, 1000 * service.HANG_SECONDS)
            _, samples = server.metrics()
            seconds = samples["m3lung_study_duration_seconds_sum"]
            self.assertLess(seconds, service.HANG_SECONDS)


class Pings(unittest.TestCase):
    def test_a_client_that_pings_in_an_uploads_pause_goes_on(self):
        options = [
            ("grpc.keepalive_time_ms", 1000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
        upload, lost = PausedUpload(), threading.Event()
        self.addCleanup(upload.go_on)

        def watch(state):
            if state != grpc.ChannelConnectivity.READY and ready.is_set():
                lost.set()
            elif state == grpc.ChannelConnectivity.READY:
                ready.set()

        ready = threading.Event()
        models = service.untrained_models(4, 64)
        with (
            service.Server(models) as server,
            grpc.insecure_channel(server.address, options=options) as channel,
        ):
            channel.subscribe(watch, try_to_connect=True)
            stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
            call = stub.AnalyzeStudy(iter(upload), timeout=service.HANG_SECONDS)
            seen = [next(call)]
            while not seen[-1].HasField("slice"):
                seen.append(next(call))
            # gRPC's own limits end the connection at the third ping.
            self.assertFalse(lost.wait(timeout=6), "the connection was lost while it pinged")
            upload.go_on()
            self.assertEqual(len(service.collect([*seen, *call]).slices), len(upload))


class Metrics(unittest.TestCase):
    """What Prometheus and those who look by hand are answered."""

    server: service.Server

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(service.Server(service.untrained_models(4, 64)))

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(
            self.server.metrics_address, timeout=service.HANG_SECONDS
        )
        self.addCleanup(connection.close)
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer, answer.read().decode()

    def test_text_format(self):
        answer, text = self.ask("GET", "/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(
            answer.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8"
        )
        self.assertIn("m3lung_ready 1", text.splitlines())

    def test_head_has_no_body(self):
        answer, text = self.ask("HEAD", "/metrics")
        self.assertEqual((answer.status, text), (200, ""))
        self.assertGreater(int(answer.getheader("Content-Length")), 0)

    def test_other_paths_and_methods(self):
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/metrics/", 200),
            ("GET", "/metrics/more", 404),
            ("GET", "/../etc/passwd", 404),
            ("POST", "/metrics", 405),
            ("DELETE", "/metrics", 405),
        ):
            with self.subTest(method=method, path=path):
                answer, _ = self.ask(method, path, "body" if method == "POST" else None)
                self.assertEqual(answer.status, status)

    def test_a_request_without_end_is_refused(self):
        host, port = self.server.metrics_address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), service.HANG_SECONDS) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\nX: ")
            try:
                for _ in range(64):
                    connection.sendall(b"x" * 4096)
                connection.shutdown(socket.SHUT_WR)
                head = connection.recv(64).split(b"\r\n")[0]
            except (BrokenPipeError, ConnectionResetError):
                head = b""
        self.assertNotIn(b" 200 ", head)
        self.assertEqual(self.ask("GET", "/metrics")[0].status, 200)

    def test_silent_connections_keep_nobody_out(self):
        host, port = self.server.metrics_address.rsplit(":", 1)
        for _ in range(16):
            silent = socket.create_connection((host, int(port)), service.HANG_SECONDS)
            self.addCleanup(silent.close)
            silent.sendall(b"GET /metr")
        self.assertEqual(self.ask("GET", "/metrics")[0].status, 200)

    def test_a_port_in_use_is_named(self):
        done = service.run(
            "m3lungd", "--listen=127.0.0.1:0", f"--metrics_listen={self.server.metrics_address}",
            f"--models={service.untrained_models(4, 64)}", check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            f"cannot bind {self.server.metrics_address}: Address already in use", done.stderr
        )


class IPv6(unittest.TestCase):
    def setUp(self):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6):
                pass
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        self.models = service.untrained_models(4, 64)

    def test_api_and_metrics_listen_there(self):
        with service.Server(self.models, host="[::1]") as server, server.screening() as stub:
            self.assertRegex(server.address, r"^\[::1\]:\d+$")
            requests = [header(), *service.file_requests(service.synthetic_study())]
            service.analyze(stub, requests)
            _, samples = server.metrics()
            self.assertEqual(samples["m3lung_ready"], 1)

    def test_all_addresses_are_those_of_both_families(self):
        with service.Server(self.models, host="[::]") as server:
            for host in ("127.0.0.1", "[::1]"):
                port, metrics_port = (
                    address.rsplit(":", 1)[1]
                    for address in (server.address, server.metrics_address)
                )
                with grpc.insecure_channel(f"{host}:{port}") as channel:
                    grpc.channel_ready_future(channel).result(timeout=service.HANG_SECONDS)
                connection = http.client.HTTPConnection(f"{host}:{metrics_port}")
                connection.request("GET", "/metrics")
                self.assertEqual(connection.getresponse().status, 200)
                connection.close()


class OddEntries(unittest.TestCase):
    def test_are_named_and_passed_over(self):
        models = service.scratch("models")
        shutil.copytree(service.untrained_models(4, 64), models, dirs_exist_ok=True)
        (name,) = models.iterdir()
        shutil.copytree(name / "1", name / "1.bak")
        shutil.copytree(name / "1", name / ".2.partial")
        (name / "latest").symlink_to("1")
        (name / "next").symlink_to("2")
        (name / "notes.txt").write_text("text")
        with service.Server(models) as server, server.channel() as channel:
            stub = service.model_pb2_grpc.ModelServiceStub(channel)
            (model,) = stub.ListModels(service.model_pb2.ListModelsRequest()).models
            self.assertEqual(model.reference.version, "1")
            for odd in ("1.bak", ".2.partial", "latest", "next", "notes.txt"):
                self.assertIn(f"{pathlib.Path(name, odd)} (", server.log())

    def test_alone_they_end_the_start_and_are_named(self):
        models = service.scratch("models")
        shutil.copytree(service.untrained_models(4, 64), models, dirs_exist_ok=True)
        (name,) = models.iterdir()
        (name / "1").rename(name / "1.bak")
        done = service.run("m3lungd", "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                           f"--models={models}", check=False)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{name / '1.bak'} (the bundle in it is m3lung-untrained/1)", done.stderr)


if __name__ == "__main__":
    service.main()
