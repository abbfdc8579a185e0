// SPDX-License-Identifier: Apache-2.0
// Runs build/bin/m3lung-train evaluate and precision as a person does.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "model/bundle/bundle_writer.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "tests/training/evaluation/sample_predictions.h"
#include "training/data/prepared_files.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::StartsWith;

struct Outcome {
  int exit_code = -1;
  std::string output;  // standard output and standard error
};

Outcome RunTrain(const std::string& command, const std::string& arguments) {
  Outcome outcome;
  FILE* pipe =
      popen(absl::StrCat(M3LUNG_TRAIN, " ", command, " ", arguments, " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

Outcome RunEvaluate(const std::string& arguments) { return RunTrain("evaluate", arguments); }

class EvaluateCommandTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() / name; }

  nlohmann::json Json() const {
    const absl::StatusOr<std::string> text = ReadFile(folder_.path() / "out" / "evaluation.json");
    EXPECT_THAT(text, IsOk());
    return nlohmann::json::parse(*text);
  }

  // Four studies of the split test, one of each label, three slices each; a lesion in
  // the middle one of those that are not Healthy.
  void WritePrepared(int input_size, CropMode crop_mode) {
    PreparedIndex index;
    index.input_size = input_size;
    index.crop_mode = crop_mode;
    for (const Label label : kLabels) {
      const std::string name(LabelName(label));
      index.studies.push_back({name, label, Split::kTest, "background-1", Lungs::kReal});
      StudyRecord record;
      record.has_masks = true;
      std::vector<cv::Mat> hu, masks;
      for (int i = 0; i < 3; ++i) {
        const bool lesion = label != Label::kHealthy && i == 1;
        record.slices.push_back({absl::StrCat(i, ".dcm"), -5.0 * i, lesion, absl::StrCat(name, i)});
        hu.emplace_back(input_size, input_size, CV_16SC1, cv::Scalar(-800 + 100 * i));
        masks.emplace_back(input_size, input_size, CV_8UC1, cv::Scalar(lesion ? 1 : 0));
      }
      ASSERT_THAT(WritePreparedStudy(folder_.path() / "prepared" / name, record, hu, masks),
                  IsOk());
    }
    ASSERT_THAT(WritePreparedIndex(folder_.path() / "prepared", index), IsOk());
  }

  // Writes the tiny bundle and returns its folder.
  std::string WriteTiny() {
    BundleContents contents = testing::TinyContents("tiny");
    contents.manifest.crop_mode = CropMode::kVolume;
    const auto written = WriteBundle(std::move(contents), folder_.path() / "models", true);
    EXPECT_THAT(written, IsOk());
    return *written;
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(EvaluateCommandTest, EvaluatesPredictions) {
  ASSERT_THAT(WritePredictions(testing::SamplePredictions(40, 2, 1), Path("predictions")), IsOk());
  Predictions other = testing::SamplePredictions(40, 2, 2);
  for (StudyPrediction& study : other.studies) study.name = absl::StrCat("other-", study.name);
  ASSERT_THAT(WritePredictions(other, Path("other")), IsOk());
  const Outcome outcome =
      RunEvaluate(absl::StrCat("--predictions=", Path("predictions"), " --out=", Path("out"),
                               " --resamples=50 --seed=3 --calibration=", Path("other")));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("patients, accuracy"), HasSubstr("report.html")));
  const nlohmann::json json = Json();
  EXPECT_EQ(json["resamples"], 50);
  EXPECT_EQ(json["seed"], 3);
  EXPECT_EQ(json["patients"]["network"]["cases"], 40);
  EXPECT_EQ(json["temperature"]["fitted_on_studies"], 40);
  EXPECT_TRUE(json["maps"].is_null());
}

TEST_F(EvaluateCommandTest, ChecksItsOutputsBeforeTheWork) {
  const std::string nowhere = "/proc/self/m3lung";  // where nobody makes files, root neither
  const std::string run = absl::StrCat(" --run=", nowhere);
  const std::string out = absl::StrCat(" --out=", nowhere);
  // Every input is missing too: it would be told of, were the output not looked at first.
  for (const auto& [command, arguments] : std::vector<std::pair<std::string, std::string>>{
           {"cohort", out},
           {"study", out},
           {"init", out},
           {"slice", absl::StrCat("--data=none", run)},
           {"features", absl::StrCat("--data=none", run)},
           {"patient", run},
           {"export", absl::StrCat("--run=none --name=x --origin=real --training-data=x", out)},
           {"evaluate", absl::StrCat("--data=none --bundle=none", out)},
           {"ablate", absl::StrCat("--data=none --run=none", out)},
           {"precision", absl::StrCat("--data=none --allow --bundle=", nowhere)}}) {
    const Outcome outcome = RunTrain(command, arguments);
    EXPECT_EQ(outcome.exit_code, 1) << command << "\n" << outcome.output;
    EXPECT_THAT(outcome.output,
                AllOf(StartsWith("m3lung-train: cannot make the folder"), HasSubstr(nowhere)))
        << command;
  }
}

TEST_F(EvaluateCommandTest, FailsWhereWhatItPrintsIsLost) {
  for (const std::string& arguments :
       {std::string("--help"), absl::StrCat("--slices=1 --out=", Path("study"))}) {
    const Outcome outcome = RunTrain("study", absl::StrCat(arguments, " >/dev/full"));
    // popen's 2>&1 comes after: what is told goes to /dev/full too.
    EXPECT_EQ(outcome.exit_code, 1) << arguments;
  }
}

TEST_F(EvaluateCommandTest, ScoresPreparedStudiesThroughABundle) {
  const std::string bundle = WriteTiny();
  WritePrepared(testing::TinySliceOptions().input_size, CropMode::kVolume);
  const Outcome scored = RunEvaluate(absl::StrCat("--data=", Path("prepared"), " --bundle=", bundle,
                                                  " --out=", Path("out"), " --batch-size=2"));
  ASSERT_EQ(scored.exit_code, 0) << scored.output;
  EXPECT_THAT(scored.output, HasSubstr("scored 12/12 slices"));
  const nlohmann::json json = Json();
  EXPECT_EQ(json["model"], "tiny 1");
  EXPECT_THAT(json["data"].get<std::string>(), HasSubstr("split test"));
  EXPECT_EQ(json["patients"]["network"]["cases"], 4);
  EXPECT_EQ(json["slices"]["cases"], 12);
  EXPECT_EQ(json["lesions"]["slices_with"], 3);
  EXPECT_EQ(json["by_lungs"]["real"]["patients"]["network"]["cases"], 4);
  EXPECT_EQ(json["by_lungs"]["real"]["patients"]["distinct_patients"], 1);
  EXPECT_THAT(scored.output, HasSubstr("Real lungs, accuracy"));
  EXPECT_EQ(json["maps"]["lesion_slices"], 3);

  // The predictions it wrote give the same figures.
  const Outcome again =
      RunEvaluate(absl::StrCat("--predictions=", Path("out/predictions"), " --out=", Path("out")));
  ASSERT_EQ(again.exit_code, 0) << again.output;
  EXPECT_EQ(Json()["patients"], json["patients"]);
  EXPECT_EQ(Json()["by_lungs"], json["by_lungs"]);
  EXPECT_EQ(Json()["slices"], json["slices"]);
}

TEST_F(EvaluateCommandTest, RefusesSlicesThatTheModelDoesNotTake) {
  const std::string bundle = WriteTiny();
  const int size = testing::TinySliceOptions().input_size;
  WritePrepared(2 * size, CropMode::kVolume);
  const std::string arguments =
      absl::StrCat("--data=", Path("prepared"), " --bundle=", bundle, " --out=", Path("out"));
  Outcome outcome = RunEvaluate(arguments);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr(absl::StrCat("prepare --input-size=", size)));

  WritePrepared(size, CropMode::kPaper);
  outcome = RunEvaluate(arguments);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("cropped in mode \"paper\""),
                                    HasSubstr("served with mode \"volume\"")));
}

