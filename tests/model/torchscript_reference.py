# SPDX-License-Identifier: Apache-2.0
"""The exported networks against Python's torch, in two ways.

1. slice.ts and patient.ts as Python's torch runs them, against what the C++
   runner said (written by write_reference_bundle).
2. The method of the paper written a second time, with plain tensor functions and
   the files' parameters by name, against the same.

    torchscript_reference.py FOLDER
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

TOLERANCE = 1e-4


class SliceReference:
    """Sections III-B and IV-A; `p` holds the parameters and buffers by name."""

    def __init__(self, module, manifest):
        self.p = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        self.manifest = manifest

    def conv_norm(self, x, conv, norm, stride=1):
        weight = self.p[conv + ".weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.batch_norm(
            x,
            self.p[norm + ".running_mean"],
            self.p[norm + ".running_var"],
            self.p[norm + ".weight"],
            self.p[norm + ".bias"],
        )

    def res_block(self, x, name, stride):
        block = 0
        while f"{name}.{block}.conv1.weight" in self.p:
            here, step = f"{name}.{block}", stride if block == 0 else 1
            y = F.relu(self.conv_norm(x, here + ".conv1", here + ".bn1"))
            y = F.relu(self.conv_norm(y, here + ".conv2", here + ".bn2", step))
            y = self.conv_norm(y, here + ".conv3", here + ".bn3")
            if here + ".downsample.0.weight" in self.p:
                x = self.conv_norm(x, here + ".downsample.0", here + ".downsample.1", step)
            x = F.relu(x + y)
            block += 1
        return x

    def location_map(self, feature, lesion_probability):
        """feature [C, g, g] -> [g, g] in [0, 1], point by point."""
        prototypes = self.p["lesion_fc.weight"].double()
        own = int(torch.argmax(lesion_probability))
        closeness = torch.zeros(feature.shape[1:], dtype=torch.float64)
        for i in range(feature.shape[1]):
            for j in range(feature.shape[2]):
                point = feature[:, i, j].double()
                closeness[i, j] = {
                    "inner_product": lambda: point @ (prototypes[own] - prototypes[1 - own]),
                    "cosine": lambda: (
                        point @ prototypes[own] / (point.norm() * prototypes[own].norm())
                    ),
                    "euclidean": lambda: -torch.dist(point, prototypes[own]),
                }[self.manifest["map_measure"]]()
        return ((closeness - closeness.min()) / (closeness.max() - closeness.min())).float()

    def window(self, hu, centre):
        """One slice through one window: its lesion and class probabilities, ResBlock3's feature, features."""
        cut = self.manifest["windows"]
        grey = np.clip(
            (hu.astype(np.float64) - centre + cut["width_hu"] / 2) / cut["width_hu"], 0, 1
        )
        channels = [(grey - m) / d for m, d in zip(cut["channel_mean"], cut["channel_deviation"])]
        x = torch.from_numpy(np.stack(channels)[None]).float()
        x = F.relu(self.conv_norm(x, "conv1", "bn1", 2))
        x = F.max_pool2d(x, 3, 2, 1)
        for name, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2)):
            x = self.res_block(x, name, stride)
        pooled3 = x.mean((2, 3))
        lesion = F.linear(pooled3, self.p["lesion_fc.weight"], self.p["lesion_fc.bias"]).softmax(1)
        side = x.shape[-1]
        line = np.linspace(-1, 1, side)
        across, down = np.meshgrid(line, line)
        coordinates = torch.from_numpy(
            np.stack([across, down, np.hypot(across, down)])[None]
        ).float()
        attention = self.location_map(x[0], lesion[0])[None, None]
        y = self.res_block(torch.cat([x, attention, coordinates], 1), "layer4", 2)
        pooled4 = y.mean((2, 3))
        classes = F.linear(pooled4, self.p["fc.weight"], self.p["fc.bias"]).softmax(1)
        return lesion[0], classes[0], x[0], torch.cat([pooled3, pooled4], 1)[0]

    def __call__(self, hu):
        windows = [self.window(hu, c) for c in self.manifest["windows"]["centres_hu"]]
        combined = []
        for lesion, classes, _, _ in windows:
            scaled = lesion[1] * classes
            combined.append(torch.cat([(lesion[0] + scaled[0])[None], scaled[1:]]))
        lesion = torch.stack([w[0] for w in windows]).mean(0)
        maps = [self.location_map(w[2], lesion) for w in windows]
        return {
            "probabilities": torch.stack(combined).mean(0),
            "lesion_probability": lesion[1],
            "map": torch.stack(maps).mean(0).flatten(),
            "features": torch.stack([w[3] for w in windows]).mean(0),
        }


