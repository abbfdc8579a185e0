# SPDX-License-Identifier: Apache-2.0
"""What the load benches share: m3lung bench asked of a running server, and Markdown."""

import json
import pathlib
import platform
import re
import subprocess
import sys

from runner import CORES, ROOT

sys.path.insert(0, str(ROOT / "tests/e2e"))
import service  # noqa: E402


def models_of(bundle):
    """A models folder with this bundle (a folder NAME/VERSION) alone."""
    bundle = bundle.resolve()
    models = service.scratch("models")
    (models / bundle.parent.name).mkdir()
    (models / bundle.parent.name / bundle.name).symlink_to(bundle)
    return models


class Load:
    """`m3lung bench` under way; `flags` as on its command line."""

    def __init__(self, address, studies, *flags):
        self._out = service.scratch("load") / "load.json"
        self._process = subprocess.Popen(
            [service.BIN_DIR / "m3lung", "bench", *map(str, studies), f"--server={address}",
             f"--json={self._out}", *flags],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def result(self):
        """Waits for its end; what it wrote. A load of which nothing was answered counts too."""
        _, errors = self._process.communicate()
        if not self._out.exists():
            raise RuntimeError(f"m3lung bench ended with {self._process.returncode}:\n{errors}")
        return json.loads(self._out.read_text())

    def stop(self):
        self._process.kill()
        self._process.communicate()


def load(address, studies, *flags):
    return Load(address, studies, *flags).result()


def peak_megabytes(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", text)
    flags = re.search(r"flags\s*: (.*)", text)[1].split() if "flags" in text else []
    best = next(
        (flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags), ""
    )
    return f"{CORES} cores of {name[1] if name else platform.machine()}, {best}"
