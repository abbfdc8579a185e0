# SPDX-License-Identifier: Apache-2.0
"""Files that cannot be read, outputs that cannot be written, proxies: what a person's
system does to the programs beside the server."""

import os
import shutil
import subprocess
import sys

import service
from service import results

# A port that nobody listens at; the password must not be seen.
PROXY = "http://user:secret@127.0.0.1:9"


class Files(service.ServerTest):
    def with_dangling_links(self, missing):
        """A study of 40 links into a store that lacks some of the files."""
        study, store = service.scratch("links"), service.scratch("store")
        for number, path in enumerate(service.synthetic_study()):
            (study / path.name).symlink_to(store / path.name)
            if number >= missing:
                shutil.copy(path, store)
        return study

    def test_links_that_lead_nowhere_count_as_missing(self):
        study = self.with_dangling_links(8)
        out = service.scratch("answer") / "answer.json"
        done = service.run("m3lung", "analyze", study, f"--server={self.server.address}",
                           f"--json={out}")  # fmt: skip
        patient = service.json_answer(out).patient
        self.assertNotEqual(patient.verdict, results.OK)
        self.assertIn(results.FEWER_INSTANCES_THAN_EXPECTED, patient.reasons)
        self.assertIn("announced 40 instances, and 32 came", patient.detail)
        self.assertEqual(patient.instances_received, 32)
        self.assertEqual(done.stderr.count("the link leads nowhere"), 8, done.stderr)
        self.assertIn("8 of 40 files cannot be read and count as missing", done.stdout)

    def test_the_python_example_counts_them_too(self):
        folder = service.scratch("example")
        shutil.copy(service.ROOT / "client" / "python" / "analyze_study.py", folder)
        service.make_stubs(folder)
        done = subprocess.run(
            [sys.executable, folder / "analyze_study.py", f"--server={self.server.address}",
             self.with_dangling_links(8)],
            capture_output=True, text=True, timeout=service.HANG_SECONDS,
            env=self.behind_a_proxy(),
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("cannot be read, counts as missing"), 8)
        self.assertIn("FEWER_INSTANCES_THAN_EXPECTED", done.stdout)

    def behind_a_proxy(self):
        environment = {k: v for k, v in os.environ.items() if "no_proxy" not in k.lower()}
        return environment | {"http_proxy": PROXY, "https_proxy": PROXY}

    def test_this_machine_is_reached_without_the_proxy(self):
        for host in ("127.0.0.1", "localhost", "dns:///127.0.0.1"):
            server = f"{host}:{self.server.address.rsplit(':', 1)[1]}"
            done = subprocess.run(
                [service.BIN_DIR / "m3lung", "health", f"--server={server}"],
                capture_output=True, text=True, timeout=service.HANG_SECONDS,
                env=self.behind_a_proxy(),
            )  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    service.main()
