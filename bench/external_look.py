# SPDX-License-Identifier: Apache-2.0
"""What a bundle says of the real studies in the test data, beside the radiologists.

Prepares and evaluates them as `m3lung-train` does any data set, and prints Markdown
for docs/results/: for each study its label and probabilities, and how well the slices' lesion
probability tells slices with lesions from those without (area under the ROC curve).

Usage: external_look.py BUNDLE OUT [--data=FOLDER] [--bin=DIR]
OUT is a folder for the prepared studies and the report; FOLDER the test data (default
$M3LUNG_TEST_DATA). Run it with .deps/venv/bin/python.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import subprocess

STUDIES = {"covid19-p001": "COVID_19", "cap-001": "CAP", "normal-001": "HEALTHY"}


def write_dataset(data, out):
    """dataset.csv with the slice labels of the data's slice_labels.csv."""
    labels = collections.defaultdict(dict)
    with (data / "slice_labels.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            _, study, file = row["file"].split("/")
            labels[study][file] = row["lesion"]
    out.mkdir(parents=True, exist_ok=True)
    for study, lesions in labels.items():
        lines = ["file,lesion", *(f"{file},{lesion}" for file, lesion in lesions.items())]
        (out / f"{study}.csv").write_text("\n".join(lines) + "\n")
    lines = ["study,label,split,slice_labels"]
    for study, label in STUDIES.items():
        link = out / study
        link.unlink(missing_ok=True)
        link.symlink_to(data / "studies" / study)
        lines.append(f"{study},{label},test," + (f"{study}.csv" if study in labels else ""))
    (out / "dataset.csv").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument(
        "--data", type=pathlib.Path, default=os.environ.get("M3LUNG_TEST_DATA", "../shared/data")
    )
    parser.add_argument("--bin", type=pathlib.Path, default="build/bin")
    options = parser.parse_args()
    write_dataset(options.data.resolve(), options.out)
    size = json.loads((options.bundle / "manifest.json").read_text())["input_size"]
    train, prepared = options.bin / "m3lung-train", options.out / "prepared"
    subprocess.run([train, "prepare", f"--dataset={options.out / 'dataset.csv'}",
                    f"--out={prepared}", f"--input-size={size}"], check=True)  # fmt: skip
    subprocess.run([train, "evaluate", f"--data={prepared}", f"--bundle={options.bundle}",
                    f"--out={options.out / 'evaluation'}"], check=True)  # fmt: skip

    evaluation = json.loads((options.out / "evaluation" / "evaluation.json").read_text())
    print(
        "| study | truth | answer | Healthy, COVID-19, H1N1, CAP | without parameters | slices | "
        "lesion AUC |"
    )
    print("|---|---|---|---|---|---|---|")
    for study in evaluation["studies"]:
        probabilities = ", ".join(f"{value:.2f}" for value in study["probabilities"])
        area = study["slice_lesion_auc"]
        print(
            f"| {pathlib.Path(study['study']).name} | {study['label']} | {study['predicted']} | "
            f"{probabilities} | {study['non_parametric']} | {study['slices']} | "
            f"{'-' if area is None else f'{area:.3f}'} |"
        )


if __name__ == "__main__":
    main()
