# SPDX-License-Identifier: Apache-2.0
"""Several versions of one model in the folder, and what is counted of their batches."""

import json
import shutil
import unittest

import service
from service import model_pb2, screening


class Versions(unittest.TestCase):
    def setUp(self):
        self.models = service.scratch("models")
        made = service.untrained_models(4, 64) / "m3lung-untrained" / "1"
        for version in ("9", "10"):
            folder = self.models / "m3lung-untrained" / version
            shutil.copytree(made, folder)
            manifest = json.loads((folder / "manifest.json").read_text())
            manifest["version"] = version
            (folder / "manifest.json").write_text(json.dumps(manifest))
        one = service.screening.HuSlice(
            rows=64, columns=64, hu=b"\0\0" * 64 * 64, row_spacing_mm=1, column_spacing_mm=1
        )
        self.request = screening.AnalyzeSliceRequest(hu_slice=one)

    def test_the_newest_by_number_answers(self):
        with service.Server(self.models) as server, server.channel() as channel:
            models = service.model_pb2_grpc.ModelServiceStub(channel)
            listed = models.ListModels(model_pb2.ListModelsRequest()).models
            self.assertEqual(
                [(model.reference.version, model.is_default) for model in listed],
                [("9", False), ("10", True)],
            )
            newest = models.GetModel(model_pb2.GetModelRequest()).model
            self.assertEqual(newest.reference.version, "10")
            stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
            self.assertEqual(stub.AnalyzeSlice(self.request).model, newest.reference)
            self.request.model_version = "9"
            self.assertEqual(stub.AnalyzeSlice(self.request).model, listed[0].reference)

    def test_copies_that_fill_a_batch_up_are_counted_apart(self):
        batches = service.config("batching { sizes: 4 }")
        with service.Server(self.models, batches) as server, server.screening() as stub:
            for _ in range(2):
                stub.AnalyzeSlice(self.request)
            _, samples = server.metrics()
        self.assertEqual(samples["m3lung_batch_slices_sum"], 2)
        self.assertEqual(samples["m3lung_batch_slices_count"], 2)
        self.assertEqual(samples["m3lung_batch_studies_sum"], 2)
        self.assertEqual(samples["m3lung_batch_filled_slices_total"], 6)


if __name__ == "__main__":
    service.main()