def patient_reference(p, features, reduced, scales=(1, 2, 3, 4)):
    """Section III-C as docs/adr/0005-patient-net.md reads it; features [N, D]."""

    def fc(name, x):
        return F.linear(x, p[name + ".weight"], p[name + ".bias"])

    n, summaries = len(features), []
    for parts in scales:
        for part in range(parts):
            f = features[part * n // parts : math.ceil((part + 1) * n / parts)]
            heads = []
            q, k, v = (
                fc("refine_" + name, f).split(reduced, 1) for name in ("query", "key", "value")
            )
            for head in range(len(q)):
                heads.append(F.softmax(q[head] @ k[head].T / reduced**0.5, dim=1) @ v[head])
            f = f + fc("refine_out", torch.cat(heads, 1))
            weights = F.softmax(fc("aggregate_key", f) @ p["aggregate_query"] / reduced**0.5, dim=0)
            summaries.append(weights @ fc("aggregate_value", f))
    return fc("classifier", F.relu(fc("reduce", torch.cat(summaries)))).softmax(0)


class Comparison:
    def __init__(self):
        self.worst, self.values = 0.0, 0

    def __call__(self, what, got, expected):
        got = torch.as_tensor(got, dtype=torch.float64).flatten()
        expected = torch.as_tensor(expected, dtype=torch.float64).flatten()
        if got.shape != expected.shape:
            sys.exit(f"{what}: {len(got)} values, expected {len(expected)}")
        # Features are not probabilities: their error is taken by their size.
        error = ((got - expected).abs() / expected.abs().clamp(min=1)).max().item()
        self.worst, self.values = max(self.worst, error), self.values + len(got)
        if not error <= TOLERANCE:
            sys.exit(f"{what}: differs by {error:.3g}, more than {TOLERANCE}")


def main(folder):
    torch.set_grad_enabled(False)
    compare = Comparison()
    bundles = sorted(folder.glob("*/1/manifest.json"))
    if len(bundles) != 3:
        sys.exit(f"expected 3 bundles in {folder}, found {len(bundles)}")
    for path in bundles:
        manifest = json.loads(path.read_text())
        name, size = manifest["name"], manifest["input_size"]
        runner = json.loads((folder / f"{name}.json").read_text())
        hu = np.fromfile(path.parent / "golden.hu", dtype="<i2").reshape(-1, size, size)
        slice_net = torch.jit.load(path.parent / "slice.ts")
        patient_net = torch.jit.load(path.parent / "patient.ts")

        classes, lesion, maps, features = slice_net(torch.from_numpy(hu))
        reference = SliceReference(slice_net, manifest)
        for i, expected in enumerate(runner["slices"]):
            compare(
                f"{name}: slice.ts, slice {i}, probabilities", classes[i], expected["probabilities"]
            )
            compare(
                f"{name}: slice.ts, slice {i}, lesion", lesion[i, 1], expected["lesion_probability"]
            )
            compare(f"{name}: slice.ts, slice {i}, map", maps[i], expected["map"])
            compare(f"{name}: slice.ts, slice {i}, features", features[i], expected["features"])
            for key, value in reference(hu[i]).items():
                compare(f"{name}: method, slice {i}, {key}", value, expected[key])

        p = dict(patient_net.named_parameters())
        for n, expected in enumerate(runner["patients"], start=1):
            compare(f"{name}: patient.ts, {n} slices", patient_net(features[:n]), expected)
            again = patient_reference(p, features[:n], reduced=len(p["aggregate_query"]))
            compare(f"{name}: method, {n} slices", again, expected)
    print(f"{compare.values} values compared, worst difference {compare.worst:.2g}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
