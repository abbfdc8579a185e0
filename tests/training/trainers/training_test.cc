// SPDX-License-Identifier: Apache-2.0
// The whole of a training, small: slice network, features, patient network, export.
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/bundle/bundle.h"
#include "opencv2/imgcodecs.hpp"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "tests/training/trainers/tiny_training.h"
#include "torch/torch.h"
#include "training/data/csv_table.h"
#include "training/trainers/ablation.h"
#include "training/trainers/checkpoint.h"
#include "training/trainers/features.h"
#include "training/trainers/net_options.h"
#include "training/trainers/patient_trainer.h"
#include "training/trainers/run_export.h"
#include "training/trainers/slice_run.h"
#include "training/trainers/slice_trainer.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::kTinySide;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::m3lung::testing::TinyData;
using ::m3lung::testing::TinySliceTraining;
using ::m3lung::testing::ToPixels;
using ::testing::HasSubstr;

bool Never() { return false; }

// True when asked for the `count`th time.
StopRequested AfterCalls(int count) {
  return [count]() mutable { return --count == 0; };
}

void ExpectSameWeights(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto expected = a.named_parameters(), given = b.named_parameters();
  ASSERT_EQ(expected.size(), given.size());
  for (const auto& item : expected) {
    EXPECT_TRUE(torch::equal(item.value(), given[item.key()])) << item.key();
  }
  for (const auto& item : a.named_buffers()) {
    EXPECT_TRUE(torch::equal(item.value(), b.named_buffers()[item.key()])) << item.key();
  }
}

std::vector<double> Column(const fs::path& csv, const std::string& name) {
  const absl::StatusOr<std::string> text = ReadFile(csv);
  EXPECT_THAT(text, IsOk());
  const auto rows =
      ParseCsv(*text, {"epoch", name},
               {"learning_rate", "loss", "accuracy", "lesion_loss", "class_loss", "lesion_accuracy",
                "class_accuracy", "mask_loss", "validation_loss", "validation_accuracy",
                "validation_lesion_loss", "validation_class_loss", "validation_lesion_accuracy",
                "validation_class_accuracy"});
  EXPECT_THAT(rows, IsOk());
  std::vector<double> values;
  for (const CsvRow& row : *rows) values.push_back(std::stod(row.at(name)));
  return values;
}

TEST(TrainSliceNetTest, TheLossFallsAndTheCourseIsWritten) {
  const TemporaryFolder run;
  M3L_ASSERT_OK_AND_ASSIGN(const TrainingEnd end,
                           TrainSliceNet(TinyData(4), TinySliceTraining(12), run.path(), Never));
  EXPECT_EQ(end, TrainingEnd::kFinished);
  const std::vector<double> loss = Column(run.path() / kSliceScalars, "class_loss");
  ASSERT_EQ(loss.size(), 12u);
  EXPECT_LT(loss.back(), 0.5 * loss.front());
  EXPECT_GT(Column(run.path() / kSliceScalars, "validation_lesion_accuracy").back(), 0.9);
  const std::vector<double> rate = Column(run.path() / kSliceScalars, "learning_rate");
  EXPECT_GT(rate[0], rate[11]);
  const cv::Mat plot = cv::imread((run.path() / "slice-scalars.png").string());
  ASSERT_FALSE(plot.empty());
  EXPECT_LT(cv::mean(plot)[0], 255);  // something is drawn on it
}

