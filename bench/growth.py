# SPDX-License-Identifier: Apache-2.0
"""What a slice costs as work grows: studies at once, and slices of a study.

The closed loop of `m3lung bench`, with synthetic studies. Prints Markdown, for bench/RESULTS.md:
milliseconds a slice, and the server's largest resident memory so far.

Usage: growth.py BUNDLE [--concurrencies=1,2,...] [--slices=30,150,...] [--crop=paper|volume]
Run it with .deps/venv/bin/python; BUNDLE is a folder models/NAME/VERSION.
"""

import argparse
import pathlib

from load import load, machine, models_of, peak_megabytes, service


def numbers(text):
    return [int(number) for number in text.split(",")]


def row(server, what, study, *flags):
    answer = load(server.address, [study], "--window=10", "--windows=6", *flags)
    print(f"| {what} | {1000 / answer['slices_per_second']:.1f} | {answer['first_result_ms']['p50'] / 1000:.2f} | "
          f"{answer['study_ms']['p50'] / 1000:.2f} | {peak_megabytes(server.process_id):.0f} |", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("--concurrencies", type=numbers, default=[1, 2, 4, 8, 16])
    parser.add_argument("--slices", type=numbers, default=[30, 150, 500, 1000])
    parser.add_argument("--crop", default="paper")
    options = parser.parse_args()
    print(f"{options.bundle.parent.name}, crop mode {options.crop}, {machine()}\n")
    print("| | ms a slice | first result p50, s | study p50, s | largest memory, MB |")
    print("|---|---|---|---|---|")
    crop = f"--crop={options.crop}"
    with service.Server(models_of(options.bundle)) as server:
        study = service.synthetic_study(slices=30)[0].parent
        for concurrency in options.concurrencies:
            row(server, f"{concurrency} at once, 30 slices", study, crop,
                f"--concurrency={concurrency}")  # fmt: skip
    with service.Server(models_of(options.bundle)) as server:
        for slices in options.slices:
            study = service.synthetic_study(slices=slices)[0].parent
            row(server, f"1 at once, {slices} slices", study, crop)


if __name__ == "__main__":
    main()
