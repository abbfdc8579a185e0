// Files made to break a reader: each is decoded or refused, in bounded memory.
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preprocess/dicom/jpeg_frame_header.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/status_matchers.h"
#include "training/cohort/dicom_writer.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define M3LUNG_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define M3LUNG_SHADOW_MEMORY 1
#endif
#endif

namespace m3lung {
namespace {

using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::LittleEndian;
using ::testing::HasSubstr;

// While it lives, the process cannot reserve as much as a length field can ask
// for. Sanitizers reserve terabytes themselves, so without effect under those.
class MemoryCap {
 public:
  MemoryCap() {
#ifndef M3LUNG_SHADOW_MEMORY
    getrlimit(RLIMIT_AS, &before_);
    rlimit capped = before_;
    capped.rlim_cur = rlim_t{1} << 30;
    setrlimit(RLIMIT_AS, &capped);
#endif
  }
  ~MemoryCap() {
#ifndef M3LUNG_SHADOW_MEMORY
    setrlimit(RLIMIT_AS, &before_);
#endif
  }

 private:
  rlimit before_ = {};
};

void ExpectDecodedOrRefused(absl::string_view bytes) {
  const absl::StatusOr<HuSlice> slice = DecodeDicom(bytes, {});
  if (slice.ok()) {
    EXPECT_FALSE(slice->hu.empty());
    return;
  }
  EXPECT_FALSE(slice.status().message().empty());
  EXPECT_THAT(std::string(slice.status().message()), ::testing::Not(HasSubstr("memory")));
  const int reason = static_cast<int>(SkipReasonOf(slice.status()));
  EXPECT_GE(reason, static_cast<int>(SkipReason::kNotDicom));
  EXPECT_LE(reason, static_cast<int>(SkipReason::kTooSlow));
}

TEST(HostileDicomTest, ADeclaredLengthReservesNothing) {
  const MemoryCap cap;
  for (const char* syntax : {testing::kExplicit, testing::kImplicit}) {
    // Text, private reservation, pixels, unknown: each asks for nearly 4 GB.
    for (const testing::Tag tag : {0x00080005u, 0x00080008u, 0x00090010u, 0x00200032u, 0x00281053u,
                                   0x7fe00010u, 0x00880904u}) {
      for (const char* vr : {"OB", "UN", "UT"}) {
        DicomBuilder builder;
        builder.Syntax(syntax).SetWithLength(tag, vr, "12", 0xfffffff0);
        const absl::StatusOr<HuSlice> slice = DecodeDicom(builder.Build(), {});
        ASSERT_FALSE(slice.ok());
        EXPECT_THAT(std::string(slice.status().message()), ::testing::Not(HasSubstr("memory")));
        PeekSopInstanceUid(builder.Build());
      }
    }
  }
}

TEST(HostileDicomTest, ANestWithoutEndIsRefused) {
  std::string nest;
  for (int i = 0; i < 200000; ++i) {
    nest += LittleEndian(0x11400008, 4) + LittleEndian(0xffffffff, 4);  // a sequence
    nest += LittleEndian(0xe000fffe, 4) + LittleEndian(0xffffffff, 4);  // its item
  }
  DicomBuilder builder;
  builder.Syntax(testing::kImplicit).SetWithLength(0x00081140, "SQ", nest.substr(8), 0xffffffff);
  const absl::StatusOr<HuSlice> slice = DecodeDicom(builder.Build(), {});
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kMalformed);
  EXPECT_THAT(std::string(slice.status().message()), HasSubstr("nests"));
  PeekSopInstanceUid(builder.Build());
}

// A slice with structure in it, so that the codecs have something to code.
HuSlice Textured() {
  HuSlice slice;
  slice.hu.create(40, 48, CV_16SC1);
  for (int i = 0; i < slice.hu.rows; ++i) {
    for (int j = 0; j < slice.hu.cols; ++j) {
      slice.hu.at<int16_t>(i, j) = static_cast<int16_t>((i * 37 + j * j * 5) % 1900 - 1000);
    }
  }
  slice.geometry = {.position = {0, 0, 5},
                    .row_direction = {1, 0, 0},
                    .column_direction = {0, 1, 0},
                    .row_spacing_mm = 0.7,
                    .column_spacing_mm = 0.7};
  slice.sop_instance_uid = "1.2.3.4";
  slice.series_instance_uid = "1.2.3";
  return slice;
}

class DamagedCodeTest : public ::testing::TestWithParam<DicomSyntax> {};

TEST_P(DamagedCodeTest, DamageAnywhereIsSurvived) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string intact,
                           EncodeDicom(Textured(), {.syntax = GetParam()}));
  ASSERT_THAT(DecodeDicom(intact, {}), IsOk());
  const MemoryCap cap;
  std::mt19937 random(17);
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = intact;
    // Half of the rounds damage the pixels alone, which lie at the end.
    const size_t first = round % 2 == 0 ? 0 : bytes.size() * 2 / 5;
    const int flips = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < flips; ++i) {
      bytes[first + random() % (bytes.size() - first)] = static_cast<char>(random());
    }
    if (round % 7 == 0) bytes.resize(first + random() % (bytes.size() - first));
    ExpectDecodedOrRefused(bytes);
    PeekSopInstanceUid(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Syntaxes, DamagedCodeTest,
                         ::testing::Values(DicomSyntax::kImplicitLittleEndian,
                                           DicomSyntax::kExplicitLittleEndian, DicomSyntax::kRle,
                                           DicomSyntax::kJpegLossless,
                                           DicomSyntax::kJpegLosslessSv1,
                                           DicomSyntax::kJpegLsLossless));

