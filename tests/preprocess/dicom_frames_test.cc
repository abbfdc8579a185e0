// SPDX-License-Identifier: Apache-2.0
// Frames of multi-frame objects, fragments of compressed ones, and their limits.
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/code_samples.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::Words;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kEnhancedCt[] = "1.2.840.10008.5.1.4.1.1.2.1";
constexpr char kRle[] = "1.2.840.10008.1.2.5";

std::string Code(const char* base64) {
  std::string bytes;
  absl::Base64Unescape(base64, &bytes);
  return bytes;
}

DicomBuilder Group() { return DicomBuilder().Clear(); }

// The functional groups of a frame at `z` with a rescale intercept of its own.
DicomBuilder FrameGroups(int z, int intercept) {
  return Group()
      .SetItems(0x00209113, {Group().Set(0x00200032, "DS", absl::StrCat("0\\0\\", z))})
      .SetItems(
          0x00289145,
          {Group().Set(0x00281052, "DS", absl::StrCat(intercept)).Set(0x00281053, "DS", "1")});
}

// An Enhanced CT object of 2 x 3 pixels a frame; frame i holds the words 10 i to
// 10 i + 5. Nothing that a frame needs lies outside its groups and the shared ones.
DicomBuilder Enhanced(const std::vector<DicomBuilder>& frames) {
  std::string pixels;
  for (int i = 0; i < static_cast<int>(frames.size()); ++i) {
    const int first = 10 * i;
    pixels += Words({first, first + 1, first + 2, first + 3, first + 4, first + 5});
  }
  return DicomBuilder()
      .Set(0x00080016, "UI", kEnhancedCt)
      .Set(0x00280008, "IS", absl::StrCat(frames.size()))
      .Remove(0x00200032)
      .Remove(0x00200037)
      .Remove(0x00280030)
      .Remove(0x00281052)
      .Remove(0x00281053)
      .SetItems(0x52009229,
                {Group()
                     .SetItems(0x00209116, {Group().Set(0x00200037, "DS", "1\\0\\0\\0\\1\\0")})
                     .SetItems(0x00289110, {Group().Set(0x00280030, "DS", "0.7\\0.6")})})
      .SetItems(0x52009230, frames)
      .Set(0x7fe00010, "OW", pixels);
}

absl::StatusOr<DecodedInstance> DecodeFrames(const DicomBuilder& builder) {
  return DecodeInstance(builder.Build(), {});
}

int FirstValue(const HuSlice& slice) { return slice.hu.at<int16_t>(0, 0); }

TEST(DecodeInstanceTest, PlacesEachFrameByItsFunctionalGroups) {
  M3L_ASSERT_OK_AND_ASSIGN(
      const DecodedInstance instance,
      DecodeFrames(Enhanced({FrameGroups(9, -1000), FrameGroups(3, -500), FrameGroups(6, 0)})));
  ASSERT_EQ(instance.slices.size(), 3);
  const std::vector<double> z = {9, 3, 6};
  const std::vector<int> first = {-1000, -490, 20};
  for (int i = 0; i < 3; ++i) {
    const HuSlice& slice = instance.slices[i];
    EXPECT_EQ(slice.frame, i);
    EXPECT_EQ(slice.geometry.position[2], z[i]);
    EXPECT_EQ(slice.geometry.row_spacing_mm, 0.7);
    EXPECT_EQ(FirstValue(slice), first[i]);
    EXPECT_EQ(slice.sop_instance_uid, "1.2.3.4");
    EXPECT_THAT(slice.warnings, IsEmpty());
  }
}

