# SPDX-License-Identifier: Apache-2.0
"""Every figure of an evaluation against scikit-learn's on the same predictions.

    evaluation_reference.py EVALUATION_DUMP

Predictions are made up with a seed, with ties, skewed classes, a class that is
absent, and probabilities of 0 and 1; evaluation_dump evaluates them.
"""

import functools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn import metrics

from made_up_predictions import LABELS, MAP_SIZE, MASK_SIZE, make, make_maps, softmax

RESAMPLES = 2000


class Checker:
    def __init__(self, case):
        self.case, self.compared, self.failed = case, 0, 0

    def same(self, what, ours, theirs, tolerance=1e-9):
        self.compared += 1
        if theirs is None or ours is None:
            good = ours is None and theirs is None
        else:
            good = np.allclose(ours, theirs, rtol=0, atol=tolerance)
        if not good:
            self.failed += 1
            if np.ndim(ours) > 0 and np.shape(ours) == np.shape(theirs):
                worst = np.argmax(np.abs(np.subtract(ours, theirs)))
                what, ours, theirs = (
                    f"{what} [{worst}]",
                    np.ravel(ours)[worst],
                    np.ravel(theirs)[worst],
                )
            print(f"{self.case}: {what}: {ours} here, {theirs} by the reference")


def corners(x, y):
    """A polyline without the points on a straight line between their neighbours."""
    kept = [0]
    for i in range(1, len(x)):
        if len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if abs((x[b] - x[a]) * (y[i] - y[b]) - (y[b] - y[a]) * (x[i] - x[b])) < 1e-12:
                kept.pop()
        kept.append(i)
    return np.stack([x[kept], y[kept]], axis=1)


def check_ranking(check, what, positive, score, auc, roc):
    if positive.all() or not positive.any():
        check.same(f"{what} AUC", auc["value"], None)
        check.same(f"{what} curve", len(roc), 0)
        return
    check.same(f"{what} AUC", auc["value"], metrics.roc_auc_score(positive, score))
    x, y, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    expected = corners(x, y)
    check.same(f"{what} curve's corners", len(roc), len(expected))
    if len(roc) == len(expected):
        check.same(f"{what} curve", np.array(roc), expected)


def check_calibration(check, what, truth, p, ours):
    p = p.astype(np.float64)
    normal = p / p.sum(axis=1, keepdims=True)
    check.same(
        f"{what} log loss",
        ours["log_loss"],
        metrics.log_loss(truth, y_proba=normal, labels=range(4)),
        1e-6,
    )
    brier = metrics.brier_score_loss(truth, normal, labels=range(4), scale_by_half=False)
    check.same(f"{what} Brier", ours["brier"], brier, 1e-6)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == truth
    place = np.minimum((confidence * 10).astype(int), 9)
    error = 0
    for i in range(10):
        inside = place == i
        check.same(f"{what} bin {i}", ours["bins"][i]["cases"], inside.sum())
        if inside.any():
            check.same(
                f"{what} bin {i} accuracy", ours["bins"][i]["accuracy"], right[inside].mean()
            )
            check.same(
                f"{what} bin {i} confidence",
                ours["bins"][i]["mean_confidence"],
                confidence[inside].mean(),
            )
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    check.same(f"{what} ECE", ours["expected_calibration_error"], error)


def share(hits, among):
    return hits[among].mean() if among.any() else None


def check_method(check, what, truth, called, p, ours):
    check.same(
        f"{what} confusion",
        np.array(ours["confusion"]),
        metrics.confusion_matrix(truth, called, labels=range(4)),
    )
    check.same(f"{what} accuracy", ours["accuracy"]["value"], metrics.accuracy_score(truth, called))
    check.same(f"{what} FPE", ours["false_positive_error"]["value"], share(called != 0, truth == 0))
    check.same(f"{what} FNE", ours["false_negative_error"]["value"], share(called == 0, truth != 0))
    wrong = (called != 0) & (called != truth)
    check.same(
        f"{what} FDPE", ours["false_disease_prediction_error"]["value"], share(wrong, truth != 0)
    )
    for c, name in enumerate(LABELS):
        one, own = ours["classes"][name], truth == c
        recall = functools.partial(metrics.recall_score, own, called == c, zero_division=np.nan)
        check.same(
            f"{what} sensitivity {name}",
            one["sensitivity"]["value"],
            recall(pos_label=True) if own.any() else None,
        )
        check.same(
            f"{what} specificity {name}",
            one["specificity"]["value"],
            recall(pos_label=False) if not own.all() else None,
        )
        if p is not None:
            check_ranking(check, f"{what} {name}", own, p[:, c], one["auc"], one["roc"])
        else:
            check.same(f"{what} AUC {name}", one["auc"]["value"], None)
    if p is not None:
        check_calibration(check, what, truth, p, ours["calibration"])


