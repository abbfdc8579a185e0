# SPDX-License-Identifier: Apache-2.0
"""Compiles a bundle's slice network for this machine's processor, with AOTInductor.

Writes BUNDLE/compiled/: slice.pt2, native code made from the weights in slice.ts, and
compiled.json, which says from which. m3lungd uses it where `compiled_networks: true` is in
its configuration, the processor offers what it was compiled for, and it computes what
slice.ts does; else slice.ts, as without it.

Usage: compile_bundle.py BUNDLE [--precision=fp32|bf16] [--most=N]
BUNDLE is a folder models/NAME/VERSION. Run it with .deps/venv/bin/python; it needs g++.
Exit code: 0 compiled, 1 not (slice.ts and slice.pt2 differ, or torch failed), 2 used wrongly.
Example: .deps/venv/bin/python scripts/compile_bundle.py models/m3lung-demo/1
"""

import argparse
import ctypes
import hashlib
import json
import pathlib
import sys
import time
from typing import Any

import torch
import torch._inductor
import torch.nn.functional as F
from torch import nn

# What the compiled network may differ by from slice.ts's answers, on the golden slices.
TOLERANCE = {"fp32": 1e-4, "bf16": 1e-2}


class SliceNet(nn.Module):
    """The network of model/networks/slice_net.h, from the parameters of slice.ts by their names."""

    def __init__(
        self, scripted: torch.jit.ScriptModule, manifest: dict[str, Any], precision: str
    ) -> None:
        super().__init__()
        tensors = {**dict(scripted.named_parameters()), **dict(scripted.named_buffers())}
        self.dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        for name in ("lesion_fc.weight", "lesion_fc.bias", "fc.weight", "fc.bias", "coordinates",
                     "windows.lowest_hu", "windows.mean", "windows.deviation"):  # fmt: skip
            self.keep(name, tensors[name])
        for norm in [name.removesuffix(".running_mean") for name in tensors
                     if name.endswith(".running_mean")]:  # fmt: skip
            conv = norm.replace("bn", "conv").replace("downsample.1", "downsample.0")
            self.fold(conv, norm, tensors)
        self.windows = len(manifest["windows"]["centres_hu"])
        self.width_hu = manifest["windows"]["width_hu"]
        self.measure = manifest["map_measure"]

    def keep(self, name: str, tensor: torch.Tensor) -> None:
        self.register_buffer(name.replace(".", "__"), tensor.detach().clone())

    def get(self, name: str) -> torch.Tensor:
        return getattr(self, name.replace(".", "__"))

    def fold(self, conv: str, norm: str, tensors: dict[str, torch.Tensor]) -> None:
        """Keeps the convolution with its batch normalisation in it, rounded once."""
        mean, variance, scale, shift = (
            tensors[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = scale / (variance + 1e-5).sqrt()
        weight = tensors[conv + ".weight"] * scale[:, None, None, None]
        self.keep(conv + ".weight",
                  weight.to(self.dtype).contiguous(memory_format=torch.channels_last))  # fmt: skip
        self.keep(conv + ".bias", (shift - mean * scale).to(self.dtype))

    def conv(self, x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        weight = self.get(name + ".weight")
        return F.conv2d(x, weight, self.get(name + ".bias"), stride, weight.shape[-1] // 2)

    def res_block(self, x: torch.Tensor, layer: int, stride: int) -> torch.Tensor:
        block = 0
        while hasattr(self, f"layer{layer}__{block}__conv1__weight"):
            here, step = f"layer{layer}.{block}", stride if block == 0 else 1
            y = F.relu(self.conv(x, here + ".conv1"))
            y = F.relu(self.conv(y, here + ".conv2", step))
            y = self.conv(y, here + ".conv3")
            if block == 0:
                x = self.conv(x, here + ".downsample.0", step)
            x = F.relu(x + y)
            block += 1
        return x

    def maps(self, feature: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
        prototypes = self.get("lesion_fc.weight")
        own, other = (
            prototypes.index_select(0, which)[:, :, None, None]
            for which in (predicted, 1 - predicted)
        )

        def length(x: torch.Tensor) -> torch.Tensor:
            return x.square().sum(1).clamp_min(1e-12).sqrt()

        if self.measure == "inner_product":
            closeness = (feature * (own - other)).sum(1)
        elif self.measure == "cosine":
            closeness = (feature * own).sum(1) / (length(feature) * length(own))
        else:
            closeness = -length(feature - own)
        least, greatest = closeness.amin((1, 2), keepdim=True), closeness.amax((1, 2), keepdim=True)
        return (closeness - least) / (greatest - least).clamp_min(1e-12)

    def forward(
        self, hu: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        grey = ((hu.float()[:, None] - self.get("windows.lowest_hu")) / self.width_hu).clamp(0, 1)
        x = (grey.flatten(0, 1)[:, None] - self.get("windows.mean")) / self.get("windows.deviation")
        x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
        x = F.relu(self.conv(x, "conv1", 2))
        x = F.max_pool2d(x, 3, 2, 1)
        for layer, stride in ((1, 1), (2, 2), (3, 2)):
            x = self.res_block(x, layer, stride)
        feature = x.float()
        pooled3 = feature.mean((2, 3))
        logits = F.linear(pooled3, self.get("lesion_fc.weight"), self.get("lesion_fc.bias"))
        inputs = [x, self.maps(feature, logits.argmax(1))[:, None].to(self.dtype),
                  self.get("coordinates").to(self.dtype).expand(x.shape[0], -1, -1, -1)]  # fmt: skip
        pooled4 = self.res_block(torch.cat(inputs, 1), 4, 2).float().mean((2, 3))
        classes = F.linear(pooled4, self.get("fc.weight"), self.get("fc.bias")).softmax(1)
        lesion = logits.softmax(1)

        def mean_of_windows(values: torch.Tensor) -> torch.Tensor:
            return values.unflatten(0, (-1, self.windows)).mean(1)

        scaled = lesion[:, 1:] * classes
        combined = torch.cat([lesion[:, :1] + scaled[:, :1], scaled[:, 1:]], 1)
        mean_lesion = mean_of_windows(lesion)
        predicted = mean_lesion.argmax(1)[:, None].expand(-1, self.windows).reshape(-1)
        return (mean_of_windows(combined), mean_lesion,
                mean_of_windows(self.maps(feature, predicted)),
                mean_of_windows(torch.cat([pooled3, pooled4], 1)))  # fmt: skip


def compile_network(network: SliceNet, hu: torch.Tensor, most: int, package: pathlib.Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=most)
    with torch.inference_mode():
        exported = torch.export.export(network, (hu,), dynamic_shapes=({0: batch},))
    torch._inductor.config.freezing = True
    # As many as the server gives a batch, not as many as there are here.
    torch._inductor.config.cpp.dynamic_threads = True
    # The server has LibTorch's CPU part loaded; libtorch.so would bring CUDA's too.
    torch._inductor.config.aot_inductor.link_libtorch = False
    torch._inductor.aoti_compile_and_package(exported, package_path=str(package))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("--precision", choices=TOLERANCE, default="fp32")
    parser.add_argument("--most", type=int, default=64, help="slices of the largest batch")
    options = parser.parse_args()
    manifest_file = options.bundle / "manifest.json"
    if not manifest_file.exists():
        parser.error(f"{options.bundle} is no model bundle: it holds no manifest.json")
    manifest = json.loads(manifest_file.read_text())
    if options.precision not in manifest.get("precisions", ["fp32"]):
        sys.exit(f"compile_bundle: the manifest does not allow {options.precision}: the network was not "
                 "found to give the same answers in it (m3lung-train precision)")  # fmt: skip
    size = manifest["input_size"]
    scripted = torch.jit.load(str(options.bundle / "slice.ts"))
    if not hasattr(scripted, "lesion_fc") or not hasattr(scripted, "coordinates"):
        sys.exit(
            "compile_bundle: only the whole method is compiled, not a network without parts of it"
        )
    network = SliceNet(scripted, manifest, options.precision).eval()
    golden = torch.frombuffer(bytearray((options.bundle / "golden.hu").read_bytes()),
                              dtype=torch.int16).view(-1, size, size)  # fmt: skip
    folder = options.bundle / "compiled"
    folder.mkdir(exist_ok=True)
    package = folder / "slice.pt2"
    (folder / "compiled.json").unlink(missing_ok=True)  # a half-made one is not to be found
    print(f"compile_bundle: compiling for {torch.backends.cpu.get_cpu_capability()}, "
          f"{options.precision}; minutes", file=sys.stderr)  # fmt: skip
    start = time.monotonic()
    example = golden.repeat(2, 1, 1)[:2]  # a batch of one would be taken for a constant
    compile_network(network, example, options.most, package)

    # As in the server, where LibTorch is linked: its symbols are everybody's.
    ctypes.CDLL(
        str(pathlib.Path(torch.__file__).parent / "lib/libtorch_cpu.so"), ctypes.RTLD_GLOBAL
    )
    compiled = torch._inductor.aoti_load_package(str(package))
    with torch.inference_mode():
        names = ("class probabilities", "lesion probabilities")
        answers = zip(names, compiled(golden)[:2], scripted(golden)[:2], strict=True)
        for name, got, expected in answers:
            worst = (got - expected).abs().max().item()
            if not worst <= TOLERANCE[options.precision]:
                sys.exit(f"compile_bundle: {name} differ by {worst:.2g} from slice.ts's; nothing "
                         "is to be used")  # fmt: skip
    facts = {
        "format_version": 1,
        "slice_digest": manifest["files"]["slice.ts"],
        "package_digest": hashlib.sha256(package.read_bytes()).hexdigest(),
        "precision": options.precision,
        "tolerance": TOLERANCE[options.precision],
        "most_slices": options.most,
        "torch": torch.__version__.split("+")[0],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    (folder / "compiled.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"compiled {package} in {time.monotonic() - start:.0f} s, "
          f"{package.stat().st_size / 1e6:.1f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
