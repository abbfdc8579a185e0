// SPDX-License-Identifier: Apache-2.0
// Attributes that decide a pixel or its place, written in ways that senders have: each is
// read for what it means or refused. tests/preprocess/reference_attributes.py tries them all.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/decoded_values.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::Decode;
using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::HuValues;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::LittleEndian;
using ::m3lung::testing::Tag;
using ::m3lung::testing::Words;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Tag kSlope = 0x00281053, kIntercept = 0x00281052, kPadding = 0x00280120,
              kPaddingLimit = 0x00280121, kRows = 0x00280010, kSpacing = 0x00280030,
              kPosition = 0x00200032, kFrames = 0x00280008, kPhotometric = 0x00280004;

std::vector<std::string> Warnings(const absl::StatusOr<HuSlice>& slice) {
  return slice.ok() ? slice->warnings : std::vector<std::string>();
}

// The reason and the words of a refusal; empty where there is none.
std::string Refusal(const absl::StatusOr<HuSlice>& slice) {
  if (slice.ok()) return "";
  return absl::StrCat(static_cast<int>(SkipReasonOf(slice.status())), ": ",
                      slice.status().message());
}

std::string Malformed(absl::string_view message) {
  return absl::StrCat(static_cast<int>(SkipReason::kMalformed), ": ", message);
}

TEST(AttributeValueTest, WhatCameAsUnknownIsReadByTheDictionary) {
  const DicomBuilder known = DicomBuilder()
                                 .Set(kSlope, "DS", "2")
                                 .Set(kIntercept, "DS", "0")
                                 .Set(kPadding, "SS", Words({3}));
  const std::vector<int16_t> expected = {0, 2, 4, -1000, 8, 10};
  ASSERT_EQ(HuValues(Decode(known)), expected);
  struct Element {
    Tag tag;
    std::string value;
  };
  for (const Element& element : std::vector<Element>{{kSlope, "2"},
                                                     {kIntercept, "0"},
                                                     {kPadding, Words({3})},
                                                     {kRows, Words({2})},
                                                     {0x00280100, Words({16})},
                                                     {0x00280103, Words({1})},
                                                     {kPhotometric, "MONOCHROME2"},
                                                     {kSpacing, "0.7\\0.6"},
                                                     {0x00080060, "CT"}}) {
    const auto slice = Decode(DicomBuilder(known).Set(element.tag, "UN", element.value));
    EXPECT_EQ(HuValues(slice), expected) << std::hex << element.tag << Refusal(slice);
    EXPECT_THAT(Warnings(slice), IsEmpty());
  }
}

TEST(AttributeValueTest, AValueThatCannotBeReadIsNeverADefault) {
  const auto refused = [](Tag tag, const std::string& vr, const std::string& value) {
    return Refusal(Decode(DicomBuilder().Set(tag, vr, value)));
  };
  EXPECT_EQ(refused(kSlope, "SQ", testing::Item("")),
            Malformed("the value of RescaleSlope cannot be read; correct or resend it"));
  EXPECT_EQ(refused(kSlope, "DS", std::string(5000, '1')),
            Malformed("the value of RescaleSlope cannot be read; correct or resend it"));
  EXPECT_EQ(refused(kSlope, "DS", "1\\2"),
            Malformed("RescaleSlope has 2 values where 1 is allowed; correct or resend it"));
  EXPECT_EQ(refused(kIntercept, "US", "1 "),
            Malformed("the value of RescaleIntercept came as US and cannot be read as DS; correct "
                      "or resend it"));
  EXPECT_EQ(refused(kRows, "UN", "2   "),
            Malformed("Rows has 2 values where 1 is allowed; correct or resend it"));
  EXPECT_EQ(refused(kFrames, "IS", "1.5"),
            Malformed("the value of NumberOfFrames is not a whole number; correct or resend it"));
  EXPECT_EQ(refused(kPhotometric, "CS", "MONOCHROME2\\RGB"),
            Malformed("PhotometricInterpretation has 2 values where 1 is allowed; correct or "
                      "resend it"));
  EXPECT_EQ(refused(kSlope, "DS",
                    std::string("1\0"
                                "5",
                                3)),
            Malformed("the value of RescaleSlope is not a number; correct or resend it"));
}

TEST(AttributeValueTest, AnotherNumbersRepresentationIsReadWithAWarning) {
  const auto slice =
      Decode(DicomBuilder().Set(kIntercept, "SS", Words({-1000})).Set(kSpacing, "FD", [] {
        return LittleEndian(0x3fe0000000000000, 8) + LittleEndian(0x3fe8000000000000, 8);
      }()));
  ASSERT_THAT(HuValues(slice), ElementsAre(-1000, -999, -998, -997, -996, -995)) << Refusal(slice);
  EXPECT_EQ(slice->geometry.row_spacing_mm, 0.5);
  EXPECT_EQ(slice->geometry.column_spacing_mm, 0.75);
  EXPECT_THAT(slice->warnings, Contains(HasSubstr("RescaleIntercept came as SS, not DS")));
  EXPECT_THAT(slice->warnings, Contains(HasSubstr("PixelSpacing came as FD, not DS")));
}

