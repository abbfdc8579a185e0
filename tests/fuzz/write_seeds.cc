// SPDX-License-Identifier: Apache-2.0
// Writes what the fuzzers start from: write_fuzz_seeds FOLDER makes
// FOLDER/<target>/ for each, the same bytes in every run.
#include <cstdio>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "m3lung/v1/screening.pb.h"
#include "tests/preprocess/code_samples.h"
#include "tests/preprocess/dicom_builder.h"
#include "training/cohort/dicom_writer.h"

namespace m3lung {
namespace {

using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::LittleEndian;

struct Seed {
  std::string name;
  std::string bytes;
};

absl::Status WriteSeeds(const std::filesystem::path& folder, const std::vector<Seed>& seeds) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(absl::StrCat(folder.string(), ": ", error.message()));
  for (const auto& [name, bytes] : seeds) M3L_RETURN_IF_ERROR(WriteFile(folder / name, bytes));
  return absl::OkStatus();
}

// Structure in the pixels, so that the codecs have something to code.
HuSlice SmallSlice() {
  HuSlice slice;
  slice.hu.create(12, 16, CV_16SC1);
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

DicomBuilder Group() { return DicomBuilder().Clear(); }

// Two frames of 2 x 3 pixels, placed by their functional groups alone.
std::string Enhanced() {
  const auto frame = [](const char* position) {
    return Group()
        .SetItems(0x00209113, {Group().Set(0x00200032, "DS", position)})
        .SetItems(0x00289145, {Group().Set(0x00281052, "DS", "-1024").Set(0x00281053, "DS", "1")});
  };
  const DicomBuilder shared =
      Group()
          .SetItems(0x00209116, {Group().Set(0x00200037, "DS", "1\\0\\0\\0\\1\\0")})
          .SetItems(0x00289110, {Group().Set(0x00280030, "DS", "0.7\\0.6")});
  return DicomBuilder()
      .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2.1")
      .Set(0x00280008, "IS", "2")
      .Remove(0x00200032)
      .Remove(0x00200037)
      .Remove(0x00280030)
      .Remove(0x00281052)
      .Remove(0x00281053)
      .SetItems(0x52009229, {shared})
      .SetItems(0x52009230, {frame("0\\0\\9"), frame("0\\0\\3")})
      .Set(0x7fe00010, "OW", testing::Words({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
      .Build();
}

// A frame whose functional groups came as UN, with implicit VR within.
std::string UnknownGroups() {
  const auto group = [] {
    return DicomBuilder().Clear().WithoutHeader().Syntax(testing::kImplicit);
  };
  const DicomBuilder shared =
      group()
          .SetItems(0x00209113, {group().Set(0x00200032, "DS", "0\\0\\9")})
          .SetItems(0x00209116, {group().Set(0x00200037, "DS", "1\\0\\0\\0\\1\\0")})
          .SetItems(0x00289110, {group().Set(0x00280030, "DS", "0,7\\0,6")});
  return DicomBuilder()
      .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2.1")
      .Remove(0x00200032)
      .Set(0x52009229, "UN", testing::Item(shared.Build()))
      .Set(0x52009230, "UN", testing::Item(""))
      .Build();
}

// Attributes with another value representation than the dictionary's.
std::string OtherRepresentations() {
  return DicomBuilder()
      .Set(0x00280010, "UN", testing::Words({2}))
      .Set(0x00280103, "IS", "1")
      .Set(0x00280120, "UN", testing::Words({3}))
      .Set(0x00280121, "SL", LittleEndian(4, 4))
      .Set(0x00281052, "UN", "-1024,50")
      .Set(0x00281053, "FD", LittleEndian(0x3fe0000000000000, 8))
      .Build();
}

// An image whose code another encoder made, in two fragments or one.
std::string Coded(const char* syntax, const char* base64, int bits, bool in_two) {
  std::string code;
  absl::Base64Unescape(base64, &code);
  const size_t half = code.size() / 4 * 2;
  return DicomBuilder()
      .Syntax(syntax)
      .Set(0x00280010, "US", testing::Words({testing::kSampleRows}))
      .Set(0x00280011, "US", testing::Words({testing::kSampleColumns}))
      .Set(0x00280100, "US", testing::Words({bits > 8 ? 16 : 8}))
      .Set(0x00280101, "US", testing::Words({bits}))
      .Set(0x00280102, "US", testing::Words({bits - 1}))
      .Set(0x00280103, "US", testing::Words({0}))
      .SetFragments(in_two ? std::vector<std::string>{code.substr(0, half), code.substr(half)}
                           : std::vector<std::string>{code},
                    {0})
      .Build();
}

std::vector<Seed> CodedSeeds() {
  constexpr std::tuple<const char*, const char*, const char*, int> kCodes[] = {
      {"jpeg-baseline", "1.2.840.10008.1.2.4.50", testing::kJpegBaselineCode, 8},
      {"jpeg-extended", "1.2.840.10008.1.2.4.51", testing::kJpegExtendedCode, 12},
      {"jpeg-2000", "1.2.840.10008.1.2.4.90", testing::kJpeg2000Code, 12},
      {"htj2k", "1.2.840.10008.1.2.4.201", testing::kHtj2kCode, 12}};
  std::vector<Seed> seeds;
  for (const auto& [name, syntax, code, bits] : kCodes) {
    seeds.push_back({name, Coded(syntax, code, bits, /*in_two=*/false)});
    seeds.push_back({absl::StrCat(name, "-in-two"), Coded(syntax, code, bits, /*in_two=*/true)});
  }
  return seeds;
}

absl::StatusOr<std::vector<Seed>> DicomSeeds() {
  constexpr std::pair<DicomSyntax, const char*> kSyntaxes[] = {
      {DicomSyntax::kImplicitLittleEndian, "implicit"},
      {DicomSyntax::kExplicitLittleEndian, "explicit"},
      {DicomSyntax::kExplicitBigEndian, "big-endian"},
      {DicomSyntax::kDeflated, "deflated"},
      {DicomSyntax::kRle, "rle"},
      {DicomSyntax::kJpegLossless, "jpeg-lossless"},
      {DicomSyntax::kJpegLosslessSv1, "jpeg-lossless-sv1"},
      {DicomSyntax::kJpegLsLossless, "jpeg-ls"}};
  std::vector<Seed> seeds = CodedSeeds();
  for (const auto& [syntax, name] : kSyntaxes) {
    M3L_ASSIGN_OR_RETURN(std::string whole, EncodeDicom(SmallSlice(), {.syntax = syntax}));
    M3L_ASSIGN_OR_RETURN(std::string twelve_bits, EncodeDicom(SmallSlice(), {.syntax = syntax,
                                                                             .is_signed = false,
                                                                             .bits_stored = 12,
                                                                             .intercept = -1024,
                                                                             .padding_value = 0}));
    seeds.push_back({name, std::move(whole)});
    seeds.push_back({absl::StrCat(name, "-12-bits"), std::move(twelve_bits)});
  }
  seeds.push_back({"enhanced", Enhanced()});
  seeds.push_back({"unknown-groups", UnknownGroups()});
  seeds.push_back({"other-representations", OtherRepresentations()});
  seeds.push_back({"smallest", DicomBuilder().Build()});
  seeds.push_back({"smallest-implicit", DicomBuilder().Syntax(testing::kImplicit).Build()});
  seeds.push_back({"no-header", DicomBuilder().WithoutHeader().Build()});
  const std::string item = LittleEndian(0xe000fffe, 4) + LittleEndian(0xffffffff, 4) +
                           LittleEndian(0xe00dfffe, 4) + LittleEndian(0, 4);
  const std::string end = LittleEndian(0xe0ddfffe, 4) + LittleEndian(0, 4);
  seeds.push_back({"sequence-without-length",
                   DicomBuilder().SetWithLength(0x00081140, "SQ", item + end, 0xffffffff).Build()});
  return seeds;
}

// --- Requests; the format is request_fuzzer.cc's ---

enum Step : uint8_t {
  kRequest,
  kChunk,
  kLastChunk,
  kWorkFirst,
  kWorkLast,
  kRead,
  kHalfClose,
  kCancel,
  kFail
};

std::string Do(Step step, const std::string& payload = "") {
  return std::string(1, static_cast<char>(step)) + LittleEndian(payload.size(), 2) + payload;
}

std::string Header(const v1::StudyHeader& header = {}) {
  v1::AnalyzeStudyRequest request;
  *request.mutable_header() = header;
  return Do(kRequest, request.SerializeAsString());
}

std::string Hu(int pixel, double position_mm) {
  v1::AnalyzeStudyRequest request;
  v1::HuSlice& slice = *request.mutable_hu_slice();
  slice.set_sop_instance_uid(absl::StrCat("1.2.", pixel));
  slice.set_rows(16);
  slice.set_columns(16);
  slice.set_row_spacing_mm(0.7);
  slice.set_column_spacing_mm(0.7);
  slice.set_position_mm(position_mm);
  for (int i = 0; i < 256; ++i) slice.mutable_hu()->append(LittleEndian(pixel + i, 2));
  return Do(kRequest, request.SerializeAsString());
}

std::vector<Seed> RequestSeeds(const std::vector<Seed>& files) {
  v1::StudyHeader all_set;
  all_set.set_client_study_id("mine");
  all_set.set_model_name("fake");
  all_set.set_expected_instances(2);
  all_set.set_lesion_maps(v1::FULL_SIZE);
  all_set.set_crop_mode(v1::PAPER);
  all_set.set_priority(v1::URGENT);
  v1::StudyHeader volume;
  volume.set_crop_mode(v1::VOLUME);
  const std::string work_and_read = Do(kWorkFirst) + Do(kRead) + Do(kRead) + Do(kRead);

  std::vector<Seed> seeds = {
      {"hu-slices", Header(all_set) + Hu(1, 10) + Hu(2, 30) + work_and_read + Do(kHalfClose)},
      {"hu-slices-volume",
       Header(volume) + Hu(-900, 10) + Hu(40, 30) + work_and_read + Hu(41, 20) + Do(kHalfClose)},
      {"no-instance", Header() + Do(kHalfClose)},
      {"no-header", Hu(1, 10)},
      {"two-headers", Header() + Header()},
      {"empty-request", Header() + Do(kRequest)},
      {"cancelled", Header() + Hu(1, 10) + Do(kCancel) + Do(kWorkFirst)},
      {"model-fails", Header() + Hu(1, 10) + Do(kFail) + Do(kWorkFirst) + Do(kHalfClose)},
      {"last-decoded-first", Header() + Hu(1, 10) + Do(kLastChunk, "no DICOM") + Do(kWorkLast) +
                                 Do(kWorkFirst) + Do(kHalfClose)}};
  std::string too_large = Header();
  for (int i = 0; i < 5; ++i) too_large += Do(kChunk, std::string(4000, 'x'));
  seeds.push_back({"instance-too-large", too_large + Do(kLastChunk, "x") + Do(kHalfClose)});
  for (const auto& [name, bytes] : files) {
    const size_t half = bytes.size() / 2;
    seeds.push_back({absl::StrCat("dicom-", name), Header() + Do(kChunk, bytes.substr(0, half)) +
                                                       Do(kLastChunk, bytes.substr(half)) +
                                                       Hu(1, 20) + work_and_read + Do(kHalfClose)});
  }
  return seeds;
}

// --- Studies; the bytes are choices that study_assembler_fuzzer.cc makes ---

std::vector<Seed> StudySeeds() {
  std::vector<Seed> seeds;
  for (int kind = 0; kind < 4; ++kind) {
    std::string bytes(1, '\0');  // nothing pinned
    for (int slice = 0; slice < 24; ++slice) {
      if (slice > 0) bytes += '\1';           // an instance of its own
      bytes += '\0';                          // rows to the left, columns to the back
      bytes += '\1';                          // off the centre
      bytes += '\1';                          // at a step
      bytes += static_cast<char>(slice + 8);  // position
      bytes += std::string(2, '\0');          // spacings
      bytes += std::string(2, '\0');          // size
      bytes += static_cast<char>(kind);       // of pixels
      bytes += LittleEndian(slice * 7, 2);    // density
      bytes += static_cast<char>(slice % 3 == 0 && kind == 3 ? 2 : 1);  // series uid
      bytes += absl::StrCat("\1", LittleEndian(slice, 2));              // SOP instance uid
      bytes += std::string("\1\2", 2);                                  // acquisition
      bytes += std::string("\1\0", 2);                                  // image type
      bytes += '\1';                                                    // patient position
      bytes += '\0';                                                    // no age
    }
    seeds.push_back({absl::StrCat("kind-", kind), bytes});
    bytes[0] = '\1';
    seeds.push_back({absl::StrCat("pinned-kind-", kind), bytes});
  }
  return seeds;
}

absl::Status WriteAll(const std::filesystem::path& folder) {
  M3L_ASSIGN_OR_RETURN(const std::vector<Seed> files, DicomSeeds());
  M3L_RETURN_IF_ERROR(WriteSeeds(folder / "dicom_decoder_fuzzer", files));
  M3L_RETURN_IF_ERROR(WriteSeeds(folder / "request_fuzzer", RequestSeeds(files)));
  return WriteSeeds(folder / "study_assembler_fuzzer", StudySeeds());
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: write_fuzz_seeds FOLDER\n");
    return 2;
  }
  const absl::Status status = m3lung::WriteAll(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "write_fuzz_seeds: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