TEST(TrainSliceNetTest, GoesOnToTheSameResultBitForBit) {
  const PreparedData data = TinyData(2);
  SliceTrainingOptions options = TinySliceTraining(3);
  options.mask_weight = 0.5;  // its sum, too, goes on
  const TemporaryFolder whole, interrupted;
  ASSERT_THAT(TrainSliceNet(data, options, whole.path(), Never).status(), IsOk());
  // Within an epoch, twice.
  for (int calls : {2, 3}) {
    M3L_ASSERT_OK_AND_ASSIGN(const TrainingEnd end,
                             TrainSliceNet(data, options, interrupted.path(), AfterCalls(calls)));
    ASSERT_EQ(end, TrainingEnd::kStopped);
    EXPECT_THAT(LoadSliceNet(interrupted.path()),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has not ended")));
  }
  M3L_ASSERT_OK_AND_ASSIGN(const TrainingEnd end,
                           TrainSliceNet(data, options, interrupted.path(), Never));
  EXPECT_EQ(end, TrainingEnd::kFinished);
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet a, LoadSliceNet(whole.path()));
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet b, LoadSliceNet(interrupted.path()));
  ExpectSameWeights(*a.net, *b.net);
  M3L_ASSERT_OK_AND_ASSIGN(const std::string course, ReadFile(whole.path() / kSliceScalars));
  EXPECT_THAT(ReadFile(interrupted.path() / kSliceScalars).value(), course);

  SliceTrainingOptions other = options;
  other.batches.seed = 2;
  EXPECT_THAT(TrainSliceNet(data, other, whole.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("seed=1, not 2")));
  other = options;
  other.net.coordinates = false;
  EXPECT_THAT(TrainSliceNet(data, other, whole.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("coordinates=true")));
}

TEST(TrainSliceNetTest, BeginsWithAnotherTrainingsNetwork) {
  const PreparedData data = TinyData(1);
  SliceTrainingOptions options = TinySliceTraining(1);
  const TemporaryFolder first, second;
  ASSERT_THAT(TrainSliceNet(data, options, first.path(), Never).status(), IsOk());
  options.start_from = first.path();
  options.batches.seed = 7;
  options.schedule.initial = 1e-30;  // moves no weight
  ASSERT_THAT(TrainSliceNet(data, options, second.path(), Never).status(), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet a, LoadSliceNet(first.path()));
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet b, LoadSliceNet(second.path()));
  for (const auto& item : a.net->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), b.net->named_parameters()[item.key()])) << item.key();
  }
  EXPECT_THAT(b.provenance, HasSubstr("; then "));

  const TemporaryFolder third;
  options.net.coordinates = false;
  EXPECT_THAT(TrainSliceNet(data, options, third.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("of the same options")));
}

TEST(TrainSliceNetTest, LearnsWhereTheLesionsAreFromTheirMasks) {
  PreparedData data = TinyData(4);
  SliceTrainingOptions options = TinySliceTraining(8);
  options.mask_weight = 1;
  const TemporaryFolder run, none;
  ASSERT_THAT(TrainSliceNet(data, options, run.path(), Never).status(), IsOk());
  const std::vector<double> loss = Column(run.path() / kSliceScalars, "mask_loss");
  EXPECT_LT(loss.back(), 0.7 * loss.front());
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet trained, LoadSliceNet(run.path()));
  EXPECT_THAT(trained.provenance, HasSubstr("masks' loss times 1"));

  for (PreparedStudy& study : data.studies) study.lesion_masks = torch::Tensor();
  EXPECT_THAT(TrainSliceNet(data, options, none.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has masks of its lesions")));
  options.net.multi_task = options.net.attention = false;
  EXPECT_THAT(TrainSliceNet(data, options, none.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("needs multi_task")));
}

TEST(TrainSliceNetTest, PartsNeedTheirSizeAndMasksOfAllLesions) {
  PreparedData data = TinyData(1);
  SliceTrainingOptions options = TinySliceTraining(1);
  const TemporaryFolder run;
  options.batches.part = 48;
  EXPECT_THAT(TrainSliceNet(data, options, run.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("multiple of 32")));
  options.batches.part = kTinySide;
  for (PreparedStudy& study : data.studies) {
    if (study.label == Label::kCap) study.lesion_masks = torch::Tensor();
  }
  EXPECT_THAT(TrainSliceNet(data, options, run.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no mask of them")));
}

PreparedData Forgetting(Split split, std::set<Label> labels) {
  PreparedData data = TinyData(2);
  for (PreparedStudy& study : data.studies) {
    if (study.split != split || !labels.contains(study.label)) continue;
    for (PreparedSlice& slice : study.slices) slice.lesion.reset();
    labels.erase(study.label);  // one study of each
  }
  return data;
}

TEST(TrainSliceNetTest, NamesTheStudiesThatItLeavesOut) {
  const TemporaryFolder run;
  ::testing::internal::CaptureStderr();
  ASSERT_THAT(TrainSliceNet(Forgetting(Split::kTrain, {Label::kCap, Label::kH1n1}),
                            TinySliceTraining(1), run.path(), Never)
                  .status(),
              IsOk());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("left out 2 diseased studies of split train, which have no slice labels: "
                        "H1N1-train-0, CAP-train-0\n"));
}

TEST(TrainSliceNetTest, SaysWhyTheValidationSplitCannotBeUsed) {
  const TemporaryFolder run;
  PreparedData data = TinyData(1);
  for (PreparedStudy& study : data.studies) {
    if (study.split != Split::kValidation || study.label != Label::kCap) continue;
    for (PreparedSlice& slice : study.slices) slice.lesion.reset();
  }
  EXPECT_THAT(TrainSliceNet(data, TinySliceTraining(1), run.path(), Never),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("split validation: none of the 1 studies of CAP")));
  EXPECT_TRUE(fs::is_empty(run.path()));
}

TEST(CheckpointTest, OneOfAnotherVersionOrCutIsAnErrorThatSaysSo) {
  const TemporaryFolder run;
  SliceNet net(TinySliceTraining(1).net);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.1));
  const fs::path file = run.path() / kSliceCheckpoint;
  const auto is_no_checkpoint =
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("is no checkpoint of m3lung-train"));
  const CheckpointNotes old = {{"kind", kSliceKind}, {"finished", true}};
  ASSERT_THAT(SaveCheckpoint(file, old, *net, optimizer), IsOk());
  EXPECT_THAT(TrainSliceNet(TinyData(2), TinySliceTraining(1), run.path(), Never),
              is_no_checkpoint);
  EXPECT_THAT(LoadSliceNet(run.path()), is_no_checkpoint);
  ASSERT_THAT(WriteFile(file, ""), IsOk());
  EXPECT_THAT(TrainSliceNet(TinyData(2), TinySliceTraining(1), run.path(), Never),
              is_no_checkpoint);
  EXPECT_THAT(LoadSliceNet(run.path()), is_no_checkpoint);
}

