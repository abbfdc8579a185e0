# SPDX-License-Identifier: Apache-2.0
"""Studies that are sent at once are answered as those sent one after the other."""

import concurrent.futures
import threading

import service

ATTEMPTS = 10


class ConcurrentStudies(service.ServerTest):
    crop_mode = "VOLUME"
    # So long a wait that slices of all studies at hand come to share batches, and one size alone:
    # of several the server takes what is fastest on this machine, which may be single slices.
    config = "batching { sizes: 4 max_wait_ms: 500 }"

    def setUp(self):
        # Of different sizes, so that one goes on alone at the end.
        self.studies = (
            service.synthetic_study("COVID_19", slices=36, seed=1),
            service.synthetic_study("CAP", slices=40, seed=2),
        )

    def together(self, studies):
        """Sends the studies in lockstep, an instance of each in turn: while all
        of them last, slices of every study wait in the server at any time."""
        turn = threading.Barrier(len(studies))
        lockstep = min(map(len, studies))

        def requests(paths):
            yield service.header(expected_instances=len(paths), crop_mode=self.crop_mode)
            for number, path in enumerate(paths):
                if number < lockstep:
                    turn.wait(timeout=service.HANG_SECONDS)
                yield from service.file_requests([path])

        with concurrent.futures.ThreadPoolExecutor(len(studies)) as pool:
            streams = map(requests, studies)
            return list(pool.map(lambda stream: service.analyze(self.stub, stream), streams))

    def alone(self, paths):
        header = service.header(crop_mode=self.crop_mode)
        requests = [header, *service.file_requests(paths)]
        answer = service.analyze(self.stub, requests)
        self.assertEqual(len(answer.slices), len(paths))
        return answer

    def shared_batches(self):
        """How many batches so far held slices of more than one study."""
        _, samples = self.server.metrics()
        alone = samples['m3lung_batch_studies_bucket{le="1"}']
        return samples["m3lung_batch_studies_count"] - alone

    def test_two_studies_at_once_are_answered_as_one_by_one(self):
        expected = [self.alone(paths) for paths in self.studies]
        first, second = (answer.patient for answer in expected)
        # Else a mix-up of the two could not be seen.
        self.assertNotEqual(list(first.probabilities), list(second.probabilities))
        before = self.shared_batches()
        # Where other work delays one of them by as long as the other is scored, they share none.
        for _ in range(ATTEMPTS):
            for got, want in zip(self.together(self.studies), expected):
                service.assert_same_answer(self, got, want)
            if self.shared_batches() > before:
                return
        self.fail(f"in {ATTEMPTS} attempts the studies shared no batch")

    def test_same_study_sent_twice_at_once_is_two_studies(self):
        expected = self.alone(self.studies[0])
        for got in self.together((self.studies[0], self.studies[0])):
            service.assert_same_answer(self, got, expected)

    def test_order_of_sending_does_not_matter(self):
        paths = self.studies[0]
        forwards, backwards = self.alone(paths), self.alone(paths[::-1])
        last = len(paths) - 1
        self.assertEqual(
            list(forwards.patient.instances_head_to_feet),
            [last - number for number in backwards.patient.instances_head_to_feet],
        )
        service.assert_close(
            self, forwards.patient.probabilities, backwards.patient.probabilities, 1e-5
        )


class ConcurrentPaperStudies(ConcurrentStudies):
    crop_mode = "PAPER"


if __name__ == "__main__":
    service.main()
