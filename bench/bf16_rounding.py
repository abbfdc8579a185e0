# SPDX-License-Identifier: Apache-2.0
"""What bfloat16 does to a model's answers, on any processor.

Computes the slice network in float32 and rounds weights, and what each convolution and sum takes
and gives, to bfloat16: what processors with such instructions do, but for the order of sums.
`m3lung-train precision` is the test that counts; without those instructions it takes hours for a
split, and this takes minutes.

Usage: bf16_rounding.py BUNDLE PREPARED [--studies=EVERY-NTH] [--slices=EVERY-NTH]
PREPARED is what m3lung-train prepare wrote; its split test is used. Run it with .deps/venv/bin/python.
"""

import argparse
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from runner import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import compile_bundle  # noqa: E402


def rounded(x):
    return x.bfloat16().float()


class RoundingNet(compile_bundle.SliceNet):
    def fold(self, conv, norm, tensors):
        super().fold(conv, norm, tensors)
        for part in (".weight", ".bias"):
            name = (conv + part).replace(".", "__")
            setattr(self, name, rounded(getattr(self, name)))

    def conv(self, x, name, stride=1):
        return rounded(super().conv(rounded(x), name, stride))

    def res_block(self, x, layer, stride):
        block = 0
        while hasattr(self, f"layer{layer}__{block}__conv1__weight"):
            here, step = f"layer{layer}.{block}", stride if block == 0 else 1
            y = F.relu(self.conv(x, here + ".conv1"))
            y = F.relu(self.conv(y, here + ".conv2", step))
            y = self.conv(y, here + ".conv3")
            if block == 0:
                x = self.conv(x, here + ".downsample.0", step)
            x = F.relu(rounded(x + y))
            block += 1
        return x


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("prepared", type=pathlib.Path)
    parser.add_argument("--studies", type=int, default=4)
    parser.add_argument("--slices", type=int, default=6)
    options = parser.parse_args()
    manifest = json.loads((options.bundle / "manifest.json").read_text())
    size = manifest["input_size"]
    full = torch.jit.load(str(options.bundle / "slice.ts"))
    reduced = RoundingNet(full, manifest, "fp32").eval()
    index = json.loads((options.prepared / "prepared.json").read_text())
    test = [study["study"] for study in index["studies"] if study["split"] == "test"]
    worst, other_label = [], 0
    with torch.inference_mode():
        for study in test[:: options.studies]:
            data = bytearray((options.prepared / study / "slices.hu").read_bytes())
            hu = torch.frombuffer(data, dtype=torch.int16).view(-1, size, size)[:: options.slices]
            one, other = full(hu), reduced(hu)
            worst.append(
                torch.maximum((one[0] - other[0]).abs().amax(1), (one[1] - other[1]).abs().amax(1))
            )
            other_label += (one[0].argmax(1) != other[0].argmax(1)).sum().item()
    worst = torch.cat(worst)
    print(f"{len(worst)} slices: {other_label} with another label, {(worst > 0.01).sum().item()} beyond 0.01; "
          f"largest difference {worst.max().item():.4f}, median {worst.median().item():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