TEST(TrainSliceNetTest, AnotherSeedGivesAnotherNetwork) {
  const PreparedData data = TinyData(1);
  SliceTrainingOptions options = TinySliceTraining(1);
  const TemporaryFolder first, second;
  ASSERT_THAT(TrainSliceNet(data, options, first.path(), Never).status(), IsOk());
  options.batches.seed = 7;
  ASSERT_THAT(TrainSliceNet(data, options, second.path(), Never).status(), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet a, LoadSliceNet(first.path()));
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet b, LoadSliceNet(second.path()));
  EXPECT_FALSE(torch::equal(a.net->parameters()[0], b.net->parameters()[0]));
}

TEST(TrainSliceNetTest, TrainsEveryVariantOfTheAblation) {
  const PreparedData data = TinyData(1);
  SliceTrainingOptions options = TinySliceTraining(1);
  const auto train = [&] {
    const TemporaryFolder run;
    return TrainSliceNet(data, options, run.path(), Never).status();
  };
  options.net.coordinates = false;
  EXPECT_THAT(train(), IsOk());
  options.net.attention = false;
  EXPECT_THAT(train(), IsOk());
  options.net.multi_task = false;
  EXPECT_THAT(train(), IsOk());
  options.net.attention = true;
  EXPECT_THAT(train(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("multi_task")));
}

TEST(TrainSliceNetTest, RefusesDamagedCheckpoints) {
  const TemporaryFolder run;
  ASSERT_THAT(WriteFile(run.path() / kSliceCheckpoint, "no archive"), IsOk());
  EXPECT_THAT(TrainSliceNet(TinyData(1), TinySliceTraining(1), run.path(), Never),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("slice.pt is no checkpoint")));
}

