// SPDX-License-Identifier: Apache-2.0
#include "server/conversions.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAreArray;

// The names of an API enum's values, but for the one that says nothing.
std::set<std::string> NamesOf(const google::protobuf::EnumDescriptor& api) {
  std::set<std::string> names;
  for (int i = 0; i < api.value_count(); ++i) {
    if (api.value(i)->number() != 0) names.insert(std::string(api.value(i)->name()));
  }
  return names;
}

// Holds for a library enum whose values are counted from `first`: each has a namesake of its own
// in the API, and the API has no other.
template <typename Value>
void ExpectNamesakes(const google::protobuf::EnumDescriptor& api, int first) {
  std::vector<std::string> given;
  const std::set<std::string> names = NamesOf(api);
  for (size_t i = 0; i < names.size(); ++i) {
    const int number = ToProto(static_cast<Value>(first + static_cast<int>(i)));
    ASSERT_NE(number, 0) << "value " << first + i << " of the library has no namesake in "
                         << api.full_name();
    ASSERT_NE(api.FindValueByNumber(number), nullptr) << number;
    given.emplace_back(api.FindValueByNumber(number)->name());
  }
  EXPECT_THAT(given, UnorderedElementsAreArray(names));
}

TEST(ConversionsTest, EachValueHasANamesakeOfItsOwn) {
  ExpectNamesakes<SkipReason>(*v1::SkipReason_descriptor(), 1);
  ExpectNamesakes<StudyReason>(*v1::StudyReason_descriptor(), 1);
  ExpectNamesakes<Verdict>(*v1::Verdict_descriptor(), 1);
  ExpectNamesakes<Label>(*v1::Label_descriptor(), 0);
  ExpectNamesakes<WeightsOrigin>(*v1::WeightsOrigin_descriptor(), 0);
}

TEST(ConversionsTest, LabelsKeepTheirNamesAndTheClassOrder) {
  for (const Label label : kLabels) {
    const v1::Label message = ToProto(label);
    EXPECT_EQ(NameOf(message), LabelName(label));
    EXPECT_EQ(static_cast<int>(message) - 1, static_cast<int>(label));
    const absl::StatusOr<Label> back = ParseLabel(NameOf(message));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, label);
  }
}

TEST(ConversionsTest, SkipReasonsMeanWhatTheyAreCalled) {
  const std::vector<std::pair<SkipReason, const char*>> reasons = {
      {SkipReason::kNotDicom, "NOT_DICOM"},
      {SkipReason::kMalformed, "MALFORMED"},
      {SkipReason::kUnsupportedTransferSyntax, "UNSUPPORTED_TRANSFER_SYNTAX"},
      {SkipReason::kNotCt, "NOT_CT"},
      {SkipReason::kNoPixelData, "NO_PIXEL_DATA"},
      {SkipReason::kUnsupportedPixelFormat, "UNSUPPORTED_PIXEL_FORMAT"},
      {SkipReason::kMultiFrame, "MULTI_FRAME"},
      {SkipReason::kTooLarge, "TOO_LARGE"},
      {SkipReason::kLocalizer, "LOCALIZER"},
      {SkipReason::kNoGeometry, "NO_GEOMETRY"},
      {SkipReason::kNotAxial, "NOT_AXIAL"},
      {SkipReason::kOtherSeries, "OTHER_SERIES"},
      {SkipReason::kDuplicate, "DUPLICATE"},
      {SkipReason::kSecondaryCapture, "SECONDARY_CAPTURE"},
      {SkipReason::kBurnedInAnnotation, "BURNED_IN_ANNOTATION"},
      {SkipReason::kNotAnImage, "NOT_AN_IMAGE"},
      {SkipReason::kOtherAcquisition, "OTHER_ACQUISITION"},
      {SkipReason::kDoubledPosition, "DOUBLED_POSITION"},
      {SkipReason::kTooSlow, "TOO_SLOW"},
      {SkipReason::kOtherStudy, "OTHER_STUDY"},
  };
  // All but UNSPECIFIED.
  EXPECT_EQ(reasons.size(), v1::SkipReason_descriptor()->value_count() - 1);
  for (const auto& [reason, name] : reasons) EXPECT_EQ(NameOf(ToProto(reason)), name);
}

