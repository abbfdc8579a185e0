# SPDX-License-Identifier: Apache-2.0
"""A server asked for three times what it can do.

First its capacity: studies a second in a closed loop. Then, for a minute, three times as many
routine studies a second as that, whatever the server does, and beside them urgent studies, one
after the other, each with a deadline. Prints Markdown, for bench/RESULTS.md: goodput beside the
capacity, how fast the rest was refused, urgent studies that missed their deadline.

Usage: overload.py BUNDLE STUDY [--seconds=N] [--deadline=SECONDS]
Run it with .deps/venv/bin/python; BUNDLE is a folder models/NAME/VERSION, STUDY one with DICOM files.
"""

import argparse
import pathlib

from load import Load, load, machine, models_of, service

# Few places, so that what is let in is soon answered.
CONFIG = "limits { open_studies: 8 places_kept_for_urgent_studies: 4 }"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--deadline", type=float, default=30)
    options = parser.parse_args()
    with service.Server(models_of(options.bundle), service.config(CONFIG)) as server:
        study = [options.study]
        alone = load(server.address, study, "--crop=paper", "--concurrency=4", "--window=10")
        rate = 3 * alone["studies_per_second"]
        whole = [f"--window={options.seconds}", "--windows=1", "--crop=paper"]
        routine = Load(server.address, study, f"--rate={rate}", "--concurrency=64", *whole)
        urgent = load(server.address, study, "--urgent", f"--timeout={options.deadline}", *whole)
        routine = routine.result()
    goodput = routine["studies_per_second"] + urgent["studies_per_second"]
    missed = urgent["failures"]
    print(f"{options.bundle.parent.name}, {options.study.name}, {machine()}\n")
    print("| | studies/s | study p50, p95, p99 | not answered |")
    print("|---|---|---|---|")
    for name, answer in (("closed loop, 4 at once", alone),
                         (f"routine, {rate:.2f}/s for {options.seconds} s", routine),
                         (f"urgent beside them, deadline {options.deadline:g} s", urgent)):  # fmt: skip
        times = ", ".join(
            f"{answer['study_ms'][rank] / 1000:.2f}" for rank in ("p50", "p95", "p99")
        )
        failures = "; ".join(f"{count} {what}" for what, count in answer["failures"].items()) or "-"
        print(f"| {name} | {answer['studies_per_second']:.3f} | {times} s | {failures} |")
    refused = routine["failure_ms"]
    print(f"\ngoodput / capacity {goodput / alone['studies_per_second']:.2f}; refused after "
          f"{refused['p50']:.0f} ms (p50), {refused['p99']:.0f} ms (p99); urgent studies not answered: "
          f"{sum(missed.values())}")  # fmt: skip


if __name__ == "__main__":
    main()