def check_interval(check, rng, what, figure, study, studies, ours):
    """By resampling here too, with other random numbers: alike, not the same."""
    values = []
    of_study = [np.flatnonzero(study == i) for i in range(studies)]
    for _ in range(RESAMPLES):
        drawn = np.concatenate([of_study[i] for i in rng.integers(0, studies, studies)])
        values.append(figure(drawn))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    check.same(
        f"{what} interval", [ours["low"], ours["high"]], [low, high], 0.1 * (high - low) + 0.004
    )


def check_p_value(check, rng, truth, one, other, ours):
    a, b = one == truth, other == truth
    drawn = rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    difference = a[drawn].mean(axis=1) - b[drawn].mean(axis=1)
    p = min(1, 2 * min((difference <= 0).mean(), (difference >= 0).mean()))
    check.same("p-value", ours, p, 0.08)


def check_temperature(check, truth, p, judged_truth, judged, ours):
    def tempered(q, t):
        return softmax(np.log(np.maximum(q.astype(np.float64), 1e-30)) / t)

    def loss(log_t):
        return metrics.log_loss(truth, y_proba=tempered(p, np.exp(log_t)), labels=range(4))

    best = minimize_scalar(
        loss, bounds=(np.log(0.2), np.log(10)), method="bounded", options={"xatol": 1e-8}
    )
    check.same("temperature", ours["temperature"], np.exp(best.x), 1e-3)
    check_calibration(
        check,
        "tempered",
        judged_truth,
        tempered(judged, ours["temperature"]).astype(np.float32),
        ours["calibration"],
    )


def check_risk(check, what, truth, p, ours):
    confidence, wrong = p.max(axis=1), p.argmax(axis=1) != truth
    thresholds = np.unique(confidence)[::-1]
    coverage = np.array([(confidence >= t).mean() for t in thresholds])
    risk = np.array([wrong[confidence >= t].mean() for t in thresholds])
    check.same(f"{what} risk points", len(ours["curve"]), len(thresholds))
    check.same(
        f"{what} risk curve", np.array(ours["curve"]), np.stack([coverage, risk, thresholds], 1)
    )
    # The mean, over the cases, of the risk where each is the last that is answered.
    last = np.array([wrong[confidence >= own].mean() for own in confidence])
    check.same(f"{what} risk area", ours["area"]["value"], last.mean())
    asked = [1.0, 0.9, 0.8, 0.7, 0.5]
    check.same(f"{what} coverages", [row["coverage"] for row in ours["at_coverage"]], asked)
    for row in ours["at_coverage"]:
        # As many of the surest as are needed, and all that are as sure as the last of them.
        need = int(np.ceil(row["coverage"] * len(p) - 1e-9))
        answered = confidence >= np.sort(confidence)[::-1][need - 1]
        name = f"{what} at {row['coverage']}"
        check.same(f"{name} risk", row["risk"]["value"], wrong[answered].mean())
        check.same(f"{name} reached", row["reached"], answered.mean())


def check_group(check, what, truth, p, slices, studies, ours):
    """`studies`: which of them the group has."""
    patients = ours["patients"]
    check_method(
        check, what, truth[studies], p[studies].argmax(axis=1), p[studies], patients["network"]
    )
    check_risk(check, what, truth[studies], p[studies], patients["risk_coverage"])
    sure = (p.argmax(axis=1) != 0) & (p.max(axis=1) >= np.float32(0.9))
    check.same(
        f"{what} confidently wrong",
        patients["confidently_wrong"]["value"],
        share(sure, studies & (truth == 0)),
    )
    own = studies[slices["study"]]
    healthy = own & (truth[slices["study"]] == 0)
    check.same(
        f"{what} healthy slices",
        ours["healthy_slices"]["value"],
        share(slices["p"].argmax(axis=1) == 0, healthy),
    )
    lesions = ours["lesions"]
    check_ranking(
        check,
        f"{what} lesion",
        slices["lesion"][own],
        slices["lesion_p"][own],
        lesions["auc"],
        lesions["roc"],
    )


def enlarge(grid):
    """Bilinear, cells as wide as MASK_SIZE / MAP_SIZE, flat beyond the outer centres."""
    place = np.clip((np.arange(MASK_SIZE) + 0.5) * MAP_SIZE / MASK_SIZE - 0.5, 0, MAP_SIZE - 1)
    low = np.minimum(place.astype(int), MAP_SIZE - 2)
    weights = np.zeros((MASK_SIZE, MAP_SIZE))
    weights[np.arange(MASK_SIZE), low] = 1 - (place - low)
    weights[np.arange(MASK_SIZE), low + 1] = place - low
    return weights @ np.array(grid, dtype=np.float64) @ weights.T


