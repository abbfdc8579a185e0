# SPDX-License-Identifier: Apache-2.0
"""The service as a careful user would write it in Python instead.

gRPC's Python server, pydicom with pylibjpeg to decode, OpenCV to crop (the paper's
box), Python's torch with the same two TorchScript files, frozen and laid out for
inference. Each study runs in a thread of the server's pool: instances are decoded as
they come, and every `--batch` of them go through the network, one study at a time.

Usage: screening_peer.py BUNDLE --stubs=DIR [--listen=ADDR] [--batch=N] [--threads=N]
BUNDLE is the folder of manifest.json, slice.ts and patient.ts; DIR holds the stubs of
proto/m3lung/v1. Prints "ready ADDRESS" when it takes studies. SIGTERM ends it.
"""

import argparse
import concurrent.futures
import io
import json
import pathlib
import signal
import sys
import threading
import time
import warnings

import cv2
import grpc
import numpy as np
import pydicom
import torch
from preprocess_peer import crop, to_hu


class Model:
    def __init__(self, bundle, batch):
        manifest = json.loads((bundle / "manifest.json").read_text())
        self.size = manifest["input_size"]
        self.batch = batch
        self._lock = threading.Lock()
        self._slice_net = self._load(bundle / "slice.ts")
        self._patient_net = self._load(bundle / "patient.ts")
        air = np.full((self.size, self.size), -1000, np.int16)
        for count in (1, batch):
            for _ in range(4):
                _, _, _, features = self.slices([air] * count)
                self.patient(features)

    @staticmethod
    def _load(path):
        net = torch.jit.load(str(path), map_location="cpu").eval()
        return torch.jit.optimize_for_inference(torch.jit.freeze(net))

    def slices(self, hu):
        with self._lock, torch.inference_mode(), torch.jit.optimized_execution(False):
            return [part.numpy() for part in self._slice_net(torch.from_numpy(np.stack(hu)))]

    def patient(self, features):
        with self._lock, torch.inference_mode(), torch.jit.optimized_execution(False):
            return self._patient_net(torch.from_numpy(features)).numpy()


def instances(requests):
    """The whole DICOM files of a stream, as they come."""
    pieces = []
    for request in requests:
        if not request.HasField("dicom"):
            continue
        pieces.append(request.dicom.data)
        if request.dicom.last:
            yield b"".join(pieces)
            pieces = []


def position(dataset):
    orientation = np.array(dataset.ImageOrientationPatient, float)
    normal = np.cross(orientation[:3], orientation[3:])
    return float(np.dot(normal, np.array(dataset.ImagePositionPatient, float)))


def make_service(model, screening, grpc_stubs, results):
    class Screening(grpc_stubs.ScreeningServiceServicer):
        def AnalyzeStudy(self, requests, context):
            started = time.perf_counter()
            positions, collected, waiting = [], [], []

            def score():
                probabilities, lesion, maps, features = model.slices([hu for _, hu in waiting])
                collected.append(features)
                for row, (instance, _) in enumerate(waiting):
                    slice_result = results.SliceResult(
                        instance=instance, scored=True, position_mm=positions[instance],
                        probabilities=probabilities[row],
                        lesion_probability=lesion[row, 1])  # fmt: skip
                    grid = slice_result.lesion_map
                    grid.rows, grid.columns = maps[row].shape
                    grid.values.extend(maps[row].ravel())
                    yield screening.AnalyzeStudyResponse(slice=slice_result)
                waiting.clear()

            for number, data in enumerate(instances(requests)):
                dataset = pydicom.dcmread(io.BytesIO(data))
                hu = to_hu(dataset)
                positions.append(position(dataset))
                left, top, width, height = crop(hu)
                part = np.ascontiguousarray(hu[top : top + height, left : left + width])
                waiting.append((number, cv2.resize(part, (model.size, model.size))))
                if len(waiting) == model.batch:
                    yield from score()
            if waiting:
                yield from score()
            order = np.argsort(positions)[::-1]
            patient = results.PatientResult(
                verdict=results.OK, probabilities=model.patient(np.concatenate(collected)[order]),
                instances_head_to_feet=order, slices_used=len(positions))  # fmt: skip
            patient.timings.total_ms = 1000 * (time.perf_counter() - started)
            yield screening.AnalyzeStudyResponse(patient=patient)

    return Screening()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("--stubs", required=True)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    sys.path.insert(0, options.stubs)
    from m3lung.v1 import results_pb2, screening_pb2, screening_pb2_grpc

    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    if options.threads:
        torch.set_num_threads(options.threads)
    model = Model(options.bundle, options.batch)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32))
    screening_pb2_grpc.add_ScreeningServiceServicer_to_server(
        make_service(model, screening_pb2, screening_pb2_grpc, results_pb2), server
    )
    port = server.add_insecure_port(options.listen)
    server.start()
    print(f"ready {options.listen.rsplit(':', 1)[0]}:{port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
