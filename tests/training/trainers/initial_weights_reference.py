# SPDX-License-Identifier: Apache-2.0
"""Initial weights from a state dict with torchvision's names and shapes, by Python's torch.

Usage: initial_weights_reference.py INITIAL_WEIGHTS_DUMP FOLDER
"""

import collections
import pathlib
import subprocess
import sys

import torch

WIDTHS = (64, 128, 256, 512)
BLOCKS = (3, 4, 6, 3)
EXTRA = 4  # a location map and three coordinate maps


def resnet50_shapes():
    """Names and shapes of torchvision.models.resnet50().state_dict(), in its order."""
    shapes = {}

    def norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)
        shapes[f"{name}.num_batches_tracked"] = ()

    shapes["conv1.weight"] = (64, 3, 7, 7)
    norm("bn1", 64)
    channels = 64
    for layer, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS), start=1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            shapes[f"{name}.conv1.weight"] = (width, channels, 1, 1)
            norm(f"{name}.bn1", width)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            norm(f"{name}.bn2", width)
            shapes[f"{name}.conv3.weight"] = (4 * width, width, 1, 1)
            norm(f"{name}.bn3", 4 * width)
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (4 * width, channels, 1, 1)
                norm(f"{name}.downsample.1", 4 * width)
            channels = 4 * width
    shapes["fc.weight"] = (1000, 2048)
    shapes["fc.bias"] = (1000,)
    return shapes


def random_state_dict():
    generator = torch.Generator().manual_seed(5)
    state = {}
    for name, shape in resnet50_shapes().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(17)
        else:
            state[name] = torch.rand(shape, generator=generator)
    return state


def run(dump, state, folder):
    torch.save(state, folder / "state.pth")
    return subprocess.run(
        [dump, folder / "state.pth", folder / "net.pt"], capture_output=True, text=True
    )


def check_loaded(state, net):
    checked = 0
    for name, tensor in state.items():
        if name.startswith("fc."):
            continue
        loaded = net[name]
        if name in ("layer4.0.conv1.weight", "layer4.0.downsample.0.weight"):
            assert loaded.shape[1] == tensor.shape[1] + EXTRA, name
            assert not loaded[:, tensor.shape[1] :].any(), (
                f"{name}: the extra channels do not start at 0"
            )
            loaded = loaded[:, : tensor.shape[1]]
        assert torch.equal(loaded, tensor), name
        checked += 1
    assert checked == len(state) - 2 == 318, checked
    assert net["fc.weight"].shape == (4, 2048)
    assert net["lesion_fc.weight"].shape == (2, 1024)


def main():
    dump, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    state = random_state_dict()

    done = run(dump, state, folder)
    assert done.returncode == 0, done.stderr
    check_loaded(state, torch.load(folder / "net.pt", weights_only=False))

    lacking = {name: tensor for name, tensor in state.items() if name != "layer3.5.bn2.running_var"}
    done = run(dump, lacking, folder)
    assert done.returncode == 1 and "lack layer3.5.bn2.running_var" in done.stderr, done.stderr

    narrow = {**state, "layer1.0.conv1.weight": torch.rand(32, 64, 1, 1)}
    done = run(dump, narrow, folder)
    assert done.returncode == 1 and "layer1.0.conv1.weight is [32, 64, 1, 1]" in done.stderr, (
        done.stderr
    )

    done = run(dump, torch.rand(3), folder)
    assert done.returncode == 1 and "holds no state dict" in done.stderr, done.stderr

    done = run(dump, collections.OrderedDict(state), folder)
    assert done.returncode == 1 and "torch.save(dict(state_dict), path)" in done.stderr, done.stderr
    for file in folder.iterdir():
        file.unlink()
    print("initial weights: as they were saved; five state dicts tried")


if __name__ == "__main__":
    main()
