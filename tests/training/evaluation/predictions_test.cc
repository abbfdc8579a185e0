// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/predictions.h"

#include <limits>

#include "base/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "tests/training/evaluation/sample_predictions.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

constexpr char kStudies[] =
    "study,label,HEALTHY,COVID_19,H1N1,CAP\n"
    "a,HEALTHY,0.7,0.1,0.1,0.1\n"
    "b,CAP,0.1,0.2,0.3,0.4\n";
constexpr char kSliceHead[] =
    "study,file,position_mm,lesion,HEALTHY,COVID_19,H1N1,CAP,lesion_probability\n";

TEST(PredictionsTest, ReadBackAsTheyWereWritten) {
  Predictions predictions = testing::SamplePredictions(12, 1, 4);
  predictions.studies[3].name = "with, comma and \"quotes\"";
  predictions.studies[5].non_parametric.reset();
  predictions.studies[5].lungs = Lungs::kReal;
  predictions.studies[5].patient = "a, b";
  predictions.studies[6].lungs = Lungs::kSynthetic;
  predictions.studies[1].probabilities = {1 - std::numeric_limits<float>::epsilon(),
                                          std::numeric_limits<float>::denorm_min(), 1e-30F,
                                          std::numeric_limits<float>::epsilon()};
  predictions.slices[2].position_mm = -1.0 / 3;
  const TemporaryFolder folder;
  ASSERT_THAT(WritePredictions(predictions, folder.path() / "predictions"), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const Predictions read, ReadPredictions(folder.path() / "predictions"));
  ASSERT_EQ(read.studies.size(), predictions.studies.size());
  for (size_t i = 0; i < read.studies.size(); ++i) {
    EXPECT_EQ(read.studies[i].name, predictions.studies[i].name);
    EXPECT_EQ(read.studies[i].truth, predictions.studies[i].truth);
    EXPECT_EQ(read.studies[i].probabilities, predictions.studies[i].probabilities);
    EXPECT_EQ(read.studies[i].non_parametric, predictions.studies[i].non_parametric);
    EXPECT_EQ(read.studies[i].patient, predictions.studies[i].patient);
    EXPECT_EQ(read.studies[i].lungs, predictions.studies[i].lungs);
  }
  ASSERT_EQ(read.slices.size(), predictions.slices.size());
  for (size_t i = 0; i < read.slices.size(); ++i) {
    EXPECT_EQ(read.slices[i].study, predictions.slices[i].study);
    EXPECT_EQ(read.slices[i].file, predictions.slices[i].file);
    EXPECT_EQ(read.slices[i].position_mm, predictions.slices[i].position_mm);
    EXPECT_EQ(read.slices[i].lesion, predictions.slices[i].lesion);
    EXPECT_EQ(read.slices[i].probabilities, predictions.slices[i].probabilities);
    EXPECT_EQ(read.slices[i].lesion_probability, predictions.slices[i].lesion_probability);
  }
}

TEST(PredictionsTest, OtherProgramsNeedNeitherSlicesNorTheCountedLabel) {
  const TemporaryFolder folder;
  folder.Add("studies.csv", kStudies);
  M3L_ASSERT_OK_AND_ASSIGN(const Predictions read, ReadPredictions(folder.path()));
  EXPECT_EQ(read.studies.size(), 2U);
  EXPECT_FALSE(read.studies[0].non_parametric.has_value());
  EXPECT_FALSE(read.studies[0].lungs.has_value());
  EXPECT_TRUE(read.slices.empty());
}

TEST(PredictionsTest, SayThatThereAreNone) {
  const TemporaryFolder folder;
  EXPECT_THAT(ReadPredictions(folder.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("studies.csv")));
}

struct BadTable {
  const char* name;
  std::string studies;
  std::string slices;  // rows, or a whole table that starts with "study"
  const char* place;
  const char* reason;
};

class BadPredictionsTest : public ::testing::TestWithParam<BadTable> {};

TEST_P(BadPredictionsTest, AreNamedWithTheirLine) {
  const TemporaryFolder folder;
  folder.Add("studies.csv", GetParam().studies);
  folder.Add("slices.csv", kSliceHead + GetParam().slices);
  EXPECT_THAT(ReadPredictions(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(GetParam().place), HasSubstr(GetParam().reason))));
}

const std::string kTwo = kStudies;

INSTANTIATE_TEST_SUITE_P(
    All, BadPredictionsTest,
    ::testing::Values(
        BadTable{"NoStudy", "study,label,HEALTHY,COVID_19,H1N1,CAP\n", "", "studies.csv",
                 "lists no study"},
        BadTable{"NoColumn", "study,label\na,CAP\n", "", "studies.csv line 1", "\"HEALTHY\""},
        BadTable{"Label", kTwo + "c,FLU,1,0,0,0\n", "", "studies.csv line 4", "\"FLU\""},
        BadTable{"Twice", kTwo + "a,CAP,1,0,0,0\n", "", "studies.csv line 4",
                 "\"a\" is listed on line 2"},
        BadTable{"Nameless", kTwo + ",CAP,1,0,0,0\n", "", "studies.csv line 4", "no name"},
        BadTable{"NotANumber", kTwo + "c,CAP,nan,0,0,1\n", "", "studies.csv line 4",
                 "HEALTHY must be a probability between 0 and 1; was \"nan\""},
        BadTable{"AboveOne", kTwo + "c,CAP,0,0,0,1.5\n", "", "studies.csv line 4",
                 "CAP must be a probability"},
        BadTable{"Sum", kTwo + "c,CAP,0.5,0,0,0.2\n", "", "studies.csv line 4",
                 "must add up to 1; they make 0.7"},
        BadTable{"Lungs", "study,label,HEALTHY,COVID_19,H1N1,CAP,lungs\na,CAP,0,0,0,1,phantom\n",
                 "", "studies.csv line 2",
                 "lungs must be real, synthetic or, where it is not known, empty; was \"phantom\""},
        BadTable{"UnknownStudy", kTwo, "c,1,0,,1,0,0,0,0.5\n", "slices.csv line 2",
                 "\"c\" is not listed in studies.csv"},
        BadTable{"SliceTwice", kTwo, "a,1,0,,1,0,0,0,0.5\na,1,2,,1,0,0,0,0.5\n",
                 "slices.csv line 3", "slice \"1\" of study \"a\" is listed twice"},
        BadTable{"Truth", kTwo, "a,1,0,yes,1,0,0,0,0.5\n", "slices.csv line 2",
                 "lesion must be 1, 0 or"},
        BadTable{"HealthyLesion", kTwo, "a,1,0,1,1,0,0,0,0.5\n", "slices.csv line 2",
                 "HEALTHY study cannot show a lesion"},
        BadTable{"Position", kTwo, "a,1,inf,,1,0,0,0,0.5\n", "slices.csv line 2",
                 "position_mm must be a number"},
        BadTable{"LesionProbability", kTwo, "a,1,0,,1,0,0,0,\n", "slices.csv line 2",
                 "lesion_probability must be a probability between 0 and 1; was \"\""}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace m3lung
