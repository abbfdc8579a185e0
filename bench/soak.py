# SPDX-License-Identifier: Apache-2.0
"""A server under mixed load for ten minutes: does its memory stay where it was?

Routine studies in both crop modes, urgent ones, and clients that are killed in mid-study. Prints
Markdown, for bench/RESULTS.md: the server's resident memory minute by minute.

Usage: soak.py BUNDLE STUDY [--minutes=N]
Run it with .deps/venv/bin/python; BUNDLE is a folder models/NAME/VERSION, STUDY one with DICOM files.
"""

import argparse
import pathlib
import random
import subprocess
import time

from load import Load, machine, models_of, service


def kill_a_client(address, study, after):
    client = subprocess.Popen(
        [service.BIN_DIR / "m3lung", "analyze", study, f"--server={address}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    time.sleep(after)
    client.kill()
    client.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args()
    chance = random.Random(1)
    megabytes, killed = [], 0
    with service.Server(models_of(options.bundle)) as server:
        whole = [f"--window={60 * options.minutes}", "--windows=1"]  # until it is stopped
        loads = [Load(server.address, [options.study], *flags, *whole) for flags in (
            ["--crop=paper", "--concurrency=2"], ["--crop=volume"], ["--urgent"])]  # fmt: skip
        start = time.monotonic()
        while len(megabytes) < options.minutes:
            kill_a_client(server.address, options.study, chance.uniform(0, 2))
            killed += 1
            if time.monotonic() - start >= 60 * (len(megabytes) + 1):
                megabytes.append(server.resident_bytes() / 2**20)
                print(f"minute {len(megabytes)}: {megabytes[-1]:.0f} MB", flush=True)
        _, samples = server.metrics()
        for one in loads:
            one.stop()
    answered = sum(value for name, value in samples.items()
                   if name.startswith("m3lung_studies_total") and "CANCELLED" not in name)  # fmt: skip
    print(f"\n{options.bundle.parent.name}, {options.study.name}, {machine()}: {answered:.0f} studies ended, "
          f"{killed} clients killed\n")  # fmt: skip
    print("| minute | " + " | ".join(str(i + 1) for i in range(len(megabytes))) + " |")
    print("|---" * (len(megabytes) + 1) + "|")
    print("| resident MB | " + " | ".join(f"{value:.0f}" for value in megabytes) + " |")
    later = megabytes[2:] or megabytes
    print(f"\nfrom the third minute on: {min(later):.0f} to {max(later):.0f} MB")


if __name__ == "__main__":
    main()
