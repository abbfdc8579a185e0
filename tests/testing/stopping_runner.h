// SPDX-License-Identifier: Apache-2.0
// A model in the middle of whose work somebody asks to stop.
#ifndef M3LUNG_TESTS_TESTING_STOPPING_RUNNER_H_
#define M3LUNG_TESTS_TESTING_STOPPING_RUNNER_H_

#include <stop_token>
#include <vector>

#include "tests/testing/fake_runner.h"

namespace m3lung::testing {

class StoppingRunner final : public InferenceRunner {
 public:
  // Asks once it has run so many batches.
  explicit StoppingRunner(size_t batches) : batches_(batches) {}

  std::stop_token token() const { return stop_.get_token(); }
  size_t batches_run() const { return runner_.batches().size(); }

  int concurrent_batches() const override { return runner_.concurrent_batches(); }
  int input_size() const override { return runner_.input_size(); }
  absl::Status CheckDevice() override { return runner_.CheckDevice(); }
  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override {
    auto scores = runner_.ScoreSlices(slices);
    if (batches_run() >= batches_) stop_.request_stop();
    return scores;
  }
  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override {
    return runner_.AssessPatient(features);
  }

 private:
  const size_t batches_;
  FakeRunner runner_;
  std::stop_source stop_;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_STOPPING_RUNNER_H_