TEST(DecodeInstanceTest, AFrameThatCannotBeUsedDoesNotLoseTheOthers) {
  DicomBuilder localizer = FrameGroups(3, 0);
  localizer.SetItems(0x00189329,
                     {Group().Set(0x00089007, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER\\NONE")});
  M3L_ASSERT_OK_AND_ASSIGN(
      const DecodedInstance instance,
      DecodeFrames(Enhanced({FrameGroups(0, 0), localizer, Group(), FrameGroups(9, 0)})));
  ASSERT_EQ(instance.slices.size(), 2);
  EXPECT_EQ(instance.slices[0].frame, 0);
  EXPECT_EQ(instance.slices[1].frame, 3);
  EXPECT_EQ(FirstValue(instance.slices[1]), 30);
  for (const HuSlice& slice : instance.slices) {
    EXPECT_THAT(slice.warnings, ElementsAre(::testing::AllOf(
                                    HasSubstr("2 of 4 frames were left out; the first, frame 2"),
                                    HasSubstr("LOCALIZER"))));
  }
}

TEST(DecodeInstanceTest, NoUsableFrameIsAnErrorWithTheReasonOfTheFirst) {
  const auto instance = DecodeFrames(Enhanced({Group(), Group()}));
  ASSERT_FALSE(instance.ok());
  EXPECT_EQ(SkipReasonOf(instance.status()), SkipReason::kNoGeometry);
  EXPECT_THAT(std::string(instance.status().message()), HasSubstr("none of the 2 frames"));
}

TEST(DecodeInstanceTest, ATruncatedObjectKeepsItsWholeFrames) {
  const std::string bytes =
      Enhanced({FrameGroups(0, 0), FrameGroups(3, 0), FrameGroups(6, 0)}).Build();
  M3L_ASSERT_OK_AND_ASSIGN(
      const DecodedInstance instance,
      DecodeInstance(absl::string_view(bytes).substr(0, bytes.size() - 2), {}));
  ASSERT_EQ(instance.slices.size(), 2);
  EXPECT_THAT(instance.slices[0].warnings,
              ::testing::Contains(HasSubstr("frame 3: PixelData declares 36 bytes and holds 34")));
}

TEST(DecodeInstanceTest, LimitsAreCheckedBeforePixelsAreDecoded) {
  const std::string bytes = Enhanced({FrameGroups(0, 0), FrameGroups(3, 0)}).Build();
  const auto refused_for = [&](const DecodeLimits& limits) {
    const auto instance = DecodeInstance(bytes, limits);
    return instance.ok() ? SkipReason::kMalformed : SkipReasonOf(instance.status());
  };
  DecodeLimits frames;
  frames.max_frames = 1;
  EXPECT_EQ(refused_for(frames), SkipReason::kTooLarge);
  DecodeLimits decoded;
  decoded.max_decoded_bytes = 2 * 2 * 3 * 2 - 1;
  EXPECT_EQ(refused_for(decoded), SkipReason::kTooLarge);
  decoded.max_decoded_bytes += 1;
  EXPECT_THAT(DecodeInstance(bytes, decoded), IsOk());
  DecodeLimits time;
  time.max_time = absl::ZeroDuration();
  EXPECT_EQ(refused_for(time), SkipReason::kTooSlow);
}

TEST(DecodeInstanceTest, AsksForMemoryBeforePixelsAreDecoded) {
  const std::string bytes = Enhanced({FrameGroups(0, 0), FrameGroups(3, 0)}).Build();
  std::vector<MemoryNeed> needs;
  DecodeLimits limits;
  limits.admit = [&](const MemoryNeed& need) {
    needs.push_back(need);
    return absl::OkStatus();
  };
  EXPECT_THAT(DecodeInstance(bytes, limits), IsOk());
  ASSERT_EQ(needs.size(), 1);
  EXPECT_EQ(needs[0].frames, 2);
  EXPECT_GE(needs[0].bytes, 2 * 2 * 3 * 2);  // and what decoding takes beside them
  limits.admit = [&](const MemoryNeed&) { return absl::UnavailableError("no more"); };
  EXPECT_EQ(DecodeInstance(bytes, limits).status(), absl::UnavailableError("no more"));
}

TEST(DecodeDicomTest, AnObjectOfSeveralSlicesIsNoSlice) {
  const auto slice =
      DecodeDicom(Enhanced({FrameGroups(0, 0), FrameGroups(3, 0)}).Build(), DecodeLimits());
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kMultiFrame);
}

TEST(DecodeInstanceTest, FindsTheHeaderInTheFunctionalGroups) {
  DicomBuilder frame = FrameGroups(0, 0);
  frame.SetItems(0x00189314, {Group().Set(0x00181210, "SH", "B70f")})
      .SetItems(0x00209111, {Group().Set(0x00209156, "US", Words({7}))});
  M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance, DecodeFrames(Enhanced({frame})));
  EXPECT_EQ(instance.header.convolution_kernel, "B70f");
  EXPECT_EQ(instance.header.acquisition_number, 7);
}

// Frames of two acquisitions and kernels may share one object.
TEST(DecodeInstanceTest, EachFrameHasItsOwnHeader) {
  const auto frame = [](double z, int number, const char* kernel) {
    return FrameGroups(z, 0)
        .SetItems(0x00189314, {Group().Set(0x00181210, "SH", kernel).Set(0x00189320, "SH", "FLAT")})
        .SetItems(0x00209111, {Group()
                                   .Set(0x00209156, "US", Words({number}))
                                   .Set(0x00189074, "DT", "20260101120000")
                                   .Set(0x00209128, "UL", testing::LittleEndian(number, 4))})
        .SetItems(0x00189329, {Group().Set(0x00089007, "CS", "DERIVED\\PRIMARY\\MIP\\NONE")});
  };
  DicomBuilder plain = FrameGroups(6, 0);
  M3L_ASSERT_OK_AND_ASSIGN(
      const DecodedInstance instance,
      DecodeFrames(Enhanced({frame(0, 1, "B70f"), frame(3, 2, "B31f\\3"), plain})
                       .Set(0x00200012, "IS", "9")));
  ASSERT_EQ(instance.frame_headers.size(), 3);
  const InstanceHeader& second = instance.frame_headers[1];
  EXPECT_EQ(instance.frame_headers[0].acquisition_number, 1);
  EXPECT_EQ(second.acquisition_number, 2);
  EXPECT_EQ(second.convolution_kernel, "B31f\\3");
  EXPECT_EQ(second.filter_type, "FLAT");
  EXPECT_EQ(second.acquisition_time, "20260101120000");
  EXPECT_EQ(second.phase, "2/");
  EXPECT_EQ(second.image_type.front(), "DERIVED");
  EXPECT_EQ(instance.frame_headers[2].acquisition_number, 9);  // the object's
  EXPECT_EQ(instance.header.convolution_kernel, "B70f");
}

// The RLE code of a frame of 2 x 3 pixels that all have the same byte in their low
// half and 0 in the other.
std::string RleFrame(int low) {
  std::string code =
      testing::LittleEndian(2, 4) + testing::LittleEndian(64, 4) + testing::LittleEndian(66, 4);
  code.resize(64);
  return code + std::string("\xfb\0\xfb", 3) + static_cast<char>(low);
}

TEST(DecodeInstanceTest, GroupsFragmentsByTheOffsetTableOrOneAFrame) {
  const std::vector<DicomBuilder> groups = {FrameGroups(0, 0), FrameGroups(3, 0)};
  const auto first_values = [&](const std::vector<std::string>& fragments,
                                const std::vector<uint32_t>& table) -> std::vector<int> {
    const auto instance =
        DecodeFrames(Enhanced(groups).Syntax(kRle).SetFragments(fragments, table));
    if (!instance.ok()) return {};
    std::vector<int> values;
    for (const HuSlice& slice : instance->slices) values.push_back(FirstValue(slice));
    return values;
  };
  const std::string a = RleFrame(5), b = RleFrame(9);
  EXPECT_THAT(first_values({a, b}, {}), ElementsAre(5, 9));
  EXPECT_THAT(first_values({a, b}, {0, 76}), ElementsAre(5, 9));
  EXPECT_THAT(first_values({a, b}, {0, 4000}), ElementsAre(5, 9)) << "a wrong table";
  EXPECT_THAT(first_values({a.substr(0, 30), a.substr(30), b}, {0, 84}), ElementsAre(5, 9));
  EXPECT_THAT(first_values({a.substr(0, 30), a.substr(30), b}, {}), IsEmpty())
      << "nothing tells which fragment is whose";
}

struct CodedCase {
  const char* name;
  const char* syntax;
  const char* code;
  int scale;      // of the sample's values
  int tolerance;  // in stored units
};

class CodedSampleTest : public ::testing::TestWithParam<CodedCase> {};

// A single image with the sample's code, cut into `fragments`.
DicomBuilder Coded(const CodedCase& coded, size_t fragments) {
  const std::string code = Code(coded.code);
  const size_t length = (code.size() / fragments + 1) / 2 * 2;
  std::vector<std::string> parts;
  for (size_t at = 0; at < code.size(); at += length) parts.push_back(code.substr(at, length));
  const int bits = coded.scale == 1 ? 12 : 8;
  return DicomBuilder()
      .Syntax(coded.syntax)
      .Set(0x00280010, "US", Words({testing::kSampleRows}))
      .Set(0x00280011, "US", Words({testing::kSampleColumns}))
      .Set(0x00280100, "US", Words({bits == 8 ? 8 : 16}))
      .Set(0x00280101, "US", Words({bits}))
      .Set(0x00280102, "US", Words({bits - 1}))
      .Set(0x00280103, "US", Words({0}))
      .SetFragments(parts);
}

TEST_P(CodedSampleTest, DecodesHoweverItIsCut) {
  for (size_t fragments : {1, 2, 5}) {
    M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance,
                             DecodeFrames(Coded(GetParam(), fragments)));
    ASSERT_EQ(instance.slices.size(), 1);
    for (int i = 0; i < testing::kSampleRows; ++i) {
      for (int j = 0; j < testing::kSampleColumns; ++j) {
        ASSERT_NEAR(instance.slices[0].hu.at<int16_t>(i, j),
                    testing::SampleValue(i, j) / GetParam().scale - 1024, GetParam().tolerance)
            << i << ' ' << j;
      }
    }
    EXPECT_EQ(instance.slices[0].warnings.size(), GetParam().tolerance == 0 ? 0 : 1);
  }
}

