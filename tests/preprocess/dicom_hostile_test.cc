// SPDX-License-Identifier: Apache-2.0
// Files made to break a reader: each is decoded or refused, in bounded memory.
#include <sys/resource.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preprocess/dicom/inflate.h"
#include "preprocess/dicom/jpeg_frame_header.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/code_samples.h"
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
using ::m3lung::testing::StatusIs;
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
  EXPECT_LE(reason, static_cast<int>(SkipReason::kOtherStudy));
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
        PeekHeader(builder.Build());
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
  PeekHeader(builder.Build());
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
    PeekHeader(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Syntaxes, DamagedCodeTest,
                         ::testing::Values(DicomSyntax::kImplicitLittleEndian,
                                           DicomSyntax::kExplicitLittleEndian,
                                           DicomSyntax::kExplicitBigEndian, DicomSyntax::kDeflated,
                                           DicomSyntax::kRle, DicomSyntax::kJpegLossless,
                                           DicomSyntax::kJpegLosslessSv1,
                                           DicomSyntax::kJpegLsLossless));

// A single image of 20 x 24 pixels with the sample's code.
std::string Coded(const char* syntax, const std::string& code, int bits) {
  return DicomBuilder()
      .Syntax(syntax)
      .Set(0x00280010, "US", testing::Words({testing::kSampleRows}))
      .Set(0x00280011, "US", testing::Words({testing::kSampleColumns}))
      .Set(0x00280100, "US", testing::Words({bits == 8 ? 8 : 16}))
      .Set(0x00280101, "US", testing::Words({bits}))
      .Set(0x00280102, "US", testing::Words({bits - 1}))
      .Set(0x00280103, "US", testing::Words({0}))
      .SetFragments({code})
      .Build();
}

std::string Unescape(const char* base64) {
  std::string bytes;
  absl::Base64Unescape(base64, &bytes);
  return bytes;
}

struct CodedFile {
  const char* syntax;
  const char* code;
  int bits;
};

class DamagedSampleTest : public ::testing::TestWithParam<CodedFile> {};

TEST_P(DamagedSampleTest, DamageAnywhereInTheCodeIsSurvived) {
  const std::string intact = Unescape(GetParam().code);
  ASSERT_THAT(DecodeDicom(Coded(GetParam().syntax, intact, GetParam().bits), {}), IsOk());
  const MemoryCap cap;
  std::mt19937 random(18);
  for (int round = 0; round < 3000; ++round) {
    std::string code = intact;
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < flips; ++i) code[random() % code.size()] = static_cast<char>(random());
    if (round % 7 == 0) code.resize(random() % code.size());
    ExpectDecodedOrRefused(Coded(GetParam().syntax, code, GetParam().bits));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Coders, DamagedSampleTest,
    ::testing::Values(CodedFile{"1.2.840.10008.1.2.4.50", testing::kJpegBaselineCode, 8},
                      CodedFile{"1.2.840.10008.1.2.4.51", testing::kJpegExtendedCode, 12},
                      CodedFile{"1.2.840.10008.1.2.4.90", testing::kJpeg2000Code, 12},
                      CodedFile{"1.2.840.10008.1.2.4.203", testing::kHtj2kCode, 12}));

// The sample's JPEG 2000 code with `bytes` in place of those `offset` bytes behind
// the first occurrence of `marker`.
std::string Patched(const char* marker, size_t offset, const std::string& bytes) {
  std::string code = Unescape(testing::kJpeg2000Code);
  const size_t at = code.find(marker);
  EXPECT_NE(at, std::string::npos);
  return code.replace(at + offset, bytes.size(), bytes);
}

TEST(HostileDicomTest, AHuffmanTableOfImpossibleDifferencesIsRefusedBeforeDcmtkReadsBeyondItsOwn) {
  std::string code = Unescape(testing::kJpegBaselineCode);
  // Behind the marker, the segment's length, the table's class and number, and the
  // count of codes of each length.
  const size_t symbols = code.find("\xff\xc4") + 2 + 2 + 1 + 16;
  EXPECT_THAT(DecodeDicom(Coded("1.2.840.10008.1.2.4.50", code, 8), {}), IsOk());
  code[symbols] = 16;
  EXPECT_THAT(DecodeDicom(Coded("1.2.840.10008.1.2.4.50", code, 8), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("differences of 16 bits")));
}

std::string BigEndian(uint32_t value) {
  std::string bytes = LittleEndian(value, 4);
  return std::string(bytes.rbegin(), bytes.rend());
}

