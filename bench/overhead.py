# SPDX-License-Identifier: Apache-2.0
"""What the server costs without its networks: a slice network that computes nothing.

`m3lung bench` over loopback in crop mode `paper`; time passed and the server's own processor time
a slice. Prints Markdown, for bench/RESULTS.md.

Usage: overhead.py [--concurrency=N] [--window=SECONDS]
Run it with .deps/venv/bin/python.
"""

import argparse
import os
import pathlib
import sys

import torch
from load import ROOT, load, machine, service

sys.path.insert(0, str(ROOT / "tests/e2e"))
from scripted_bundle import bundle_of  # noqa: E402


class NullNet(torch.nn.Module):
    def forward(self, hu: torch.Tensor):
        count = hu.size(0)
        return (torch.full((count, 4), 0.25), torch.full((count, 2), 0.5),
                torch.zeros(count, 4, 4), torch.ones(count, 8))  # fmt: skip


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scored(server):
    _, samples = server.metrics()
    return sum(value for name, value in samples.items()
               if name.startswith("m3lung_slices_scored_total"))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--window", type=float, default=10)
    options = parser.parse_args()
    models = service.scratch("models")
    bundle_of(NullNet(), models, "null")
    study = service.synthetic_study(slices=40)[0].parent
    with service.Server(models) as server:
        before = processor_seconds(server.process_id), scored(server)
        answer = load(server.address, [study], "--crop=paper", f"--concurrency={options.concurrency}",
                      f"--window={options.window}")  # fmt: skip
        after = processor_seconds(server.process_id), scored(server)
    print(f"null network, 40 slices of 512 x 512 uncompressed, {options.concurrency} studies at once, "
          f"{machine()}\n")  # fmt: skip
    print("| slices/s | time passed a slice | server's processor time a slice |")
    print("|---|---|---|")
    print(f"| {answer['slices_per_second']:.0f} | {1e6 / answer['slices_per_second']:.0f} us | "
          f"{1e6 * (after[0] - before[0]) / (after[1] - before[1]):.0f} us |")  # fmt: skip
    stages = {stage: 1000 * ms / 40 for stage, ms in answer["server_stages_ms"].items()}
    print("\nof it, in the server's stages (us a slice, waiting included): "
          + ", ".join(f"{stage} {value:.0f}" for stage, value in stages.items()))  # fmt: skip


if __name__ == "__main__":
    main()
