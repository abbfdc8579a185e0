# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the programs, a running server, its client.

Environment: M3LUNG_BIN_DIR, the folder of m3lungd, m3lung and m3lung-train;
M3LUNG_TEST_DATA, real CT (the tests that need it skip themselves without it).
"""

import collections
import contextlib
import functools
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from typing import Any

import grpc
from google.protobuf import json_format

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ.get("M3LUNG_BIN_DIR", ROOT / "build" / "bin"))
# Ends a test that hangs; nothing is expected to take nearly as long. Every wait below has it.
HANG_SECONDS = 600
# M3LUNG_LIBRARY_PATH: libraries that the server alone is to find before the system's.
_SERVER_ENVIRONMENT = os.environ | (
    {"LD_LIBRARY_PATH": os.environ["M3LUNG_LIBRARY_PATH"]}
    if os.environ.get("M3LUNG_LIBRARY_PATH")
    else {}
)
SKIPPED = 77  # the exit code that ctest counts as skipped

# Python's gRPC and urllib would ask a proxy of the environment for the servers of the tests.
os.environ["no_proxy"] = ",".join(filter(None, [os.environ.get("no_proxy"), "127.0.0.1", "::1"]))

_scratch = tempfile.TemporaryDirectory(prefix="m3lung-e2e-")


def scratch(name):
    """A new folder, gone when the program ends."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_scratch.name))


def make_stubs(folder):
    """Generates the contract's Python stubs under `folder`."""
    protos = sorted(str(path) for path in (ROOT / "proto" / "m3lung" / "v1").glob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}",
         f"--python_out={folder}", f"--grpc_python_out={folder}", *protos],
        check=True, timeout=HANG_SECONDS,
    )  # fmt: skip


_stubs = scratch("stubs")
make_stubs(_stubs)
sys.path.insert(0, str(_stubs))
from m3lung.v1 import model_pb2, model_pb2_grpc, screening_pb2_grpc  # noqa: E402,F401
from m3lung.v1 import results_pb2 as results  # noqa: E402
from m3lung.v1 import screening_pb2 as screening  # noqa: E402

_running: list["Server"] = []


def give_up(what):
    """Ends a test that has waited for too long. The servers are killed, so that whatever else
    waits for them, here or in the tests that follow, ends at once too."""
    said = []
    for server in list(_running):
        server.kill()
        said.append(f"the log of m3lungd, which was killed:\n{server.log()[-4000:]}")
    raise AssertionError("\n".join([f"waited {HANG_SECONDS} s for {what}", *said]))