// One run to its end, for what comes after the slice network.
class AfterSliceTrainingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new PreparedData(TinyData(4));
    run_ = new TemporaryFolder;
    ASSERT_THAT(TrainSliceNet(*data_, TinySliceTraining(12), run_->path(), Never).status(), IsOk());
    ASSERT_THAT(MakeFeatures(*data_, run_->path(), {}, Never), IsOk());
  }
  static void TearDownTestSuite() {
    delete data_;
    delete run_;
  }
  static const fs::path& run() { return run_->path(); }

  static PatientTrainingOptions PatientOptions(int epochs) {
    PatientTrainingOptions options;
    options.net = {.feature_size = 12 * kExpansion * 4, .reduced_size = 16, .heads = 2};
    options.epochs = epochs;
    options.schedule = {.initial = 0.005, .kind = ScheduleKind::kLinear};
    options.batch_size = 4;
    options.threads = 1;
    return options;
  }

  static PreparedData* data_;
  static TemporaryFolder* run_;
};
PreparedData* AfterSliceTrainingTest::data_ = nullptr;
TemporaryFolder* AfterSliceTrainingTest::run_ = nullptr;

TEST_F(AfterSliceTrainingTest, FeaturesAreThoseOfTheLiveNetwork) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<StudyFeatures> studies, ReadFeatures(run()));
  ASSERT_EQ(studies.size(), data_->studies.size());
  M3L_ASSERT_OK_AND_ASSIGN(TrainedSliceNet trained, LoadSliceNet(run()));
  const torch::NoGradGuard no_grad;
  for (const size_t i : {size_t{0}, studies.size() - 1}) {
    EXPECT_EQ(studies[i].name, data_->studies[i].name);
    const auto [classes, lesions, maps, features] = trained.net->forward(data_->studies[i].hu);
    EXPECT_TRUE(torch::allclose(studies[i].probabilities, classes, 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(studies[i].lesion_probabilities, lesions.select(1, 1), 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(studies[i].features, features, 1e-4, 1e-5));
  }
}

TEST_F(AfterSliceTrainingTest, FeaturesOfAnotherNetworkAreNotUsed) {
  const TemporaryFolder other;
  fs::copy(run(), other.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::remove(other.path() / kSliceCheckpoint);
  ASSERT_THAT(TrainSliceNet(TinyData(1), TinySliceTraining(1), other.path(), Never).status(),
              IsOk());
  EXPECT_THAT(ReadFeatures(other.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another slice network")));
}

TEST_F(AfterSliceTrainingTest, ThePatientNetworkLearnsAndGoesOnBitForBit) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<StudyFeatures> studies, ReadFeatures(run()));
  PatientTrainingOptions options = PatientOptions(20);
  options.least_slices = 0.5;
  const TemporaryFolder whole, interrupted;
  ASSERT_THAT(TrainPatientNet(studies, options, whole.path(), "p", Never).status(), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(
      const TrainingEnd end,
      TrainPatientNet(studies, options, interrupted.path(), "p", AfterCalls(7)));
  EXPECT_EQ(end, TrainingEnd::kStopped);
  EXPECT_THAT(LoadPatientNet(interrupted.path(), "p"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has not ended")));
  ASSERT_THAT(TrainPatientNet(studies, options, interrupted.path(), "p", Never).status(), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedPatientNet a, LoadPatientNet(whole.path(), "p"));
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedPatientNet b, LoadPatientNet(interrupted.path(), "p"));
  ExpectSameWeights(*a.net, *b.net);
  EXPECT_GT(Column(whole.path() / "p-scalars.csv", "validation_accuracy").back(), 0.9);
}

TEST_F(AfterSliceTrainingTest, TheExportedBundleGivesWhatTheLiveNetworksGive) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<StudyFeatures> studies, ReadFeatures(run()));
  ASSERT_THAT(TrainPatientNet(studies, PatientOptions(20), run(), kPatientName, Never).status(),
              IsOk());
  const TemporaryFolder models;
  M3L_ASSERT_OK_AND_ASSIGN(
      const ExportedRun exported,
      ExportRun({.run = run(),
                 .models = models.path(),
                 .name = "tiny",
                 .training_data = "squares",
                 .golden_slices = [](int size) { return ToPixels(RandomHu(2, size, 1)); }}));
  EXPECT_GE(exported.patient_temperature, 1);
  M3L_ASSERT_OK_AND_ASSIGN(const auto bundle, LoadBundle(exported.folder, {}));
  EXPECT_THAT(bundle->manifest.Notice(), HasSubstr("synthetic data alone (squares)"));
  EXPECT_THAT(bundle->manifest.made_by, HasSubstr("12 epochs"));

  M3L_ASSERT_OK_AND_ASSIGN(TrainedPatientNet patient, LoadPatientNet(run(), kPatientName));
  const torch::NoGradGuard no_grad;
  for (const StudyFeatures& study : studies) {
    if (study.split != Split::kTest) continue;
    const auto& prepared =
        *std::find_if(data_->studies.begin(), data_->studies.end(),
                      [&](const PreparedStudy& candidate) { return candidate.name == study.name; });
    std::vector<const int16_t*> slices;
    for (int64_t i = 0; i < prepared.hu.size(0); ++i) {
      slices.push_back(prepared.hu[i].const_data_ptr<int16_t>());
    }
    M3L_ASSERT_OK_AND_ASSIGN(const std::vector<SliceScores> scores,
                             bundle->runner->ScoreSlices(slices));
    std::vector<const std::vector<float>*> features;
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      EXPECT_NEAR(scores[i].lesion_probability, study.lesion_probabilities[row].item<float>(),
                  1e-4);
      for (int k = 0; k < kClasses; ++k) {
        EXPECT_NEAR(scores[i].probabilities[k], study.probabilities[row][k].item<float>(), 1e-4);
      }
      features.push_back(&scores[i].features);
    }
    M3L_ASSERT_OK_AND_ASSIGN(const ClassProbabilities answer,
                             bundle->runner->AssessPatient(features));
    const torch::Tensor expected =
        (patient.net->forward(study.features) / exported.patient_temperature).softmax(0);
    for (int k = 0; k < kClasses; ++k) EXPECT_NEAR(answer[k], expected[k].item<float>(), 1e-4);
    EXPECT_EQ(MostProbable(answer), study.label) << study.name;
  }
}

TEST_F(AfterSliceTrainingTest, ThePatientAblationHasTheRowsOfTheTable) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<StudyFeatures> studies, ReadFeatures(run()));
  const TemporaryFolder out;
  M3L_ASSERT_OK_AND_ASSIGN(
      const AblationTable table,
      AblatePatientNet(studies, PatientOptions(20), {.resamples = 100}, out.path() / "new", Never));
  EXPECT_EQ(table.studies, 16);
  ASSERT_EQ(table.rows.size(), 5u);
  for (const AblationRow& row : table.rows) {
    EXPECT_EQ(row.evaluation.cases, 16) << row.name;
    EXPECT_EQ(row.p_value.has_value(), &row != &table.rows.back()) << row.name;
  }
  EXPECT_GT(table.rows.back().evaluation.accuracy.value.value(), 0.9);
  const std::string text = FormatAblation(table);
  EXPECT_THAT(text, HasSubstr("| Max pooling | "));
  EXPECT_THAT(text, HasSubstr(", 16 studies"));
  // What was trained is not trained again.
  const auto made = fs::last_write_time(out.path() / "new" / "max-pooling.pt");
  ASSERT_THAT(
      AblatePatientNet(studies, PatientOptions(20), {.resamples = 100}, out.path() / "new", Never)
          .status(),
      IsOk());
  EXPECT_EQ(fs::last_write_time(out.path() / "new" / "max-pooling.pt"), made);
}

TEST(AblateSliceNetTest, TrainsFromThePlainNetworkToTheWholeOne) {
  const TemporaryFolder out;
  M3L_ASSERT_OK_AND_ASSIGN(
      const AblationTable table,
      AblateSliceNet(TinyData(2), TinySliceTraining(2), {.resamples = 50}, out.path(), Never));
  ASSERT_EQ(table.rows.size(), 4u);
  EXPECT_EQ(table.rows.front().name, "ResNet-50");
  for (const AblationRow& row : table.rows) EXPECT_EQ(row.evaluation.cases, 8) << row.name;
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet plain, LoadSliceNet(out.path() / "plain"));
  EXPECT_FALSE(plain.net->options().multi_task);
  M3L_ASSERT_OK_AND_ASSIGN(const TrainedSliceNet whole, LoadSliceNet(out.path() / "whole"));
  EXPECT_TRUE(whole.net->options().coordinates);
}

}  // namespace
}  // namespace m3lung
