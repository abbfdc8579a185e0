// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/cohort_writer.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "preprocess/dicom_decoder.h"
#include "tests/testing/status_matchers.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"
#include "training/data/dataset.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CohortWriterTest : public ::testing::Test {
 protected:
  CohortWriterTest() : folder_(fs::path(::testing::TempDir()) / "cohort_writer_test") {
    fs::remove_all(folder_);
    options_.size = {.train = 1, .validation = 0, .test = 1, .on_each_background = 0};
    options_.slices = 24;
    options_.image_size = 128;
    options_.threads = 2;
  }
  ~CohortWriterTest() override { fs::remove_all(folder_); }

  // Every file below `root`, by its path in it.
  static std::map<std::string, std::string> Files(const fs::path& root) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().lexically_relative(root).string()] = ReadFile(entry.path()).value();
    }
    return files;
  }

  // The folder of a study that lesions can be laid into.
  fs::path AddBackground(const std::string& name, uint64_t seed) {
    const fs::path background = folder_ / name;
    EXPECT_THAT(WriteDicomStudy(MakePhantom({.seed = seed, .slices = 32, .size = 128}).slices,
                                background, {}),
                IsOk());
    return background;
  }

  const fs::path folder_;
  CohortOptions options_;
};

TEST_F(CohortWriterTest, WritesWhatWasMade) {
  const fs::path out = folder_ / "a";
  ASSERT_THAT(WriteCohort(options_, out), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<DatasetStudy> rows, ReadDataset(out / "dataset.csv"));
  const std::vector<PlannedStudy> plan = PlanCohort(options_.size, {}, options_.seed);
  ASSERT_EQ(rows.size(), 8u);
  ASSERT_EQ(plan.size(), 8u);
  for (size_t k = 0; k < rows.size(); ++k) {
    SCOPED_TRACE(plan[k].name);
    EXPECT_EQ(rows[k].name, "studies/" + plan[k].name);
    EXPECT_EQ(rows[k].label, plan[k].label);
    EXPECT_EQ(rows[k].split, plan[k].split);
    EXPECT_EQ(rows[k].lungs, Lungs::kSynthetic);
    const SyntheticStudy made = MakePlannedStudy(plan[k], options_, {});
    const std::vector<std::string> names = SliceFileNames(made.slices);
    M3L_ASSERT_OK_AND_ASSIGN(const auto labels, ReadSliceLabels(rows[k].slice_labels));
    ASSERT_EQ(labels.size(), made.slices.size());
    int shown = 0;
    for (size_t i = 0; i < made.slices.size(); ++i) {
      M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(rows[k].folder / names[i]));
      M3L_ASSERT_OK_AND_ASSIGN(const HuSlice decoded, DecodeDicom(bytes, {}));
      EXPECT_EQ(cv::norm(decoded.hu, made.slices[i].hu, cv::NORM_INF), 0);
      const std::string mask = fs::path(names[i]).replace_extension(".png").string();
      const cv::Mat lesion =
          cv::imread((rows[k].truth / "lesions" / mask).string(), cv::IMREAD_UNCHANGED);
      const cv::Mat lung =
          cv::imread((rows[k].truth / "lungs" / mask).string(), cv::IMREAD_UNCHANGED);
      ASSERT_EQ(lesion.type(), CV_8UC1);
      ASSERT_EQ(lesion.size(), decoded.hu.size());
      EXPECT_EQ(cv::countNonZero(lesion != made.lesion_masks[i]), 0);
      EXPECT_EQ(cv::countNonZero(lung != made.lung_masks[i]), 0);
      const double mm2 = cv::countNonZero(lesion) * decoded.geometry.row_spacing_mm *
                         decoded.geometry.column_spacing_mm;
      EXPECT_EQ(labels.at(names[i]), mm2 >= 40);
      shown += labels.at(names[i]);
    }
    EXPECT_EQ(shown > 0, rows[k].label != Label::kHealthy);
  }
}

TEST_F(CohortWriterTest, SameSeedSameBytesAndAnotherSeedOthers) {
  ASSERT_THAT(WriteCohort(options_, folder_ / "a"), IsOk());
  options_.threads = 1;
  ASSERT_THAT(WriteCohort(options_, folder_ / "b"), IsOk());
  const auto a = Files(folder_ / "a"), b = Files(folder_ / "b");
  EXPECT_EQ(a.size(), 2u + 8 * (1 + 24 * 3));
  EXPECT_TRUE(a == b);
  options_.seed = 2;
  ASSERT_THAT(WriteCohort(options_, folder_ / "c"), IsOk());
  const auto c = Files(folder_ / "c");
  EXPECT_NE(a.at("studies/test-cap-001/slice-0001.dcm"),
            c.at("studies/test-cap-001/slice-0001.dcm"));
}

