# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the models change while the server goes on."""

import shutil
import threading
import unittest

import service
from service import header


class Reload(unittest.TestCase):
    def setUp(self):
        self.models = service.scratch("models")
        # Wide enough that weights show which somebody keeps.
        self.bundles = [
            service.untrained_models(16, 64, seed) / "m3lung-untrained" / "1" for seed in (1, 2)
        ]
        self.put(0)
        self.study = [header(), *service.file_requests(service.synthetic_study())]

    def put(self, which):
        """Puts a bundle in the place of the one that is there."""
        place = self.models / "m3lung-untrained" / "1"
        place.parent.mkdir(exist_ok=True)
        fresh = self.models / ".fresh"
        shutil.copytree(self.bundles[which], fresh)
        if place.exists():
            place.rename(self.models / ".stale")
        fresh.rename(place)
        shutil.rmtree(self.models / ".stale", ignore_errors=True)

    def reload(self, server, which):
        self.put(which)
        _, before = server.metrics()
        server.reload()
        name = 'm3lung_model_reloads_total{outcome="ok"}'
        while True:
            _, samples = server.metrics()
            if samples.get(name, 0) > before.get(name, 0):
                return

    def test_a_study_keeps_the_model_that_it_began_with(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def requests():
            yield header(crop_mode="PAPER")
            yield from self.study[1:-2]
            go_on.wait(service.HANG_SECONDS)
            yield from self.study[-2:]

        with service.Server(self.models) as server, server.screening() as stub:
            old = service.analyze(stub, self.study)
            call = stub.AnalyzeStudy(requests(), timeout=service.HANG_SECONDS)
            seen = [next(call)]
            self.reload(server, 1)
            new = service.analyze(stub, self.study)
            go_on.set()
            begun_before = service.collect([*seen, *call])
        self.assertEqual(begun_before.patient.model, old.patient.model)
        self.assertNotEqual(new.patient.model.digest, old.patient.model.digest)
        self.assertNotEqual(list(new.patient.probabilities), list(old.patient.probabilities))

    def test_a_broken_bundle_changes_nothing(self):
        with service.Server(self.models) as server, server.screening() as stub:
            before = service.analyze(stub, self.study)
            (self.models / "m3lung-untrained" / "1" / "manifest.json").write_text("{")
            server.reload()
            while True:
                _, samples = server.metrics()
                if samples.get('m3lung_model_reloads_total{outcome="failed"}', 0):
                    break
            service.assert_same_answer(self, service.analyze(stub, self.study), before)
            self.assertIn("the models stay as they are", server.log())

    def test_fifty_reloads_leave_the_memory_as_it_was(self):
        with service.Server(self.models) as server, server.screening() as stub:

            def level_after(reloads):
                """The least of the last twenty: what a study has just used comes on top, a few
                hundredths, and differs with the places that malloc found for it."""
                samples = []
                for turn in range(reloads):
                    self.reload(server, (turn + 1) % 2)
                    service.analyze(stub, self.study)
                    samples.append(server.resident_bytes())
                return min(samples[-20:])

            before = level_after(30)
            self.assertLessEqual(level_after(50), 1.05 * before)


if __name__ == "__main__":
    service.main()