def check_maps(check, maps, results, ours):
    expected = []
    for i, (given, result) in enumerate(zip(maps, results, strict=True)):
        # Rounded, so that pixels of one value do not differ by how they were computed.
        large, mask = enlarge(given["map"]), np.array(given["mask"]) > 0
        row, column = np.unravel_index(np.argmax(np.round(large, 5)), large.shape)
        reach = MASK_SIZE // MAP_SIZE // 2
        hit = mask[
            max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
        ].any()
        precision = metrics.average_precision_score(mask.ravel(), np.round(large, 5).ravel())
        check.same(f"map {i} hit", result["hit"], hit)
        check.same(f"map {i} average precision", result["average_precision"], precision, 5e-4)
        above = [large >= t / 100 for t in range(1, 100)]
        overlap = [(mask & high).sum() / (mask | high).sum() for high in above]
        check.same(
            f"map {i} IoU at 0.40",
            overlap[39],
            metrics.jaccard_score(mask.ravel(), above[39].ravel()),
        )
        check.same(f"map {i} IoU", result["overlap"], overlap, 5e-3)  # a pixel at a threshold
        expected.append((hit, precision, overlap))
    overlaps = np.array([overlap for _, _, overlap in expected]).mean(axis=0)
    check.same(
        "pointing game", ours["pointing_game"]["value"], np.mean([hit for hit, _, _ in expected])
    )
    check.same(
        "mean AP", ours["average_precision"]["value"], np.mean([ap for _, ap, _ in expected]), 5e-4
    )
    check.same("best IoU", ours["intersection_over_union"]["value"], overlaps.max(), 1e-3)
    chance = np.mean([np.mean(given["mask"]) for given in maps])
    check.same("AP by chance", ours["average_precision_by_chance"], chance)
    check.same(
        "map counts", [ours["lesion_slices"], ours["mapped_slices"]], [len(maps) + 1, len(maps)]
    )


def run(dump, case, seed, shares, studies, skill, ties):
    rng, check = np.random.default_rng(seed), Checker(case)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        truth, p, counted, lungs, slices = make(
            rng, folder, "predictions", shares, studies, skill, ties
        )
        fit_truth, fit_p, _, _, _ = make(
            rng, folder, "calibration", [0.25] * 4, 200, 0.7, ties, "fit-"
        )
        maps = make_maps(rng, folder, studies)
        subprocess.run([dump, folder], check=True)
        ours = json.loads((folder / "evaluation" / "evaluation.json").read_text())
        map_results = json.loads((folder / "map_results.json").read_text())
    patients, called = ours["patients"], p.argmax(axis=1)
    check_group(check, "patients", truth, p, slices, np.full(studies, fill_value=True), ours)
    for name in ("real", "synthetic"):
        check_group(check, name, truth, p, slices, lungs == name, ours["by_lungs"][name])
    check.same(
        "distinct patients",
        patients["distinct_patients"],
        studies - len(range(0, studies, 4)) + len(range(0, studies, 16)),
    )
    check_method(check, "counted", truth, counted, None, patients["non_parametric"])
    slice_called = slices["p"].argmax(axis=1)
    check_method(check, "slices", slices["truth"], slice_called, slices["p"], ours["slices"])
    lesions = ours["lesions"]
    check_ranking(
        check, "lesion", slices["lesion"], slices["lesion_p"], lesions["auc"], lesions["roc"]
    )
    precision = (
        metrics.average_precision_score(slices["lesion"], slices["lesion_p"])
        if slices["lesion"].any()
        else None
    )
    check.same("lesion AP", lesions["average_precision"]["value"], precision)

    right = called == truth
    check_interval(
        check,
        rng,
        "accuracy",
        lambda drawn: right[drawn].mean(),
        np.arange(studies),
        studies,
        patients["network"]["accuracy"],
    )
    slice_right = slice_called == slices["truth"]
    check_interval(
        check,
        rng,
        "slice accuracy",
        lambda drawn: slice_right[drawn].mean(),
        slices["study"],
        studies,
        ours["slices"]["accuracy"],
    )
    check_p_value(check, rng, truth, called, counted, patients["accuracy_p_value"])
    check_temperature(check, fit_truth, fit_p, truth, p, ours["temperature"])
    check_maps(check, maps, map_results, ours["maps"])
    print(f"{case}: {check.compared} figures compared, {check.failed} differ")
    return check.failed


def main():
    dump = sys.argv[1]
    failed = run(dump, "balanced", 1, [0.25] * 4, 160, 1.5, False)
    failed += run(dump, "ties", 2, [0.25] * 4, 120, 1.0, True)
    failed += run(dump, "skewed", 3, [0.9, 0.06, 0.03, 0.01], 150, 2.0, True)
    failed += run(dump, "absent class", 4, [0.5, 0.3, 0.0, 0.2], 60, 0.0, True)
    failed += run(dump, "no disease", 5, [1.0, 0.0, 0.0, 0.0], 30, 0.5, False)
    failed += run(dump, "one disease", 6, [0.0, 1.0, 0.0, 0.0], 30, 0.5, True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
