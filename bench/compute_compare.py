# SPDX-License-Identifier: Apache-2.0
"""The slice network itself: LibTorch here, the same weights in ONNX Runtime and OpenVINO, and
the machine's own matrix product, side by side in turns.

All cores, batches of --batch slices, --at-once of them side by side on as many cores each, all in
the same precision (ONNX Runtime has no bfloat16 on a CPU). The most of all rounds counts. Prints
Markdown, for bench/RESULTS.md. A bundle with a folder compiled/ (scripts/compile_bundle.py) of that
precision is run by that too.

Usage: compute_compare.py BUNDLE STUDY [--precision=fp32|bf16] [--batch=N] [--at-once=N]
                          [--rounds=N] [--seconds=N]
It needs Python's torch and what bench/peers/requirements.txt lists:
    python3 -m venv build/peers && build/peers/bin/pip install -r bench/peers/requirements.txt
    PYTHONPATH=$(echo .deps/venv/lib/python3*/site-packages) build/peers/bin/python \\
        bench/compute_compare.py BUNDLE STUDY
"""

import argparse
import concurrent.futures
import json
import pathlib
import re
import sys
import tempfile
import threading
import time

import numpy as np
import onnxruntime
import openvino
import torch
from runner import CORES, ROOT, slices_per_second
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(ROOT / "scripts"))
import compile_bundle  # noqa: E402

# How far a peer's features may be from LibTorch's in float32, of the largest.
SAME = {"fp32": 1e-3, "bf16": 5e-2}


def network_of(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    scripted = torch.jit.load(str(bundle / "slice.ts"))
    return compile_bundle.SliceNet(scripted, manifest, "fp32").eval(), manifest["input_size"]


def rate_of(run, count, seconds, at_once=1):
    """How many a second in so many threads, after two calls to warm up."""

    def calls_until(end):
        calls = 0
        while time.perf_counter() < end:
            run()
            calls += 1
        return calls

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda _: run(), range(2 * at_once)))
        start = time.perf_counter()
        calls = sum(pool.map(calls_until, [start + seconds] * at_once))
        return calls * count / (time.perf_counter() - start)


def alone(options, *flags):
    return slices_per_second(options.bundle, options.study, options.batch,
                             f"--seconds={options.seconds}", f"--precision={options.precision}",
                             f"--threads-a-batch={CORES // options.at_once}", *flags)  # fmt: skip


def peers_of(network, hu, options):
    """Functions that run the network in the peers, which compute what it does."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "slice.onnx")
        # For this size of batch alone, as the peers like it best.
        torch.onnx.export(network, (torch.from_numpy(hu),), path, input_names=["hu"],
                          dynamo=False, opset_version=17)  # fmt: skip
        hint = {"fp32": "f32", "bf16": "bf16"}[options.precision]
        vino = openvino.Core().compile_model(
            path, "CPU", {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": CORES,
                          "NUM_STREAMS": options.at_once})  # fmt: skip
        requests = threading.local()

        def run_vino():
            if not hasattr(requests, "own"):
                requests.own = vino.create_infer_request()
            return [value.copy() for value in requests.own.infer(hu).values()]

        peers = {"OpenVINO": run_vino}
        if options.precision == "fp32":
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = CORES // options.at_once
            onnx = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
            peers["ONNX Runtime"] = lambda: onnx.run(None, {"hu": hu})
    with torch.inference_mode():
        expected = network(torch.from_numpy(hu))[3].numpy()
    for name, run in peers.items():
        far = np.abs(run()[3] - expected).max() / np.abs(expected).max()
        assert far < SAME[options.precision], f"{name} computes something else: {far:.2g}"
    return peers


def compiled_in(bundle, precision):
    facts = bundle / "compiled/compiled.json"
    return facts.exists() and json.loads(facts.read_text())["precision"] == precision


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--precision", choices=SAME, default="fp32")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    torch.set_num_threads(CORES)
    network, size = network_of(options.bundle)
    hu = np.random.default_rng(1).integers(-1000, 400, (options.batch, size, size), dtype=np.int16)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.from_numpy(hu))
    flop = counter.get_total_flops() / options.batch  # a slice
    matrix = torch.rand(2048, 2048)
    if options.precision == "bf16":
        matrix = matrix.bfloat16()

    def timed(run, count=options.batch):
        return lambda: rate_of(run, count, options.seconds, options.at_once)

    ways = {"LibTorch, fused": lambda: alone(options),
            "LibTorch, not fused": lambda: alone(options, "--unfused")}  # fmt: skip
    if compiled_in(options.bundle, options.precision):
        ways["LibTorch, AOTInductor"] = lambda: alone(options, "--compiled")
    peers = peers_of(network, hu, options)
    ways.update({name: timed(run) for name, run in peers.items()})
    ways["matrix product, 2048"] = lambda: rate_of(
        lambda: matrix @ matrix, 2 * 2048**3 / flop, options.seconds
    )
    best = dict.fromkeys(ways, 0.0)
    for turn in range(options.rounds):
        for name, way in ways.items():
            best[name] = max(best[name], way())
            print(f"round {turn + 1}: {name} {best[name]:.2f}", file=sys.stderr)

    ours = max(rate for name, rate in best.items() if name.startswith("LibTorch"))
    peer = max(best[name] for name in peers)
    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    print(f"{options.bundle.parent.name}, {flop / 1e9:.1f} GFLOP a slice, {options.precision}, batches of "
          f"{options.batch}, {options.at_once} at once, {CORES} cores of {processor} "
          f"({torch.backends.cpu.get_cpu_capability()}), {options.rounds} rounds\n")  # fmt: skip
    print("| | slices/s | GFLOP/s |")
    print("|---|---|---|")
    for name, rate in best.items():
        slices = "" if name.startswith("matrix") else f"{rate:.2f}"
        print(f"| {name} | {slices} | {rate * flop / 1e9:.0f} |")
    print(f"\nhere / better peer {ours / peer:.2f}, here / matrix product "
          f"{ours / best['matrix product, 2048']:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
