// SPDX-License-Identifier: Apache-2.0
// What the network is given when a study is served is what it was trained on: the same slices in
// the same order, the same pixels, bit for bit.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/thread_pool.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/study/study_session_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "torch/torch.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"
#include "training/data/prepare.h"
#include "training/data/prepared.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::TemporaryFolder;

constexpr int kInputSize = 128;

// Keeps what it is given; the features of a slice are its number in what was kept.
class KeepingRunner final : public InferenceRunner {
 public:
  int concurrent_batches() const override { return 1; }
  int input_size() const override { return kInputSize; }

  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override {
    absl::MutexLock lock(&mu_);
    std::vector<SliceScores> scores;
    for (const int16_t* slice : slices) {
      SliceScores& score = scores.emplace_back();
      score.probabilities = {1, 0, 0, 0};
      score.map = {.rows = 1, .columns = 1, .values = {0}};
      score.features = {static_cast<float>(inputs_.size())};
      inputs_.emplace_back(slice, slice + kInputSize * kInputSize);
    }
    return scores;
  }

  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override {
    absl::MutexLock lock(&mu_);
    for (const std::vector<float>* one : features) {
      head_to_feet_.push_back(inputs_[static_cast<size_t>(one->front())]);
    }
    return ClassProbabilities{1, 0, 0, 0};
  }

  absl::Status CheckDevice() override { return absl::OkStatus(); }

  // Of the scored slices; empty where the patient network was not asked.
  std::vector<std::vector<int16_t>> head_to_feet() const {
    absl::MutexLock lock(&mu_);
    return head_to_feet_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<std::vector<int16_t>> inputs_ ABSL_GUARDED_BY(mu_);
  std::vector<std::vector<int16_t>> head_to_feet_ ABSL_GUARDED_BY(mu_);
};

std::vector<fs::path> FilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The inputs of the study's slices from head to feet, as served in crop mode `volume`.
std::vector<std::vector<int16_t>> Served(const fs::path& folder) {
  auto keeping = std::make_unique<KeepingRunner>();
  KeepingRunner& runner = *keeping;
  auto model = std::make_shared<ServedModel>();
  auto bundle = std::make_shared<Bundle>();
  bundle->manifest.input_size = kInputSize;
  bundle->runner = std::move(keeping);
  model->bundle = std::move(bundle);
  model->reference.set_name("keeping");
  model->batcher =
      *SliceBatcher::Create({.max_wait = absl::ZeroDuration()}, {&runner}, Clock::Real(), {});
  ModelRegistry models;
  models.Add(model);
  server::Limits limits;
  limits.set_unanswered_slices(100'000);  // nobody says that an answer was written
  limits.set_instances_per_study(10'000);
  limits.set_slices_per_study(10'000);
  limits.set_instance_bytes(64 << 20);
  limits.set_study_bytes(int64_t{4} << 30);
  limits.set_frames_per_instance(5'000);
  limits.set_image_side(4096);
  limits.set_held_bytes(int64_t{2} << 30);
  limits.set_decode_seconds(60);
  limits.set_open_studies(1);
  MemoryBudget budget(int64_t{4} << 30);
  Admission admission(limits, budget);
  admission.SetServing(true);
  ServerMetrics metrics;
  ThreadPool pool(2);
  const SessionEnvironment environment = {.models = models,
                                          .pool = pool,
                                          .answering = pool,
                                          .metrics = metrics,
                                          .clock = Clock::Real(),
                                          .limits = limits,
                                          .admission = admission};
  testing::RecordingSink sink;
  const auto session = StudySession::Create(environment, sink, 1);
  session->Start();
  v1::AnalyzeStudyRequest header;
  header.mutable_header()->set_crop_mode(v1::VOLUME);
  header.mutable_header()->set_lesion_maps(v1::NO_MAP);
  session->OnRequest(header);
  for (const fs::path& file : FilesOf(folder)) {
    v1::AnalyzeStudyRequest request;
    const absl::StatusOr<std::string> bytes = ReadFile(file);
    EXPECT_THAT(bytes, IsOk());
    request.mutable_dicom()->set_data(bytes.value_or(""));
    request.mutable_dicom()->set_last(true);
    session->OnRequest(request);
  }
  session->OnHalfClose();
  EXPECT_THAT(sink.WaitForEnd(), IsOk());
  session->OnClosed();
  model->batcher->Stop();
  return runner.head_to_feet();
}

std::vector<std::vector<int16_t>> Prepared(const fs::path& folder) {
  const TemporaryFolder scratch;
  const fs::path table = scratch.path() / "dataset.csv";
  const fs::path study = scratch.path() / "one";  // beneath the table's folder, as it must be
  fs::create_directory_symlink(fs::absolute(folder), study);
  EXPECT_THAT(WriteDataset(table, {{.name = "one", .folder = study, .patient = "one"}}), IsOk());
  const fs::path out = scratch.path() / "prepared";
  const absl::StatusOr<PrepareSummary> summary =
      Prepare({.dataset = table, .out = out, .input_size = kInputSize, .threads = 1});
  EXPECT_THAT(summary, IsOk());
  if (!summary.ok() || summary->prepared == 0) return {};
  const absl::StatusOr<PreparedData> data = OpenPrepared(out, {Split::kTrain});
  EXPECT_THAT(data, IsOk());
  std::vector<std::vector<int16_t>> inputs;
  for (const torch::Tensor& slice : data->studies.front().hu.unbind()) {
    const torch::Tensor pixels = slice.contiguous();
    inputs.emplace_back(pixels.const_data_ptr<int16_t>(),
                        pixels.const_data_ptr<int16_t>() + pixels.numel());
  }
  return inputs;
}

void ExpectTheSame(const fs::path& folder, bool must_be_answered) {
  const std::vector<std::vector<int16_t>> served = Served(folder), prepared = Prepared(folder);
  if (must_be_answered) {
    ASSERT_GT(served.size(), 5);
  }
  ASSERT_EQ(served.size(), prepared.size());
  for (size_t i = 0; i < served.size(); ++i) {
    ASSERT_TRUE(served[i] == prepared[i]) << "slice " << i << " from the head";
  }
}

TEST(ServedInputTest, IsWhatIsPreparedOfASyntheticStudy) {
  const TemporaryFolder folder;
  const Phantom phantom = MakePhantom({.seed = 8, .slices = 30, .size = 192});
  ASSERT_THAT(WriteDicomStudy(phantom.slices, folder.path() / "study", {}), IsOk());
  ExpectTheSame(folder.path() / "study", true);
}

TEST(ServedInputTest, IsWhatIsPreparedOfEachRealStudy) {
  const char* data = std::getenv("M3LUNG_TEST_DATA");
  const fs::path root = data == nullptr ? "" : data;
  if (data == nullptr || !fs::exists(root / "studies")) {
    GTEST_SKIP() << "skipped: no data (docs/howto/test-data.md): studies";
  }
  int studies = 0;
  for (const char* kind : {"studies", "backgrounds"}) {
    if (!fs::exists(root / kind)) continue;
    for (const fs::path& folder : FilesOf(root / kind)) {
      if (!fs::is_directory(folder)) continue;
      SCOPED_TRACE(folder.filename().string());
      ExpectTheSame(folder, false);
      ++studies;
    }
  }
  EXPECT_GT(studies, 0);
}

}  // namespace
}  // namespace m3lung
