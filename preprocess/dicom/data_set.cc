// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/data_set.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "preprocess/dicom/attributes.h"
#include "preprocess/dicom/dcmtk_setup.h"
#include "preprocess/dicom/inflate.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// Every value stays in the bytes until it is asked for.
constexpr Uint32 kMaxReadLength = 0;
constexpr size_t kPreambleBytes = 128;
// Of a deflated data set, for what comes before `stop`.
constexpr int64_t kFirstBytes = 64 << 10;

bool HasMagic(absl::string_view bytes) {
  return bytes.size() >= kPreambleBytes + 4 && bytes.substr(kPreambleBytes, 4) == "DICM";
}

// Whether a file header lies where it should, but without the signature before it.
bool HasHeaderWithoutMagic(absl::string_view bytes) {
  return bytes.size() > kPreambleBytes + 6 && !HasMagic(bytes) &&
         bytes.substr(kPreambleBytes + 4, 2) == absl::string_view("\x02\0", 2) &&
         (bytes.substr(kPreambleBytes + 8, 2) == "OB" ||
          bytes.substr(kPreambleBytes + 8, 2) == "UL");
}

// Whether attributes were read that every kind of DICOM object has some of.
bool LooksLikeDicom(DcmDataset& data_set) {
  const DicomAttributes attributes(data_set);
  for (const DcmTagKey& tag :
       {DCM_SOPClassUID, DCM_SOPInstanceUID, DCM_Modality, DCM_StudyInstanceUID,
        DCM_SeriesInstanceUID, DCM_PatientName, DCM_PatientID, DCM_StudyDate, DCM_ImageType,
        DCM_SpecificCharacterSet, DCM_FileSetID, DCM_DirectoryRecordSequence, DCM_Rows}) {
    if (attributes.Has(tag)) return true;
  }
  return false;
}

absl::Status InflateRest(absl::string_view bytes, int64_t max_bytes, bool all, DataSet& data_set) {
  Inflated inflated = Inflate(bytes.substr(data_set.stream->offset()), max_bytes);
  if (all && inflated.end == InflateEnd::kTooLarge) {
    return SkipError(SkipReason::kTooLarge, absl::StrCat("the deflated data set holds over ",
                                                         max_bytes, " bytes, which is the limit"));
  }
  if (all && inflated.end != InflateEnd::kComplete) {
    return SkipError(
        SkipReason::kMalformed,
        absl::StrCat("the deflated data set ",
                     inflated.end == InflateEnd::kTruncated ? "ends early" : "is damaged",
                     " after ", inflated.bytes.size(), " inflated bytes; resend the instance"));
  }
  data_set.inflated = std::move(inflated.bytes);
  return absl::OkStatus();
}

}  // namespace

std::string DataSet::SopClass() {
  const std::string own = DicomAttributes(attributes).Text(DCM_SOPClassUID);
  return own.empty() ? DicomAttributes(header).Text(DCM_MediaStorageSOPClassUID) : own;
}

absl::StatusOr<std::unique_ptr<DataSet>> ReadDataSet(absl::string_view bytes,
                                                     const DecodeLimits& limits,
                                                     const DecodeTimer& timer,
                                                     const DcmTagKey& stop) {
  M3L_RETURN_IF_ERROR(SetUpDcmtk());
  auto data_set = std::make_unique<DataSet>();
  DataSet& d = *data_set;
  d.stream = std::make_unique<DicomInputStream>(bytes, 0, timer);
  d.header.transferInit();
  const OFCondition header = d.header.read(*d.stream, EXS_Unknown, EGL_noChange, kMaxReadLength);
  d.header.transferEnd();
  if (header.bad() && HasMagic(bytes)) {
    return SkipError(SkipReason::kMalformed,
                     "the file header (group 0002) ends early or contradicts itself; resend the "
                     "instance");
  }
  const std::string uid = DicomAttributes(d.header).Text(DCM_TransferSyntaxUID);
  if (!uid.empty()) {
    M3L_ASSIGN_OR_RETURN(d.syntax, FindTransferSyntax(uid));
    if (d.syntax->deflated) {
      const bool all = stop == DCM_UndefinedTagKey;
      M3L_RETURN_IF_ERROR(InflateRest(
          bytes, all ? limits.max_inflated_bytes : std::min(kFirstBytes, limits.max_inflated_bytes),
          all, d));
      d.stream = std::make_unique<DicomInputStream>(d.inflated, 0, timer);
    }
  }
  d.attributes.transferInit();
  d.condition =
      d.attributes.readUntilTag(*d.stream, d.syntax == nullptr ? EXS_Unknown : d.syntax->data_set,
                                EGL_noChange, kMaxReadLength, stop);
  // No transferEnd(): the transfer state tells which elements are complete.
  if (d.syntax == nullptr) {
    d.syntax = &NativeSyntax(d.attributes.getOriginalXfer());
    d.syntax_is_guessed = true;
  }
  if (!HasMagic(bytes) && !LooksLikeDicom(d.attributes)) {
    if (HasHeaderWithoutMagic(bytes)) {
      return SkipError(SkipReason::kMalformed,
                       "the signature DICM is missing from byte 128; resend the instance");
    }
    return SkipError(SkipReason::kNotDicom,
                     "the bytes are no DICOM file; send instances as they are stored");
  }
  return data_set;
}

absl::Status CheckCompleteness(DataSet& data_set, Warnings& warnings) {
  const DicomReadState& state = data_set.stream->state();
  if (state.too_deep) {
    return SkipError(SkipReason::kMalformed,
                     "the data set nests its sequences deeper than any real one; resend the "
                     "instance");
  }
  if (state.too_many) {
    return SkipError(SkipReason::kTooLarge, "the data set has more elements than any real one");
  }
  if (state.too_slow) {
    return SkipError(SkipReason::kTooSlow, "reading the data set took longer than is allowed");
  }
  if (data_set.condition.good()) return absl::OkStatus();
  if (DicomAttributes(data_set.attributes).Has(DCM_PixelData)) {
    // The pixel data are judged by themselves.
    warnings.push_back("what follows the pixel data could not be read");
    return absl::OkStatus();
  }
  return SkipError(
      SkipReason::kMalformed,
      absl::StrCat("the data set ends early or contradicts itself (", data_set.condition.text(),
                   ") before its PixelData; resend the instance"));
}

}  // namespace m3lung
