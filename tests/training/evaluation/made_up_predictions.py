# SPDX-License-Identifier: Apache-2.0
"""Predictions and maps made up with a seed, as tables that an evaluation reads."""

import csv
import json

import numpy as np

LABELS = ["HEALTHY", "COVID_19", "H1N1", "CAP"]
MAP_SIZE, MASK_SIZE = 5, 80  # half a cell is a whole number of pixels


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def guesses(rng, truth, skill, ties):
    """float32 probabilities [N, 4]; with `ties` of few different values."""
    logits = rng.normal(size=(len(truth), 4)) + skill * np.eye(4)[truth]
    if ties:
        logits = np.round(logits)
    p = softmax(logits).astype(np.float32)
    if ties and len(p) > 8:
        p[3] = p[5] = [1, 0, 0, 0]  # certain, rightly or not
        p[7] = [0.25, 0.25, 0.25, 0.25]
    return p


def make(rng, folder, name, shares, studies, skill, ties, prefix=""):
    truth = rng.choice(4, size=studies, p=shares)
    p = guesses(rng, truth, skill, ties)
    counted = guesses(rng, truth, skill, ties).argmax(axis=1)
    # A study in four is of unknown lungs; four real ones together are of one patient.
    lungs = np.array([("real", "synthetic", "synthetic", "")[i % 4] for i in range(studies)])
    patient = [f"{prefix}p{i // 16}" if i % 4 == 0 else "" for i in range(studies)]
    folder = folder / name
    folder.mkdir(parents=True)
    with (folder / "studies.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["study", "label", *LABELS, "non_parametric", "patient", "lungs"])
        for i in range(studies):
            rows.writerow(
                [
                    f"{prefix}{i}",
                    LABELS[truth[i]],
                    *(f"{v:.9g}" for v in p[i]),
                    LABELS[counted[i]],
                    patient[i],
                    lungs[i],
                ]
            )
    slices: dict[str, list] = {"study": [], "truth": [], "p": [], "lesion": [], "lesion_p": []}
    with (folder / "slices.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["study", "file", "position_mm", "lesion", *LABELS, "lesion_probability"])
        for i in range(studies):
            for k in range(rng.integers(1, 9)):
                lesion = truth[i] != 0 and rng.random() < 0.4
                own = truth[i] if lesion else 0
                q = guesses(rng, np.array([own]), skill, ties)[0]
                lesion_p = np.float32(
                    1
                    / (1 + np.exp(-np.round(rng.normal(1.0 if lesion else -1.0), 0 if ties else 6)))
                )
                known = rng.random() < 0.8
                rows.writerow(
                    [
                        f"{prefix}{i}",
                        k,
                        -k,
                        int(lesion) if known else "",
                        *(f"{v:.9g}" for v in q),
                        f"{lesion_p:.9g}",
                    ]
                )
                if known or truth[i] == 0:
                    slices["study"].append(i)
                    slices["truth"].append(own)
                    slices["p"].append(q)
                    slices["lesion"].append(lesion)
                    slices["lesion_p"].append(lesion_p)
    return truth, p, counted, lungs, {key: np.array(value) for key, value in slices.items()}


def make_maps(rng, folder, studies):
    maps = []
    for _ in range(12):
        grid = rng.random((MAP_SIZE, MAP_SIZE))
        mask = np.zeros((MASK_SIZE, MASK_SIZE), int)
        top, left = rng.integers(0, MASK_SIZE - 30, 2)
        mask[top : top + rng.integers(5, 30), left : left + rng.integers(5, 30)] = 1
        maps.append(
            {"study": int(rng.integers(studies)), "map": grid.tolist(), "mask": mask.tolist()}
        )
    (folder / "maps.json").write_text(json.dumps(maps))
    return maps