TEST_P(CodedSampleTest, ATruncatedCodeIsRefused) {
  const std::string code = Code(GetParam().code);
  for (const size_t length : {code.size() / 2, code.size() / 4, size_t{12}}) {
    const auto instance = DecodeFrames(Coded(GetParam(), 1).SetFragments({code.substr(0, length)}));
    EXPECT_FALSE(instance.ok()) << length;
  }
}

TEST_P(CodedSampleTest, ACodeOfAnotherSizeIsRefusedBeforeDecoding) {
  const auto instance = DecodeFrames(Coded(GetParam(), 1).Set(0x00280011, "US", Words({25})));
  ASSERT_FALSE(instance.ok());
  EXPECT_EQ(SkipReasonOf(instance.status()), SkipReason::kMalformed);
  EXPECT_THAT(std::string(instance.status().message()), HasSubstr("20 x 24 pixels"));
}

INSTANTIATE_TEST_SUITE_P(
    Coders, CodedSampleTest,
    ::testing::Values(
        CodedCase{"JpegBaseline", "1.2.840.10008.1.2.4.50", testing::kJpegBaselineCode, 16, 3},
        CodedCase{"JpegExtended", "1.2.840.10008.1.2.4.51", testing::kJpegExtendedCode, 1, 12},
        CodedCase{"Jpeg2000", "1.2.840.10008.1.2.4.90", testing::kJpeg2000Code, 1, 0},
        CodedCase{"Htj2k", "1.2.840.10008.1.2.4.201", testing::kHtj2kCode, 1, 0}),
    [](const auto& tested) { return tested.param.name; });

TEST(DecodeInstanceTest, TakesTheSyntaxFromTheCodeWhereNoHeaderNamesIt) {
  const CodedCase coded = {"", testing::kExplicit, testing::kJpeg2000Code, 1, 0};
  M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance,
                           DecodeFrames(Coded(coded, 1).WithoutHeader()));
  EXPECT_EQ(FirstValue(instance.slices[0]), -1024);
  EXPECT_THAT(instance.slices[0].warnings,
              ::testing::Contains(HasSubstr("no transfer syntax is named; taken for JPEG 2000")));
}

}  // namespace
}  // namespace m3lung
