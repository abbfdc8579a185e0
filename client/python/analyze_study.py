#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends a folder of DICOM files to an m3lung server and prints what comes back.

An example for integrators: it uses the API's proto files and gRPC, nothing else
of the project. Research use only.

Exit codes: 0 answered; 1 refused; 2 used wrongly; 3 try again later.
"""

import argparse
import pathlib
import sys

import grpc

try:
    from m3lung.v1 import results_pb2, screening_pb2, screening_pb2_grpc
except ImportError:
    sys.exit("The stubs are missing: README.md, step 2, says how they are made.")

ANSWERED, REFUSED, USAGE, TRY_AGAIN = 0, 1, 2, 3
CHUNK_BYTES = 256 * 1024  # The contract allows 1 MiB.

# The request itself was fine: the same one may succeed later. A reason of
# ErrorReason decides for RESOURCE_EXHAUSTED, which also stands for a study that
# will always be too large.
TEMPORARY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
TEMPORARY_REASONS = {"TOO_MANY_STUDIES", "SERVER_FULL", "NOT_READY"}


def requests(files, args):
    """The stream of one study: the header, then every file in chunks.

    gRPC runs this on a thread of its own and asks for the next message only when
    the last one has been taken, so that a study is never held in memory whole.
    """
    yield screening_pb2.AnalyzeStudyRequest(
        header=screening_pb2.StudyHeader(
            client_study_id=args.study_id,
            model_name=args.model,
            expected_instances=len(files),
            lesion_maps=screening_pb2.GRID if args.maps else screening_pb2.NO_MAP,
        )
    )
    for path in files:
        with path.open("rb") as file:
            data = file.read(CHUNK_BYTES)
            while True:
                following = file.read(CHUNK_BYTES)
                yield screening_pb2.AnalyzeStudyRequest(
                    dicom=screening_pb2.DicomChunk(data=data, last=not following)
                )
                if not following:
                    break
                data = following
    # Returning half-closes the stream: the study is complete.


def name_of(enum, value):
    """The value's name; its number where the server is newer than the stubs."""
    return enum.Name(value) if value in enum.values() else str(value)


def percentages(probabilities):
    return " ".join(
        f"{name} {100 * probability:.1f}%"
        for name, probability in zip(results_pb2.Label.keys()[1:], probabilities)
    )


def print_receipt(receipt, files):
    if receipt.status == results_pb2.SKIPPED:
        reason = name_of(results_pb2.SkipReason, receipt.reason)
        print(f"skipped {files[receipt.instance].name}: {reason}: {receipt.detail}")
    for warning in receipt.warnings:
        print(f"warning {files[receipt.instance].name}: {warning}")


def print_slice(result, files):
    # In crop mode `paper` a slice may be scored before its place is known.
    place = result.index if result.HasField("index") else "?"
    name = files[result.instance].name
    if result.frame:  # One of several in a multi-frame file.
        name += f" frame {result.frame}"
    start = f"slice {place} {name} at {result.position_mm:.1f} mm"
    if not result.scored:  # No lung in it: there is no label and no probability.
        print(f"{start}: no lung, not scored")
        return
    label = results_pb2.Label.Name(result.label)
    peak = f" map peak {max(result.lesion_map.values):.2f}" if result.lesion_map.values else ""
    print(
        f"{start}: {label}: lesion {100 * result.lesion_probability:.1f}%{peak}: "
        f"{percentages(result.probabilities)}"
    )


def print_patient(patient):
    print(f"\n{patient.model.notice}")
    print(f"model {patient.model.name} {patient.model.version} {patient.model.digest[:12]}")
    # A multi-frame instance gives several slices.
    used = patient.instances_received - patient.instances_skipped
    print(
        f"{used} of {patient.instances_received} instances used, "
        f"{patient.instances_skipped} skipped"
    )
    print(f"{patient.slices_used} slices, {patient.slices_without_lung} without lung")
    for series in patient.series:
        print(
            f"series {'chosen' if series.chosen else 'left out'}: {series.slices} slices: "
            f"{series.detail}"
        )
    for warning in patient.warnings:
        print(f"warning: {warning}")
    if patient.HasField("affected_lung"):
        print(f"lung affected, an estimate: {100 * patient.affected_lung.whole:.1f}%")
    verdict = name_of(results_pb2.Verdict, patient.verdict)
    reasons = ", ".join(name_of(results_pb2.StudyReason, reason) for reason in patient.reasons)
    print(f"verdict {verdict}" + (f" ({reasons}): {patient.detail}" if reasons else ""))
    if patient.probabilities:
        label = results_pb2.Label.Name(patient.label)
        print(f"patient {label}: {percentages(patient.probabilities)}")
    else:
        print("no label is given")


def analyze(stub, files, args):
    """Returns the PatientResult, None where the stream ended without one."""
    patient = None
    # Reading goes on while the requests are written: the server stops taking
    # slices while the results of earlier ones wait to be read.
    for response in stub.AnalyzeStudy(requests(files, args), timeout=args.deadline):
        kind = response.WhichOneof("message")
        if kind == "receipt":
            print_receipt(response.receipt, files)
        elif kind == "slice":
            print_slice(response.slice, files)
        elif kind == "patient":
            patient = response.patient
        # "progress", and kinds that a later version may add, are passed over.
    return patient


def explain(error):
    """Prints a failed call and returns the exit code for it."""
    reason = dict(error.trailing_metadata() or ()).get("m3lung-reason", "")
    print(f"{error.code().name} {reason}: {error.details()}", file=sys.stderr)
    again = error.code() in TEMPORARY or reason in TEMPORARY_REASONS
    return TRY_AGAIN if again else REFUSED


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="example: analyze_study.py --server=127.0.0.1:50051 --maps studies/one",
    )
    parser.add_argument("folder", type=pathlib.Path, help="all files in it are one study")
    parser.add_argument("--server", default="127.0.0.1:50051", metavar="HOST:PORT")
    parser.add_argument("--study-id", default="", help="your own name for the study, given back")
    parser.add_argument("--model", default="", help="default: the server's default model")
    parser.add_argument("--maps", action="store_true", help="ask for lesion maps too")
    parser.add_argument("--deadline", type=float, default=600, metavar="SECONDS")
    args = parser.parse_args()  # Ends with code 2 where it is used wrongly.
    files = sorted(path for path in args.folder.rglob("*") if path.is_file())
    if not files:
        parser.error(f"{args.folder} is not a folder with files in it")

    with grpc.insecure_channel(args.server) as channel:
        try:
            patient = analyze(screening_pb2_grpc.ScreeningServiceStub(channel), files, args)
        except grpc.RpcError as error:
            return explain(error)
    if patient is None:
        print("the server ended the stream without a patient result", file=sys.stderr)
        return REFUSED
    print_patient(patient)
    return REFUSED if patient.verdict == results_pb2.REJECTED else ANSWERED


if __name__ == "__main__":
    sys.exit(main())
