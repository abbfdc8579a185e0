// SPDX-License-Identifier: Apache-2.0
// A model without networks: what it answers can be told from what it is given.
#ifndef M3LUNG_TESTS_TESTING_FAKE_RUNNER_H_
#define M3LUNG_TESTS_TESTING_FAKE_RUNNER_H_

#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "model/engine/inference.h"
#include "tests/testing/await.h"

namespace m3lung::testing {

// Scores a slice by its first pixel p: features {p}, class p mod 4 with
// probability 0.7 and 0.1 each for the others, lesion probability p / 100, a map of 2 x 2.
// The patient's class is that of the first (topmost) slice.
class FakeRunner final : public InferenceRunner {
 public:
  explicit FakeRunner(int input_size = 4, int concurrent_batches = 1)
      : input_size_(input_size), concurrent_batches_(concurrent_batches) {}

  int concurrent_batches() const override { return concurrent_batches_; }

  int input_size() const override { return input_size_; }

  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override {
    absl::MutexLock lock(&mu_);
    const auto open = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !held_; };
    std::vector<int> batch;
    for (const int16_t* slice : slices) batch.push_back(*slice);
    batches_.push_back(batch);
    Await(mu_, absl::Condition(&open), "a held runner to be let go");
    if (throws_) throw std::bad_alloc();
    if (!failure_.ok()) return failure_;
    std::vector<SliceScores> scores;
    for (const int pixel : batch) {
      SliceScores& score = scores.emplace_back();
      score.probabilities = Certain(pixel);
      score.lesion_probability = static_cast<float>(pixel) / 100;
      score.map.rows = score.map.columns = 2;
      score.map.values = {0, 0.25F, 0.5F, 1};
      score.features = {static_cast<float>(pixel)};
    }
    return scores;
  }

  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override {
    absl::MutexLock lock(&mu_);
    patient_.clear();
    for (const std::vector<float>* one : features)
      patient_.push_back(static_cast<int>(one->front()));
    if (throws_) throw std::bad_alloc();
    if (!failure_.ok()) return failure_;
    return Certain(patient_.front());
  }

  absl::Status CheckDevice() override {
    absl::MutexLock lock(&mu_);
    return device_;
  }

  // First pixels of the slices in each batch that was begun, copies that fill it
  // up included.
  std::vector<std::vector<int>> batches() const {
    absl::MutexLock lock(&mu_);
    return batches_;
  }
  // Blocks until `count` batches have been begun.
  void WaitForBatches(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return batches_.size() >= count; };
    Await(mu_, absl::Condition(&enough), absl::StrCat(count, " batches to begin"));
  }
  // What AssessPatient() was last given.
  std::vector<int> patient() const {
    absl::MutexLock lock(&mu_);
    return patient_;
  }
  // A held runner begins a batch and does not end it.
  void Hold(bool held) {
    absl::MutexLock lock(&mu_);
    held_ = held;
  }
  void FailWith(absl::Status failure) {
    absl::MutexLock lock(&mu_);
    failure_ = std::move(failure);
  }
  // A runner that throws where it should say that it has failed.
  void Throw(bool throws) {
    absl::MutexLock lock(&mu_);
    throws_ = throws;
  }
  void FailDevice(absl::Status failure) {
    absl::MutexLock lock(&mu_);
    failure_ = failure;
    device_ = std::move(failure);
  }

 private:
  static ClassProbabilities Certain(int pixel) {
    ClassProbabilities probabilities = {0.1F, 0.1F, 0.1F, 0.1F};
    probabilities[(pixel % kClasses + kClasses) % kClasses] = 0.7F;
    return probabilities;
  }

  const int input_size_;
  const int concurrent_batches_;
  mutable absl::Mutex mu_;
  std::vector<std::vector<int>> batches_ ABSL_GUARDED_BY(mu_);
  std::vector<int> patient_ ABSL_GUARDED_BY(mu_);
  bool throws_ ABSL_GUARDED_BY(mu_) = false;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  absl::Status device_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_FAKE_RUNNER_H_