def wait_until(holds, what):
    """Asks until `holds()` is true, and gives it back; `what` names it in the failure."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (value := holds()):
        if time.monotonic() > deadline:
            give_up(what)
        time.sleep(0.005)
    return value


@contextlib.contextmanager
def deadline_for(process, what):
    """A block that reads what a process writes: where it takes too long the process is killed,
    which ends its output, and the test fails."""
    is_late = threading.Event()

    def end():
        is_late.set()
        process.kill()

    timer = threading.Timer(HANG_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_late.is_set():
            give_up(what)


def run(program, *arguments, check=True, timeout=None):
    """Runs one of the project's programs; the result holds its two outputs as text."""
    try:
        done = subprocess.run(
            [BIN_DIR / program, *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout or HANG_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        give_up(f"{program} {' '.join(map(str, arguments))} to end")
    if check and done.returncode != 0:
        raise AssertionError(
            f"{program} {arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done


@functools.cache
def untrained_models(base_width=16, input_size=512, seed=1):
    """A models folder with one untrained bundle."""
    folder = scratch("models")
    run("m3lung-train", "init", f"--out={folder}", f"--base-width={base_width}",
        f"--input-size={input_size}", f"--seed={seed}")  # fmt: skip
    return folder


@functools.cache
def synthetic_study(label="COVID_19", slices=40, seed=1):
    """The DICOM files of a synthetic study, sorted by name."""
    folder = scratch("study")
    run("m3lung-train", "study", f"--out={folder}", f"--label={label}", f"--slices={slices}",
        f"--seed={seed}")  # fmt: skip
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == slices, f"m3lung-train study wrote {files}"
    return files


def study_uid(path):
    """The Study Instance UID of a file in Explicit VR Little Endian."""
    data = path.read_bytes()
    start = data.index(b"\x20\x00\x0d\x00UI") + 6
    length = int.from_bytes(data[start : start + 2], "little")
    return data[start + 2 : start + 2 + length].decode().strip("\0 ")


def test_data(*parts):
    """A path within the real CT data, or the end of the test as skipped."""
    root = os.environ.get("M3LUNG_TEST_DATA", "")
    path = pathlib.Path(root).joinpath(*parts)
    if not root or not path.exists():
        raise unittest.SkipTest(f"skipped: no data (docs/howto/test-data.md): {'/'.join(parts)}")
    return path


_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)"
    r"(?P<labels>\{(?:[a-zA-Z_]\w*=\"(?:[^\"\\]|\\.)*\",?)*\})? (?P<value>\S+)(?: \d+)?"
)


def parse_metrics(text):
    """Prometheus' text format: ({name: type}, {name with labels: value})."""
    types, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif line and not line.startswith("#"):
            match = _SAMPLE.fullmatch(line)
            if not match:
                raise AssertionError(f"not a sample: {line!r}")
            samples[match["name"] + (match["labels"] or "")] = float(match["value"])
    return types, samples


def config(text):
    """The flag that makes m3lungd read `text` as its configuration."""
    path = scratch("config") / "m3lungd.textproto"
    path.write_text(text)
    return f"--config={path}"


class _CallDetails(
    collections.namedtuple(
        "_CallDetails",
        ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression"),
    ),
    grpc.ClientCallDetails,
):
    """What gRPC's interceptors pass on."""


class _WatchedCall:
    """A call whose deadline is there to end a test that hangs, and says so."""

    def __init__(self, call, method, began):
        self._call = call
        self._method = method
        self._began = began

    def __iter__(self):
        return self

    def __next__(self):
        return self._watched(lambda: next(self._call))

    def result(self, timeout=None):
        return self._watched(lambda: self._call.result(timeout))

    def __getattr__(self, name):
        return getattr(self._call, name)

    def _watched(self, step):
        try:
            return step()
        except grpc.RpcError as error:
            # What the server itself says of deadlines comes long before.
            is_late = time.monotonic() - self._began > 0.9 * HANG_SECONDS
            if is_late and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                give_up(f"an answer of {self._method}")
            raise


class _Deadlines(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Gives every call a deadline that has none of its own."""

    def _intercept(self, continuation, details, request):
        if details.timeout is not None and details.timeout < HANG_SECONDS:
            return continuation(details, request)
        with_deadline = _CallDetails(
            details.method, HANG_SECONDS, details.metadata, details.credentials,
            details.wait_for_ready, details.compression,
        )  # fmt: skip
        began = time.monotonic()
        return _WatchedCall(continuation(with_deadline, request), details.method, began)

    intercept_unary_unary = _intercept
    intercept_unary_stream = _intercept
    intercept_stream_unary = _intercept
    intercept_stream_stream = _intercept


@contextlib.contextmanager
def channel_to(address):
    """A channel on which no call lasts for ever, and no answer is too large."""
    with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
        yield grpc.intercept_channel(channel, _Deadlines())


class Server:
    """A running m3lungd on free ports of the loopback. Use as a context manager.

    Leaving the context sends SIGTERM and fails unless the server then ends with 0.
    """

    def __init__(self, models, *arguments, device="cpu", host="127.0.0.1", run_by=()):
        """run_by: a command that runs the server's command, given to it as arguments."""
        self._log_path = scratch("server") / "m3lungd.log"
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*run_by, BIN_DIR / "m3lungd", f"--listen={host}:0",
                 f"--metrics_listen={host}:0", f"--models={models}", f"--device={device}",
                 *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env=_SERVER_ENVIRONMENT,
            )  # fmt: skip
        _running.append(self)
        assert self._process.stdout
        self._output = self._process.stdout
        self._lines: list[str] = []
        ready: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        try:
            found = ready.get(timeout=HANG_SECONDS)
        except queue.Empty:
            found = None
        if found is None:
            self._end()
            raise AssertionError(
                f"m3lungd did not become ready within {HANG_SECONDS} s, or has ended:\n{self.log()}"
            )
        self.address, self.metrics_address = found

    def _read(self, ready):
        pattern = re.compile(r"m3lungd ready: listening on (\S+), metrics on (\S+)")
        for line in self._output:
            self._lines.append(line)
            if match := pattern.search(line):
                ready.put((match[1], match[2]))
        ready.put(None)  # The output has ended: too late to become ready.

    def log(self):
        """All that the server has written so far, on both its outputs."""
        return "".join(self._lines) + self._log_path.read_text(errors="replace")

    def metrics(self):
        """What /metrics says, as parse_metrics() gives it."""
        url = f"http://{self.metrics_address}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:
                return parse_metrics(answer.read().decode())
        except TimeoutError:
            give_up("an answer of /metrics")

    def resident_bytes(self):
        """Memory of the server's process that lies in RAM."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found, f"the server's status names no VmRSS:\n{status}"
        return int(found[1]) * 1024

    @property
    def process_id(self):
        return self._process.pid

    def terminate(self):
        self._process.send_signal(signal.SIGTERM)

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def kill(self):
        self._process.kill()

    def wait(self, timeout=None):
        """The exit code, once the server has ended."""
        seconds = timeout or HANG_SECONDS
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"m3lungd did not end within {seconds} s, and was killed:\n{self.log()[-8000:]}"
            ) from None
        self._reader.join(HANG_SECONDS)
        return code

    def _end(self):
        self.kill()
        self._process.wait(HANG_SECONDS)
        self._reader.join(HANG_SECONDS)
        self._output.close()
        if self in _running:
            _running.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            if self._process.poll() is None:
                self.terminate()
            code = self.wait()
        finally:
            self._end()
        if code != 0 or exception[0]:
            print(f"m3lungd ended with {code}; its log:\n{self.log()[-8000:]}", file=sys.stderr)
        if code != 0 and not exception[0]:
            raise AssertionError(f"m3lungd ended with {code} after SIGTERM")

    @contextlib.contextmanager
    def channel(self):
        with channel_to(self.address) as channel:
            yield channel

    @contextlib.contextmanager
    def screening(self):
        with self.channel() as channel:
            yield screening_pb2_grpc.ScreeningServiceStub(channel)


class ServerTest(unittest.TestCase):
    """One server for all tests of a class."""

    base_width = 16
    input_size = 128
    config = ""  # of m3lungd
    server: Server
    stub: Any  # of ScreeningService

    @classmethod
    def setUpClass(cls):
        models = untrained_models(cls.base_width, cls.input_size)
        cls.server = cls.enterClassContext(Server(models, config(cls.config)))
        cls.stub = cls.enterClassContext(cls.server.screening())

    def assertRefused(self, code, reason, call):
        """Runs `call` and expects its status code and `m3lung-reason`."""
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        error = caught.exception
        self.assertEqual((error.code(), reason_of(error)), (code, reason), error.details())
        self.assertTrue(error.details(), "a person is told nothing")


def reason_of(error):
    return dict(error.trailing_metadata() or ()).get("m3lung-reason", "")


def header(**fields):
    return screening.AnalyzeStudyRequest(header=screening.StudyHeader(**fields))


def dicom(data, last=True):
    return screening.AnalyzeStudyRequest(dicom=screening.DicomChunk(data=data, last=last))


def file_requests(paths):
    """Each file in two or more chunks, so that putting them together is tested throughout."""
    for path in paths:
        data = path.read_bytes()
        size = min(len(data) // 2 + 1, 1 << 18)
        starts = range(0, max(len(data), 1), size)
        for start in starts:
            yield dicom(data[start : start + size], last=start == starts[-1])


def collect(responses):
    """One study's responses as a StudyAnswer, slices by instance.

    Checks what holds for every answered study: a receipt an instance, a result a
    used slice, the patient result once and last.
    """
    answer = results.StudyAnswer()
    kinds = []
    for response in responses:
        kinds.append(response.WhichOneof("message"))
        if kinds[-1] == "receipt":
            answer.receipts.append(response.receipt)
        elif kinds[-1] == "slice":
            answer.slices.append(response.slice)
        elif kinds[-1] == "patient":
            answer.patient.CopyFrom(response.patient)
    check = unittest.TestCase()
    check.assertEqual(kinds.count("patient"), 1, kinds)
    check.assertEqual(kinds[0], "progress")
    check.assertEqual(kinds[-1], "patient")
    answer.receipts.sort(key=lambda receipt: receipt.instance)
    answer.slices.sort(key=lambda result: (result.instance, result.frame))
    check.assertEqual(
        [receipt.instance for receipt in answer.receipts],
        list(range(answer.patient.instances_received)),
    )
    used = [receipt.instance for receipt in answer.receipts for _ in range(receipt.frames_used)]
    for receipt in answer.receipts:
        check.assertEqual(receipt.status == results.USED, receipt.frames_used > 0, receipt)
    check.assertEqual([result.instance for result in answer.slices], used)
    check.assertEqual(sorted(answer.patient.instances_head_to_feet), used)
    return answer


def analyze(stub, requests):
    return collect(stub.AnalyzeStudy(iter(requests)))


def assert_same_answer(test, one, other, tolerance=1e-5):
    """The two answers agree, except for what differs from call to call."""
    test.assertEqual(len(one.slices), len(other.slices))
    for a, b in zip(one.slices, other.slices, strict=True):
        test.assertEqual(
            (a.instance, a.sop_instance_uid, a.scored, a.label, a.lung_box),
            (b.instance, b.sop_instance_uid, b.scored, b.label, b.lung_box),
        )
        assert_close(test, a.probabilities, b.probabilities, tolerance, f"instance {a.instance}")
        assert_close(test, [a.lesion_probability], [b.lesion_probability], tolerance)
    test.assertEqual(one.patient.verdict, other.patient.verdict)
    test.assertEqual(one.patient.label, other.patient.label)
    test.assertEqual(one.patient.instances_head_to_feet, other.patient.instances_head_to_feet)
    assert_close(test, one.patient.probabilities, other.patient.probabilities, tolerance, "patient")


def assert_close(test, got, expected, tolerance, what=""):
    test.assertEqual(len(got), len(expected), what)
    worst = max((abs(a - b) for a, b in zip(got, expected, strict=True)), default=0)
    test.assertLessEqual(worst, tolerance, what)


def json_answer(path):
    """The answer in a file that `m3lung analyze --json` wrote. Strict: a field that
    the contract does not know is an error."""
    return json_format.Parse(path.read_text(), results.StudyAnswer())


def main():
    """unittest.main() whose exit code tells ctest when every test was skipped."""
    outcome = unittest.main(module="__main__", exit=False, verbosity=2).result
    if not outcome.wasSuccessful():
        sys.exit(1)
    if outcome.testsRun <= len(outcome.skipped):
        sys.exit(SKIPPED if outcome.skipped else "no test ran")