TEST_F(CohortWriterTest, GoesOnWhereItStoppedAndMakesNothingTwice) {
  const fs::path out = folder_ / "a";
  ASSERT_THAT(WriteCohort(options_, out), IsOk());
  const auto whole = Files(out);
  // As a stopped run leaves it: one study half written, another missing, no table.
  fs::remove(out / "dataset.csv");
  fs::rename(out / "studies/test-cap-001", out / "studies/.test-cap-001");
  fs::remove(out / "studies/.test-cap-001/slice-0003.dcm");
  fs::remove_all(out / "studies/train-h1n1-001");
  fs::remove_all(out / "truth/train-h1n1-001");
  std::map<std::string, fs::file_time_type> written;
  for (const auto& entry : fs::directory_iterator(out / "studies")) {
    written[entry.path().filename().string()] = fs::last_write_time(entry.path());
  }
  int total = 0, done = 0, made = 0;
  options_.threads = 1;
  ASSERT_THAT(WriteCohort(options_, out,
                          {.started =
                               [&](int t, int d) {
                                 total = t;
                                 done = d;
                               },
                           .finished_one = [&] { ++made; }}),
              IsOk());
  EXPECT_EQ(total, 8);
  EXPECT_EQ(done, 6);
  EXPECT_EQ(made, 2);
  EXPECT_TRUE(Files(out) == whole);
  for (const auto& [name, time] : written) {
    if (name == ".test-cap-001") continue;
    EXPECT_EQ(fs::last_write_time(out / "studies" / name), time) << name;
  }
}

TEST_F(CohortWriterTest, RefusesAFolderWithAnotherCohort) {
  options_.size.train = 0;
  ASSERT_THAT(WriteCohort(options_, folder_ / "a"), IsOk());
  options_.seed = 2;
  EXPECT_THAT(WriteCohort(options_, folder_ / "a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other options")));
}

TEST_F(CohortWriterTest, StudiesOnABackgroundAreOnePatientInItsSplit) {
  options_.size = {.train = 0, .validation = 0, .test = 1, .on_each_background = 1};
  options_.backgrounds = {{AddBackground("one", 1), Split::kTrain},
                          {AddBackground("two", 2), Split::kTest}};
  ASSERT_THAT(WriteCohort(options_, folder_ / "a"), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<DatasetStudy> rows,
                           ReadDataset(folder_ / "a" / "dataset.csv"));
  ASSERT_EQ(rows.size(), 12u);
  for (size_t k = 0; k < 8; ++k) {
    EXPECT_EQ(rows[k].patient, k < 4 ? "background-1" : "background-2");
    EXPECT_EQ(rows[k].split, k < 4 ? Split::kTrain : Split::kTest);
    EXPECT_EQ(rows[k].lungs, Lungs::kReal);
  }
  EXPECT_EQ(rows[8].split, Split::kTest);
  EXPECT_EQ(rows[8].lungs, Lungs::kSynthetic);
  EXPECT_NE(rows[8].patient, rows[9].patient);
  M3L_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(folder_ / "a" / "cohort.json"));
  EXPECT_EQ(nlohmann::json::parse(text)["background_splits"], (nlohmann::json{"train", "test"}));

  options_.backgrounds[1].split = Split::kValidation;
  EXPECT_THAT(WriteCohort(options_, folder_ / "a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other options")));
}

TEST_F(CohortWriterTest, ACohortThatTellsNoSplitsHasItsBackgroundsInTraining) {
  options_.size = {.train = 0, .validation = 0, .test = 0, .on_each_background = 1};
  options_.backgrounds = {{AddBackground("one", 1), Split::kTrain}};
  const fs::path out = folder_ / "a", file = out / "cohort.json";
  ASSERT_THAT(WriteCohort(options_, out), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(file));
  nlohmann::json old = nlohmann::json::parse(text);
  old.erase("background_splits");
  ASSERT_THAT(WriteFile(file, old.dump()), IsOk());
  EXPECT_THAT(WriteCohort(options_, out), IsOk());
  options_.backgrounds[0].split = Split::kTest;
  EXPECT_THAT(WriteCohort(options_, out),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other options")));
}

TEST_F(CohortWriterTest, TakesNoBackgroundTwice) {
  const fs::path one = folder_ / "one", link = folder_ / "link";
  fs::create_directories(one);
  fs::create_directory_symlink(one, link);
  for (const fs::path& again : {one, folder_ / "." / "one", link}) {
    options_.backgrounds = {{one, Split::kTrain}, {again, Split::kTest}};
    EXPECT_THAT(WriteCohort(options_, folder_ / "a"),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("the background " + again.string() + " (test)"),
                               HasSubstr("the same folder as " + one.string() + " (train)"))));
  }
  options_.backgrounds[1].split = Split::kTrain;
  EXPECT_THAT(WriteCohort(options_, folder_ / "a"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the same folder")));
  EXPECT_FALSE(fs::exists(folder_ / "a"));
}

TEST_F(CohortWriterTest, SaysWhichBackgroundCannotBeUsed) {
  const fs::path background = folder_ / "empty";
  fs::create_directories(background);
  options_.backgrounds = {{background, Split::kTest}};
  options_.size.on_each_background = 1;
  EXPECT_THAT(WriteCohort(options_, folder_ / "a"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(background.string())));
}

TEST(PlanCohortTest, ALargerCohortHoldsTheSmallerOne) {
  const auto seeds = [](const CohortSize& size) {
    std::map<std::string, uint64_t> by_name;
    for (const PlannedStudy& study : PlanCohort(size, {Split::kTrain, Split::kTest}, 7)) {
      by_name[study.name] = study.seed;
    }
    return by_name;
  };
  const auto small = seeds({.train = 2, .validation = 1, .test = 2, .on_each_background = 1});
  const auto large = seeds({.train = 5, .validation = 2, .test = 3, .on_each_background = 2});
  EXPECT_EQ(small.size(), 4u * (2 + 1 + 2 + 2));
  std::set<uint64_t> different;
  for (const auto& [name, seed] : small) {
    EXPECT_EQ(large.at(name), seed) << name;
    different.insert(seed);
  }
  EXPECT_EQ(different.size(), small.size());
}

}  // namespace
}  // namespace m3lung
