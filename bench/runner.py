# SPDX-License-Identifier: Apache-2.0
"""The slice network alone: bench/runner_bench, for the benches that compare with it."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
CORES = len(os.sched_getaffinity(0))


def slices_per_second(bundle, study, batch, *flags):
    done = subprocess.run(
        [ROOT / "build/bench/runner_bench", bundle, study, f"--batch={batch}",
         f"--threads={CORES}", *flags],
        check=True, capture_output=True, text=True)  # fmt: skip
    return json.loads(done.stdout)["slices_per_second"]