TEST(AttributeValueTest, ADecimalCommaIsReadWhereItCanPartNoThousands) {
  const auto slice =
      Decode(DicomBuilder().Set(kSlope, "DS", "1,5").Set(kSpacing, "DS", "0,703125\\0,625"));
  ASSERT_THAT(HuValues(slice), ElementsAre(-1024, -1022, -1021, -1020, -1018, -1016))
      << Refusal(slice);
  EXPECT_EQ(slice->geometry.row_spacing_mm, 0.703125);
  EXPECT_EQ(slice->geometry.column_spacing_mm, 0.625);
  EXPECT_THAT(slice->warnings, ::testing::UnorderedElementsAre(
                                   HasSubstr("RescaleSlope is written with a decimal comma"),
                                   HasSubstr("PixelSpacing is written with a decimal comma")));
  EXPECT_EQ(Refusal(Decode(DicomBuilder().Set(kIntercept, "DS", "-1,024"))),
            Malformed("the value of RescaleIntercept has a comma that may part decimals or "
                      "thousands; correct or resend it"));
  EXPECT_THAT(Decode(DicomBuilder().Set(kIntercept, "DS", "-1.024,0")), ::testing::Not(IsOk()));
}

TEST(AttributeValueTest, AnOverlongDecimalIsReadWithAWarning) {
  const auto slice =
      Decode(DicomBuilder().Set(kPosition, "DS", "-10.00000000000000001\\-20\\30.5"));
  ASSERT_THAT(slice, IsOk());
  EXPECT_THAT(slice->geometry.position, ElementsAre(-10, -20, 30.5));
  EXPECT_THAT(slice->warnings,
              ElementsAre(HasSubstr("ImagePositionPatient is longer than 16 characters")));
}

TEST(AttributeValueTest, PaddingThatNoWordOfPixelsIsRefused) {
  EXPECT_EQ(Refusal(Decode(DicomBuilder().Set(kPadding, "UL", LittleEndian(0x10003, 4)))),
            Malformed("PixelPaddingValue 65539 and PixelPaddingRangeLimit 65539 are no words of 16 "
                      "bits; resend the instance"));
  // By its bits 0xfffe lies above 3, as a number below it.
  EXPECT_THAT(Refusal(Decode(DicomBuilder()
                                 .Set(0x00280103, "US", Words({0}))
                                 .Set(kPadding, "SS", Words({-2}))
                                 .Set(kPaddingLimit, "SS", Words({3})))),
              HasSubstr("partly of another sign"));
}

TEST(AttributeValueTest, AnAttributeThatStandsTwiceMustSayTheSame) {
  const std::string once = DicomBuilder().Set(kSlope, "DS", "2 ").Build();
  const std::string element = LittleEndian(0x10530028, 4) + "DS" + LittleEndian(2, 2);
  const size_t end = once.find(element) + element.size() + 2;
  const auto twice = [&](const std::string& value) {
    return DecodeDicom(std::string(once).insert(end, element + value), {});
  };
  EXPECT_THAT(twice("2 "), IsOk());
  EXPECT_EQ(Refusal(twice("1 ")), Malformed("RescaleSlope stands twice in the data set with "
                                            "different values; resend the instance"));
}

TEST(AttributeValueTest, ASpacingUnderAHundredthOfAMillimetreIsRefused) {
  for (const char* spacing :
       {"0.009\\0.7", "0.7\\0.009", "1e-10\\1e-10", "-0.7\\0.7", "0.7\\101"}) {
    const auto slice = Decode(DicomBuilder().Set(kSpacing, "DS", spacing));
    ASSERT_FALSE(slice.ok()) << spacing;
    EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kNoGeometry);
    EXPECT_THAT(std::string(slice.status().message()), HasSubstr("must be from 0.01 to 100"));
  }
  EXPECT_THAT(Decode(DicomBuilder().Set(kSpacing, "DS", "0.01\\100")), IsOk());
}

// Functional groups of an Enhanced CT object of one frame.
class FunctionalGroupsTest : public ::testing::Test {
 protected:
  static DicomBuilder Group(const char* syntax = testing::kExplicit) {
    return DicomBuilder().Clear().Syntax(syntax);
  }

  // An item with the rescale, the spacing and the place, as one of the two sequences.
  static DicomBuilder Groups(const std::string& slope, const std::string& spacing,
                             const char* syntax = testing::kExplicit) {
    DicomBuilder groups = Group(syntax);
    groups.SetItems(0x00209113, {Group(syntax).Set(kPosition, "DS", "0\\0\\5")});
    groups.SetItems(0x00209116, {Group(syntax).Set(0x00200037, "DS", "1\\0\\0\\0\\1\\0")});
    groups.SetItems(0x00289110, {Group(syntax).Set(kSpacing, "DS", spacing)});
    groups.SetItems(0x00289145,
                    {Group(syntax).Set(kIntercept, "DS", "0").Set(kSlope, "DS", slope)});
    return groups;
  }