TEST(HostileDicomTest, AJpeg2000HeaderThatAsksForTheWorldReservesNothing) {
  const MemoryCap cap;
  const auto refusal = [](const std::string& code, int rows, int columns) {
    const absl::StatusOr<HuSlice> slice =
        DecodeDicom(DicomBuilder()
                        .Syntax("1.2.840.10008.1.2.4.90")
                        .Set(0x00280010, "US", testing::Words({rows}))
                        .Set(0x00280011, "US", testing::Words({columns}))
                        .SetFragments({code})
                        .Build(),
                    {});
    EXPECT_FALSE(slice.ok());
    return std::string(slice.status().message());
  };
  // Where the size segment (SIZ) holds the image's width and the tiles'.
  constexpr char kSiz[] = "\xff\x51";
  constexpr size_t kWidth = 6, kTileWidth = 22;
  EXPECT_THAT(refusal(Patched(kSiz, kWidth, BigEndian(0xffffffff)), 20, 24),
              HasSubstr("contradicts itself"));
  EXPECT_THAT(refusal(Patched(kSiz, kWidth, BigEndian(100000)), 20, 24),
              HasSubstr("20 x 100000 pixels"));
  EXPECT_THAT(refusal(Patched(kSiz, kTileWidth, BigEndian(0)), 20, 24),
              HasSubstr("contradicts itself"));
  // As large as is allowed, in tiles of 4 x 4 pixels.
  std::string tiles = Patched(kSiz, kWidth, BigEndian(4096) + BigEndian(4096));
  tiles.replace(tiles.find(kSiz) + kTileWidth, 8, BigEndian(4) + BigEndian(4));
  EXPECT_THAT(refusal(tiles, 4096, 4096), HasSubstr("1048576 tiles"));
  // Or in one tile with code-blocks of 4 x 4.
  std::string blocks = Patched(kSiz, kWidth, BigEndian(4096) + BigEndian(4096));
  blocks.replace(blocks.find(kSiz) + kTileWidth, 8, BigEndian(4096) + BigEndian(4096));
  constexpr size_t kBlockWidth = 10;
  blocks.replace(blocks.find("\xff\x52") + kBlockWidth, 2, std::string(2, '\0'));
  EXPECT_THAT(refusal(blocks, 4096, 4096), HasSubstr("code-blocks"));
  // Or with as many quality layers as there can be.
  constexpr size_t kLayers = 6;
  std::string layers = Patched("\xff\x52", kLayers, "\xff\xff");
  layers.replace(layers.find(kSiz) + kWidth, 8, BigEndian(4096) + BigEndian(4096));
  layers.replace(layers.find(kSiz) + kTileWidth, 8, BigEndian(64) + BigEndian(64));
  EXPECT_THAT(refusal(layers, 4096, 4096), HasSubstr("packets"));
}

TEST(HostileDicomTest, ADeflatedBombIsRefusedInBoundedMemory) {
  // 64 MiB of zeros, as raw deflate code of under 1 MiB.
  std::string deflated(1 << 20, '\0');
  z_stream stream = {};
  ASSERT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string zeros(1 << 20, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = static_cast<uInt>(deflated.size());
  constexpr int kMebibytes = 64;
  for (int i = 0; i < kMebibytes; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(zeros.size());
    ASSERT_GE(deflate(&stream, i + 1 < kMebibytes ? Z_NO_FLUSH : Z_FINISH), Z_OK);
  }
  deflated.resize(stream.total_out);
  deflateEnd(&stream);
  const std::string file =
      DicomBuilder().Clear().Syntax("1.2.840.10008.1.2.1.99").Build() + deflated;
  DecodeLimits limits;
  limits.max_inflated_bytes = 8 << 20;
  const MemoryCap cap;
  const absl::StatusOr<HuSlice> slice = DecodeDicom(file, limits);
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kTooLarge);
  EXPECT_THAT(std::string(slice.status().message()), HasSubstr("8388608 bytes"));
  EXPECT_EQ(PeekHeader(file).sop_instance_uid, "");
}