TEST(ConversionsTest, StudyReasonsMeanWhatTheyAreCalled) {
  const std::vector<std::pair<StudyReason, const char*>> reasons = {
      {StudyReason::kNoUsableInstance, "NO_USABLE_INSTANCE"},
      {StudyReason::kFewerInstancesThanExpected, "FEWER_INSTANCES_THAN_EXPECTED"},
      {StudyReason::kMoreInstancesThanExpected, "MORE_INSTANCES_THAN_EXPECTED"},
      {StudyReason::kInstancesSkipped, "INSTANCES_SKIPPED"},
      {StudyReason::kNotHounsfield, "NOT_HOUNSFIELD"},
      {StudyReason::kNoLungsFound, "NO_LUNGS_FOUND"},
      {StudyReason::kNoAxialSeries, "NO_AXIAL_SERIES"},
      {StudyReason::kTooFewLungSlices, "TOO_FEW_LUNG_SLICES"},
      {StudyReason::kSlicesMissing, "SLICES_MISSING"},
      {StudyReason::kLungsNotCovered, "LUNGS_NOT_COVERED"},
      {StudyReason::kSpacingTooWide, "SPACING_TOO_WIDE"},
      {StudyReason::kPositionsDoubled, "POSITIONS_DOUBLED"},
      {StudyReason::kBetterSeriesSkipped, "BETTER_SERIES_SKIPPED"},
      {StudyReason::kSeveralStudies, "SEVERAL_STUDIES"},
      {StudyReason::kAcquisitionsMixed, "ACQUISITIONS_MIXED"},
  };
  EXPECT_EQ(reasons.size(), v1::StudyReason_descriptor()->value_count() - 1);
  for (const auto& [reason, name] : reasons) {
    EXPECT_EQ(v1::StudyReason_Name(ToProto(reason)), name);
  }
}

TEST(ConversionsTest, VerdictsOriginsCropsMeanWhatTheyAreCalled) {
  EXPECT_EQ(NameOf(ToProto(Verdict::kOk)), "OK");
  EXPECT_EQ(NameOf(ToProto(Verdict::kDegraded)), "DEGRADED");
  EXPECT_EQ(NameOf(ToProto(Verdict::kAbstained)), "ABSTAINED");
  EXPECT_EQ(NameOf(ToProto(Verdict::kRejected)), "REJECTED");
  EXPECT_EQ(ToProto(WeightsOrigin::kRandom), v1::RANDOM);
  EXPECT_EQ(ToProto(WeightsOrigin::kSyntheticData), v1::SYNTHETIC_DATA);
  EXPECT_EQ(ToProto(WeightsOrigin::kMixedData), v1::MIXED_DATA);
  EXPECT_EQ(ToProto(WeightsOrigin::kRealData), v1::REAL_DATA);
  EXPECT_EQ(ToProto(CropMode::kPaper), v1::PAPER);
  EXPECT_EQ(ToProto(CropMode::kVolume), v1::VOLUME);
  EXPECT_EQ(NameOf(CropMode::kPaper), "paper");
  EXPECT_EQ(NameOf(CropMode::kVolume), "volume");
  EXPECT_EQ(NameOf(std::nullopt), "none");
}

TEST(ConversionsTest, ABoxKeepsItsPlaceAndItsMethod) {
  const v1::LungBox box = ToProto(cv::Rect(1, 2, 3, 4), CropMode::kVolume);
  EXPECT_THAT((std::vector{box.x(), box.y(), box.width(), box.height()}), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(box.method(), "volume");
}

TEST(ConversionsTest, CodesHaveTheNamesOfTheApi) {
  EXPECT_EQ(CodeName(absl::StatusCode::kOk), "OK");
  EXPECT_EQ(CodeName(absl::StatusCode::kResourceExhausted), "RESOURCE_EXHAUSTED");
}

}  // namespace
}  // namespace m3lung