TEST(HostileDicomTest, AJpegFrameOfAnotherSizeIsRefusedBeforeDecoding) {
  M3L_ASSERT_OK_AND_ASSIGN(std::string bytes,
                           EncodeDicom(Textured(), {.syntax = DicomSyntax::kJpegLosslessSv1}));
  const size_t header = bytes.find(std::string("\xff\xc3\x00\x0b", 4));
  ASSERT_NE(header, std::string::npos);
  bytes.replace(header + 5, 4, "\xff\xff\xff\xff");
  const absl::StatusOr<HuSlice> slice = DecodeDicom(bytes, {});
  ASSERT_FALSE(slice.ok());
  EXPECT_THAT(std::string(slice.status().message()), HasSubstr("65535 x 65535"));
}

TEST(JpegFrameHeaderTest, FindsTheFrameBehindOtherSegments) {
  const std::string start("\xff\xd8\xff\xe0\x00\x04zz\xff\xff\xc3\x00\x0b\x0c\x00\x40\x01\x00\x01",
                          19);
  const auto header = ReadJpegFrameHeader(start + std::string(3, '\0'));
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->process, JpegProcess::kLossless);
  EXPECT_EQ(header->precision, 12);
  EXPECT_EQ(header->rows, 64);
  EXPECT_EQ(header->columns, 256);
  EXPECT_EQ(header->components, 1);
  for (size_t length = 0; length < start.size() - 1; ++length) {
    EXPECT_FALSE(ReadJpegFrameHeader(start.substr(0, length)).has_value()) << length;
  }
}

TEST(HostileDicomTest, EveryCollectedFileIsDecodedOrRefused) {
  const char* data = std::getenv("M3LUNG_TEST_DATA");
  const std::filesystem::path cases = std::filesystem::path(data == nullptr ? "" : data) / "cases";
  if (data == nullptr || !std::filesystem::is_directory(cases)) {
    GTEST_SKIP() << "needs the folder that M3LUNG_TEST_DATA names, with its cases";
  }
  const MemoryCap cap;
  int files = 0;
  for (const char* folder : {"fuzz", "odd", "charset", "syntax"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cases / folder)) {
      if (!entry.is_regular_file()) continue;
      M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path()));
      SCOPED_TRACE(entry.path().filename().string());
      ExpectDecodedOrRefused(bytes);
      PeekSopInstanceUid(bytes);
      ++files;
    }
  }
  EXPECT_GT(files, 250);
}

}  // namespace
}  // namespace m3lung
