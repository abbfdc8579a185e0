# SPDX-License-Identifier: Apache-2.0
"""A slice network compiled by AOTInductor, in the running server, beside slice.ts."""

import shutil
import subprocess
import sys
import unittest

import service

COMPILE = service.ROOT / "scripts" / "compile_bundle.py"


class Compiled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = service.scratch("models") / "models"
        shutil.copytree(service.untrained_models(base_width=8, input_size=128), cls.models)
        (cls.bundle,) = (path.parent for path in cls.models.rglob("manifest.json"))
        cls.files = service.synthetic_study(slices=24)

    def answer(self, config):
        """What the server runs the network by, its answer and its log."""
        with (
            service.Server(self.models, service.config(config)) as server,
            server.screening() as stub,
        ):
            with server.channel() as channel:
                models = service.model_pb2_grpc.ModelServiceStub(channel)
                (model,) = models.ListModels(service.model_pb2.ListModelsRequest()).models
            answer = service.analyze(stub, [service.header(), *service.file_requests(self.files)])
            return model.runs_on, answer, server.log()

    def test_gives_the_same_answers_and_gives_way_when_it_does_not_fit(self):
        done = subprocess.run([sys.executable, COMPILE, self.bundle], capture_output=True, text=True,
                              timeout=service.HANG_SECONDS, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        runs_on, expected, _ = self.answer("")
        self.assertEqual(runs_on, "TorchScript fp32, fused")  # unless asked for
        runs_on, compiled, _ = self.answer("compiled_networks: true")
        self.assertEqual(runs_on, "AOTInductor fp32")
        service.assert_same_answer(self, compiled, expected, tolerance=1e-4)

        package = self.bundle / "compiled" / "slice.pt2"
        package.write_bytes(package.read_bytes()[:-1] + b"?")
        runs_on, answer, log = self.answer("compiled_networks: true")
        self.assertEqual(runs_on, "TorchScript fp32, fused")
        self.assertIn("is not what compiled.json says; compile it again", log)
        service.assert_same_answer(self, answer, expected)


if __name__ == "__main__":
    service.main()