TEST_F(EvaluateCommandTest, SaysWhetherAModelMayBeServedIn16Bits) {
  const std::string bundle = WriteTiny();
  WritePrepared(testing::TinySliceOptions().input_size, CropMode::kVolume);
  const std::string arguments = absl::StrCat("--data=", Path("prepared"), " --bundle=", bundle);
  const auto manifest = [&] { return ReadFile(bundle + "/manifest.json").value(); };
  const std::string before = manifest();
  const Outcome asked = RunTrain("precision", arguments);
  EXPECT_EQ(asked.exit_code, 0) << asked.output;
  EXPECT_THAT(asked.output, AllOf(HasSubstr("slices: 12, of them 0 with another label, 0 beyond"),
                                  HasSubstr("patients: 4, of them 0")));
  // It was computed in another way, and nothing is written unless asked for.
  EXPECT_THAT(asked.output, ::testing::Not(HasSubstr("largest difference 0.0000\npatients")));
  EXPECT_EQ(manifest(), before);

  const Outcome allowed = RunTrain("precision", arguments + " --allow");
  EXPECT_EQ(allowed.exit_code, 0) << allowed.output;
  EXPECT_THAT(manifest(), HasSubstr("\"bf16\",\n    \"fp32\""));
}

TEST_F(EvaluateCommandTest, NamesABadLineOfPredictions) {
  folder_.Add("predictions/studies.csv",
              "study,label,HEALTHY,COVID_19,H1N1,CAP\na,CAP,0,0,0,1\nb,CAP,0,0,0,7\n");
  const Outcome outcome =
      RunEvaluate(absl::StrCat("--predictions=", Path("predictions"), " --out=", Path("out")));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("studies.csv line 3: CAP must be a probability"));
}

TEST_F(EvaluateCommandTest, NeedsOneSourceOfPredictions) {
  for (const std::string given : {"", "--data=d", "--bundle=b", "--data=d --predictions=p"}) {
    const Outcome outcome = RunEvaluate(absl::StrCat(given, " --out=", Path("out")));
    EXPECT_EQ(outcome.exit_code, 2) << given << outcome.output;
  }
}

}  // namespace
}  // namespace m3lung
