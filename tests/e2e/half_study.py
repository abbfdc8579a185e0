# SPDX-License-Identifier: Apache-2.0
"""Half a study, for the test that kills its client: sends the files given, tells
when the first result is there (crop mode paper answers during the upload), and never ends the study.

Usage: half_study.py ADDRESS FILE...
"""

import pathlib
import sys
import threading

import service


def requests(paths):
    yield service.header(expected_instances=2 * len(paths), crop_mode="PAPER")
    yield from service.file_requests(paths)
    yield service.dicom(b"the first piece of an instance", last=False)
    threading.Event().wait()  # until killed


def main():
    address, *names = sys.argv[1:]
    with service.grpc.insecure_channel(address) as channel:
        stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
        study = requests(list(map(pathlib.Path, names)))
        for response in stub.AnalyzeStudy(study, timeout=service.HANG_SECONDS):
            if response.HasField("slice"):
                print("sliced", flush=True)


if __name__ == "__main__":
    main()