TEST(HostileDicomTest, ADeflatedFileAsksForMemoryBeforeItIsInflated) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string file,
                           EncodeDicom(Textured(), {.syntax = DicomSyntax::kDeflated}));
  int64_t inflating = 0, frames = 0;
  DecodeLimits limits;
  limits.admit = [&](const MemoryNeed& need) {
    if (frames == 0 && need.frames == 0) inflating += need.bytes;
    frames += need.frames;
    return absl::OkStatus();
  };
  EXPECT_THAT(DecodeDicom(file, limits), IsOk());
  EXPECT_GT(inflating, 40 * 48 * 2);  // its pixels and more, before any frame
  EXPECT_EQ(frames, 1);
  limits.admit = [&](const MemoryNeed&) { return absl::UnavailableError("no more"); };
  EXPECT_EQ(DecodeDicom(file, limits).status(), absl::UnavailableError("no more"));
}

// So many zeros.
std::string Deflated(size_t count) {
  const std::string zeros(count, '\0');
  std::string deflated(count, '\0');
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = static_cast<uInt>(deflated.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  deflated.resize(stream.total_out);
  deflateEnd(&stream);
  return deflated;
}

TEST(InflateTest, StopsAtTheLimitAndTellsTruncationFromDamage) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string file,
                           EncodeDicom(Textured(), {.syntax = DicomSyntax::kDeflated}));
  // The deflated data follow the group of the file header.
  const size_t start = 128 + 4 + 12 + static_cast<unsigned char>(file[140]);
  const std::string deflated = file.substr(start);
  const Inflated whole = Inflate(deflated, 1 << 20);
  EXPECT_EQ(whole.end, InflateEnd::kComplete);
  EXPECT_GT(whole.bytes.size(), 40 * 48 * 2);
  const Inflated limited = Inflate(deflated, 1000);
  EXPECT_EQ(limited.end, InflateEnd::kTooLarge);
  EXPECT_EQ(limited.bytes, whole.bytes.substr(0, 1000));
  int64_t asked = 0;
  const auto admit = [&](int64_t more) {
    if (asked + more > 300'000) return absl::UnavailableError("no more");
    asked += more;
    return absl::OkStatus();
  };
  const std::string zeros = Deflated(1 << 20);
  const Inflated refused = Inflate(zeros, 1 << 20, admit);
  EXPECT_EQ(refused.end, InflateEnd::kRefused);
  EXPECT_EQ(refused.refusal, absl::UnavailableError("no more"));
  EXPECT_GE(asked, 2 * static_cast<int64_t>(refused.bytes.size()));
  const Inflated truncated = Inflate(absl::string_view(deflated).substr(0, 700), 1 << 20);
  EXPECT_EQ(truncated.end, InflateEnd::kTruncated);
  EXPECT_EQ(truncated.bytes, whole.bytes.substr(0, truncated.bytes.size()));
  EXPECT_EQ(Inflate("\x07 is no block", 1 << 20).end, InflateEnd::kDamaged);
}

TEST(HostileDicomTest, MoreElementsThanAnyObjectHasAreRefused) {
  // Elements without a value, which cost their sender eight bytes each.
  std::string elements;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    elements += LittleEndian(0x0009 + 2 * (i >> 16), 2) + LittleEndian(i & 0xffff, 2);
    elements.append("LO\0\0", 4);
  }
  const MemoryCap cap;
  const absl::StatusOr<HuSlice> slice = DecodeDicom(DicomBuilder().Build() + elements, {});
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kTooLarge);
  EXPECT_THAT(std::string(slice.status().message()), HasSubstr("elements"));
}

TEST(HostileDicomTest, ReadingIsTimedToo) {
  std::string elements;
  for (uint32_t i = 0; i < 20'000; ++i) {
    elements += LittleEndian(0x0009, 2) + LittleEndian(i, 2) + std::string("LO\0\0", 4);
  }
  DecodeLimits limits;
  limits.max_time = absl::ZeroDuration();
  const absl::StatusOr<HuSlice> slice = DecodeDicom(DicomBuilder().Build() + elements, limits);
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(SkipReasonOf(slice.status()), SkipReason::kTooSlow);
  EXPECT_THAT(std::string(slice.status().message()), HasSubstr("reading"));
}

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
    GTEST_SKIP() << "skipped: no data (docs/howto/test-data.md): cases";
  }
  const MemoryCap cap;
  int files = 0;
  for (const char* folder : {"fuzz", "odd", "charset", "syntax"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cases / folder)) {
      if (!entry.is_regular_file()) continue;
      M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path()));
      SCOPED_TRACE(entry.path().filename().string());
      ExpectDecodedOrRefused(bytes);
      PeekHeader(bytes);
      ++files;
    }
  }
  EXPECT_GT(files, 250);
}

}  // namespace
}  // namespace m3lung
