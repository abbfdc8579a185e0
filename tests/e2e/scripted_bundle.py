# SPDX-License-Identifier: Apache-2.0
"""Bundles around slice networks written in TorchScript, for tests and benches."""

import hashlib
import json
import shutil

import service
import torch


class MeanNet(torch.nn.Module):
    def forward(self, features: torch.Tensor):
        return torch.full((4,), 0.25) + 0 * features.mean()


def bundle_of(slice_net, models, name):
    """A bundle around `slice_net`, everything else in order."""
    folder = models / name / "1"
    folder.mkdir(parents=True)
    made = service.untrained_models(4, 64) / "m3lung-untrained" / "1"
    shutil.copy(made / "golden.hu", folder)
    torch.jit.script(slice_net).save(str(folder / "slice.ts"))
    torch.jit.script(MeanNet()).save(str(folder / "patient.ts"))
    manifest = json.loads((made / "manifest.json").read_text())
    manifest.update(name=name, version="1", feature_size=8)
    for file in manifest["files"]:
        manifest["files"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    golden = manifest["golden"]
    golden["probabilities"] = [[0.25] * 4] * golden["slices"]
    golden["lesion_probabilities"] = [0.5] * golden["slices"]
    golden["patient_probabilities"] = [0.25] * 4
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
