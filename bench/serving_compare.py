# SPDX-License-Identifier: Apache-2.0
"""The server beside what it could be: its bare runner, and a Python service.

One run, side by side, in turns, on the same slices and weights:
- `m3lungd` and bench/peers/screening_peer.py, each asked by `m3lung bench` with
  --concurrency studies in crop mode `paper` (the peer knows no other);
- bench/runner_bench, the network alone on slices of that study, without a server.
The most of all rounds counts, since other work on the machine can only slow a round.
Prints Markdown, for bench/RESULTS.md.

Usage: serving_compare.py BUNDLE STUDY [--concurrency=N] [--rounds=N] [--window=SECONDS]
                          [--windows=N]
BUNDLE is a folder models/NAME/VERSION, STUDY one with DICOM files. Run it with
.deps/venv/bin/python.
"""

import argparse
import pathlib
import subprocess
import sys

from load import load, machine, models_of, peak_megabytes, service
from runner import CORES, ROOT, slices_per_second

PEER = ROOT / "bench/peers/screening_peer.py"


def ask(address, study, options):
    """What `m3lung bench` measured at the server there."""
    return load(address, [study], "--crop=paper", f"--concurrency={options.concurrency}",
                f"--window={options.window}", f"--windows={options.windows}")  # fmt: skip


def ask_server(models, study, options):
    with service.Server(models) as server:
        answer = ask(server.address, study, options)
        return answer, peak_megabytes(server.process_id)


def ask_peer(bundle, study, options):
    stubs = service.scratch("stubs")
    service.make_stubs(stubs)
    command = [sys.executable, PEER, bundle, f"--stubs={stubs}", f"--threads={CORES}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as peer:
        try:
            address = peer.stdout.readline().split()[1]
            return ask(address, study, options), peak_megabytes(peer.pid)
        finally:
            peer.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--window", type=float, default=20)
    parser.add_argument("--windows", type=int, default=6)
    options = parser.parse_args()
    bundle = options.bundle.resolve()
    models = models_of(bundle)

    bare, servers, peers, memory = [], [], [], [0, 0]
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        bare.append(slices_per_second(bundle, options.study, 1))
        answer, memory[0] = ask_server(models, options.study, options)
        servers.append(answer)
        answer, memory[1] = ask_peer(bundle, options.study, options)
        peers.append(answer)

    def best(answers):
        return max(answers, key=lambda answer: answer["slices_per_second"])

    ours, theirs, alone = best(servers), best(peers), max(bare)
    print(
        f"{bundle.parent.name}, {options.study.name}, {options.concurrency} studies at once, "
        f"{machine()}, {options.rounds} rounds\n"
    )
    print("| | slices/s | studies/s | first result p50, p95 | study p50, p95 | memory |")
    print("|---|---|---|---|---|---|")
    print(f"| bare runner | {alone:.2f} | | | | |")
    for name, answer, megabytes in (("m3lungd", ours, memory[0]), ("Python", theirs, memory[1])):
        times = [f"{answer[key][rank] / 1000:.2f} s" for key in ("first_result_ms", "study_ms")
                 for rank in ("p50", "p95")]  # fmt: skip
        print(
            f"| {name} | {answer['slices_per_second']:.2f} | {answer['studies_per_second']:.3f} | "
            f"{times[0]}, {times[1]} | {times[2]}, {times[3]} | {megabytes:.0f} MB |"
        )
    print(
        f"\nserver / bare runner {ours['slices_per_second'] / alone:.2f}, "
        f"server / Python {ours['slices_per_second'] / theirs['slices_per_second']:.2f}"
    )


if __name__ == "__main__":
    main()
