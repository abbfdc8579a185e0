# SPDX-License-Identifier: Apache-2.0
"""What operators rely on: reflection, health, metrics, an orderly stop."""

import queue
import re
import unittest

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import service
from service import results

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Operations(service.ServerTest):
    def send_study(self):
        requests = [service.header(), *service.file_requests(service.synthetic_study())]
        return service.analyze(self.stub, requests)

    def test_reflection_describes_the_services(self):
        with self.server.channel() as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            names = set(database.get_services())
            self.assertLessEqual(
                {
                    "m3lung.v1.ScreeningService",
                    "m3lung.v1.ModelService",
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1alpha.ServerReflection",
                },
                names,
            )
            screening = DescriptorPool(database).FindServiceByName("m3lung.v1.ScreeningService")
            request = screening.methods_by_name["AnalyzeStudy"].input_type
            self.assertEqual(
                [field.name for field in request.fields], ["header", "dicom", "hu_slice"]
            )

    def test_health_is_serving(self):
        with self.server.channel() as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for name in ("liveness", "readiness"):
                with self.subTest(name=name):
                    answer = health.Check(health_pb2.HealthCheckRequest(service=name))
                    self.assertEqual(answer.status, SERVING)
            with self.assertRaises(grpc.RpcError) as caught:
                health.Check(health_pb2.HealthCheckRequest(service="unknown"))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_models_are_listed(self):
        with self.server.channel() as channel:
            models = service.model_pb2_grpc.ModelServiceStub(channel)
            (model,) = models.ListModels(service.model_pb2.ListModelsRequest()).models
            self.assertTrue(model.is_default)
            self.assertEqual(model.input_size, self.input_size)
            self.assertEqual(model.provenance.weights_origin, service.model_pb2.RANDOM)
            self.assertIn("research use only", model.reference.notice.lower())
            request = service.model_pb2.GetModelRequest(
                name=model.reference.name, version=model.reference.version
            )
            self.assertEqual(models.GetModel(request).model, model)
        self.assertEqual(self.send_study().patient.model, model.reference)

    def test_as_many_batches_run_at_once_as_there_are_processors_for(self):
        models = service.untrained_models(4, 64)

        def batches_at_once(configuration):
            with service.Server(models, service.config(configuration)) as server:
                with server.channel() as channel:
                    stub = service.model_pb2_grpc.ModelServiceStub(channel)
                    (model,) = stub.ListModels(service.model_pb2.ListModelsRequest()).models
                    return model.batches_at_once

        one_thread_each = batches_at_once("model_threads: 1")
        self.assertEqual(batches_at_once(""), one_thread_each)  # so small a network wants no more
        self.assertEqual(batches_at_once("model_threads: 1024"), 1)

    def test_metrics_are_wellformed_and_count(self):
        self.send_study()
        _, before = self.server.metrics()
        self.send_study()
        types, after = self.server.metrics()
        ours = {name for name in types if name.startswith("m3lung_")}
        self.assertTrue(ours, "no metric of the project's")
        for sample, value in after.items():
            name = sample.split("{")[0]
            family = name if name in types else re.sub(r"_(bucket|count|sum|total)$", "", name)
            self.assertIn(family, types, f"{sample} has no TYPE")
            if types[family] in ("counter", "histogram"):
                self.assertGreaterEqual(value, before.get(sample, 0), f"{sample} went back")
        grown = {
            sample
            for sample, value in after.items()
            if sample.startswith("m3lung_") and value > before.get(sample, 0)
        }
        self.assertTrue(grown, "a study leaves no trace in the metrics")
        self.check_histograms(types, after)

    def check_histograms(self, types, samples):
        histograms = {name for name, kind in types.items() if kind == "histogram"}
        # Latencies must add up over replicas, which summaries do not.
        summaries = {name for name, kind in types.items() if kind == "summary"}
        self.assertFalse({name for name in summaries if name.startswith("m3lung_")})
        self.assertTrue(any(name.startswith("m3lung_") for name in histograms), types)
        last = {}
        for sample, value in samples.items():
            name = sample.split("{")[0]
            if not name.endswith("_bucket") or name[: -len("_bucket")] not in histograms:
                continue
            series = re.sub(r',?le="[^"]*"', "", sample)
            self.assertGreaterEqual(value, last.get(series, 0), f"{sample} is not cumulative")
            last[series] = value
        for series, value in last.items():
            count = series.replace("_bucket", "_count", 1).replace("{}", "").replace("{,", "{")
            self.assertEqual(samples[count], value, f"{count} is not the last bucket")


class Stop(unittest.TestCase):
    """SIGTERM; that the exit code is 0 is checked wherever a Server is left."""

    def setUp(self):
        self.models = service.untrained_models(16, 128)

    def watch_readiness(self, channel):
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service="readiness")
        )
        self.assertEqual(next(watch).status, SERVING)
        return watch

    def test_idle_server_tells_its_watchers_and_does_not_wait_for_them(self):
        grace = service.config("shutdown_grace_seconds: 3600")
        with service.Server(self.models, grace) as server, server.channel() as channel:
            watch = self.watch_readiness(channel)
            server.terminate()
            self.assertEqual(next(watch).status, NOT_SERVING)
            # The watch stays open: clients with health checking hold one for good.
            self.assertEqual(server.wait(timeout=60), 0)

    def test_open_study_is_still_answered_and_new_ones_are_refused(self):
        paths = service.synthetic_study()
        go_on = queue.Queue()

        def requests():
            # The crop mode that answers while the study is still being sent.
            yield service.header(expected_instances=len(paths), crop_mode="PAPER")
            yield from service.file_requests(paths[:1])
            go_on.get(timeout=service.HANG_SECONDS)
            yield from service.file_requests(paths[1:])

        with service.Server(self.models) as server, server.channel() as channel:
            stub = service.screening_pb2_grpc.ScreeningServiceStub(channel)
            call = stub.AnalyzeStudy(requests(), timeout=service.HANG_SECONDS)
            seen = [next(call)]
            while not seen[-1].HasField("slice"):
                seen.append(next(call))
            watch = self.watch_readiness(channel)
            server.terminate()
            self.assertEqual(next(watch).status, NOT_SERVING)
            watch.cancel()
            with self.assertRaises(grpc.RpcError) as caught:
                service.analyze(stub, [service.header()])
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
            go_on.put(True)
            answer = service.collect([*seen, *call])
            self.assertEqual(results.Verdict.Name(answer.patient.verdict), "OK")
            self.assertEqual(len(answer.slices), len(paths))
            self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    service.main()