  static DicomBuilder Enhanced(const DicomBuilder& shared, const DicomBuilder& frame) {
    return DicomBuilder()
        .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2.1")
        .Set(kFrames, "IS", "1")
        .Remove(kPosition)
        .Remove(0x00200037)
        .Remove(kSpacing)
        .Remove(kIntercept)
        .Remove(kSlope)
        .SetItems(0x52009229, {shared})
        .SetItems(0x52009230, {frame});
  }

  // The bytes of a sequence with one item.
  static std::string Sequence(DicomBuilder item) {
    return testing::Item(item.WithoutHeader().Build());
  }
};

TEST_F(FunctionalGroupsTest, SharedAndOwnAreTakenTogetherWithAWarning) {
  DicomBuilder frame = Group();
  frame.SetItems(0x00289110, {Group().Set(0x00180050, "DS", "8.2")});
  const auto slice = Decode(Enhanced(Groups("2", "0.7\\0.6"), frame));
  ASSERT_THAT(slice, IsOk());
  EXPECT_EQ(slice->geometry.row_spacing_mm, 0.7);
  EXPECT_THAT(slice->warnings, ElementsAre(HasSubstr("PixelMeasuresSequence stands among")));
}

TEST_F(FunctionalGroupsTest, SharedAndOwnMustNotContradictEachOther) {
  EXPECT_THAT(HuValues(Decode(Enhanced(Groups("2", "0.7\\0.6"), Groups("2.0", "0.70\\0.6")))),
              ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_EQ(Refusal(Decode(Enhanced(Groups("2", "0.7\\0.6"), Groups("3", "0.7\\0.6")))),
            Malformed("the functional groups hold two values of RescaleSlope; correct or resend "
                      "it"));
  const auto spacing = Decode(Enhanced(Groups("2", "0.7\\0.6"), Groups("2", "0.7\\0.5")));
  ASSERT_THAT(Refusal(spacing), HasSubstr("two values of PixelSpacing"));
  EXPECT_EQ(SkipReasonOf(spacing.status()), SkipReason::kNoGeometry);
}

TEST_F(FunctionalGroupsTest, WhatTheDataSetItselfSaysGivesWayWithAWarning) {
  const auto slice = Decode(Enhanced(Groups("2", "0.7\\0.6"), Group()).Set(kSlope, "DS", "5"));
  ASSERT_THAT(HuValues(slice), ElementsAre(0, 2, 4, 6, 8, 10)) << Refusal(slice);
  EXPECT_THAT(slice->warnings,
              ElementsAre(HasSubstr("RescaleSlope differs outside of the functional groups")));
}

TEST_F(FunctionalGroupsTest, AreReadWhereTheyCameAsUnknown) {
  const DicomBuilder known = Enhanced(Groups("2", "0.7\\0.6"), Group());
  const auto all =
      Decode(DicomBuilder(known)
                 .Set(0x52009229, "UN", Sequence(Groups("2", "0.7\\0.6", testing::kImplicit)))
                 .Set(0x52009230, "UN", Sequence(Group(testing::kImplicit))));
  EXPECT_THAT(HuValues(all), ElementsAre(0, 2, 4, 6, 8, 10)) << Refusal(all);
  // A group within them, the rest being known.
  DicomBuilder shared = Groups("2", "0.7\\0.6");
  shared.Set(0x00289145, "UN",
             Sequence(Group(testing::kImplicit).Set(kIntercept, "DS", "0").Set(kSlope, "DS", "3")));
  const auto one = Decode(Enhanced(shared, Group()));
  EXPECT_THAT(HuValues(one), ElementsAre(0, 3, 6, 9, 12, 15)) << Refusal(one);
}

TEST_F(FunctionalGroupsTest, AreRefusedWhereTheyCannotBeRead) {
  DicomBuilder two = Groups("2", "0.7\\0.6");
  two.SetItems(0x00289110, {Group().Set(kSpacing, "DS", "1\\1"), Group()});
  EXPECT_THAT(Refusal(Decode(Enhanced(two, Group()))),
              HasSubstr("PixelMeasuresSequence has 2 items where 1 is allowed"));
  const DicomBuilder known = Enhanced(Groups("2", "0.7\\0.6"), Group());
  const auto all = Decode(DicomBuilder(known).Set(0x52009229, "UN", "no sequence "));
  EXPECT_THAT(Refusal(all), HasSubstr("SharedFunctionalGroupsSequence came as UN and cannot be "
                                      "read as a sequence"));
  DicomBuilder shared = Groups("2", "0.7\\0.6");
  shared.Set(0x00289145, "UN", "no sequence ");
  const auto one = Decode(Enhanced(shared, Group()).Set(kSlope, "DS", "1"));
  EXPECT_THAT(Refusal(one), HasSubstr("PixelValueTransformationSequence came as UN"));
}

}  // namespace
}  // namespace m3lung
