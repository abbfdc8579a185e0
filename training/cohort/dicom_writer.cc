// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/dicom_writer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcfilefo.h"
#include "dcmtk/dcmdata/dcostrmb.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dcrleerg.h"
#include "dcmtk/dcmdata/dcrlerp.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmjpeg/djencode.h"
#include "dcmtk/dcmjpeg/djrplol.h"
#include "preprocess/dicom/dcmtk_setup.h"
#include "training/cohort/jpeg_ls_encoder.h"
#include "training/cohort/uid.h"

namespace m3lung {
namespace {

absl::Status SetUpEncoders() {
  M3L_RETURN_IF_ERROR(SetUpDcmtk());
  static absl::once_flag once;
  absl::call_once(once, [] {
    // The stored words as they are, not a rendering of them.
    DJEncoderRegistration::registerCodecs();
    DcmRLEEncoderRegistration::registerCodecs();
  });
  return absl::OkStatus();
}

E_TransferSyntax TransferSyntaxOf(DicomSyntax syntax) {
  switch (syntax) {
    case DicomSyntax::kImplicitLittleEndian:
      return EXS_LittleEndianImplicit;
    case DicomSyntax::kExplicitLittleEndian:
      return EXS_LittleEndianExplicit;
    case DicomSyntax::kExplicitBigEndian:
      return EXS_BigEndianExplicit;
    case DicomSyntax::kDeflated:
      return EXS_DeflatedLittleEndianExplicit;
    case DicomSyntax::kRle:
      return EXS_RLELossless;
    case DicomSyntax::kJpegLossless:
      return EXS_JPEGProcess14;
    case DicomSyntax::kJpegLosslessSv1:
      return EXS_JPEGProcess14SV1;
    case DicomSyntax::kJpegLsLossless:
      return EXS_JPEGLSLossless;
  }
  return EXS_LittleEndianExplicit;
}

absl::Status CheckOptions(const HuSlice& slice, const DicomOptions& options) {
  if (slice.hu.empty() || slice.hu.type() != CV_16SC1 || slice.hu.rows > 65535 ||
      slice.hu.cols > 65535) {
    return absl::InvalidArgumentError("hu must be CV_16SC1 with 1 to 65535 rows and columns");
  }
  if (options.bits_stored < 2 || options.bits_stored > 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("bits_stored must be in [2, 16]; was ", options.bits_stored));
  }
  if (!std::isfinite(options.slope) || options.slope == 0 || !std::isfinite(options.intercept)) {
    return absl::InvalidArgumentError("slope must be finite and not 0, intercept finite");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Uint16>> StoredWords(const cv::Mat& hu, const DicomOptions& options) {
  const double low = options.is_signed ? -std::exp2(options.bits_stored - 1) : 0;
  const double high = low + std::exp2(options.bits_stored) - 1;
  std::vector<Uint16> words;
  words.reserve(hu.total());
  for (int i = 0; i < hu.rows; ++i) {
    const int16_t* row = hu.ptr<int16_t>(i);
    for (int j = 0; j < hu.cols; ++j) {
      const double value = std::nearbyint((row[j] - options.intercept) / options.slope);
      if (value < low || value > high) {
        return absl::InvalidArgumentError(absl::StrCat("a pixel of ", row[j], " HU is stored as ",
                                                       value, ", outside [", low, ", ", high, "]"));
      }
      words.push_back(static_cast<Uint16>(static_cast<int32_t>(value)));
    }
  }
  return words;
}

std::string Decimal(double value) { return absl::StrFormat("%.10g", value); }

// Attributes that all slices of a study share.
void PutStudy(DcmDataset& data, const HuSlice& slice) {
  const auto put = [&](const DcmTagKey& tag, const std::string& value) {
    data.putAndInsertString(tag, value.c_str());
  };
  const std::string& series = slice.series_instance_uid;
  put(DCM_PatientName, "SYNTHETIC^PHANTOM");
  put(DCM_PatientID, "SYNTHETIC");
  put(DCM_PatientBirthDate, "");
  put(DCM_PatientSex, "");
  put(DCM_StudyInstanceUID, UidFrom(absl::StrCat(series, "/study")));
  put(DCM_StudyDate, "20260101");
  put(DCM_StudyTime, "120000");
  put(DCM_AccessionNumber, "");
  put(DCM_ReferringPhysicianName, "");
  put(DCM_StudyID, "1");
  put(DCM_StudyDescription, "Synthetic chest, no patient");
  put(DCM_Modality, "CT");
  put(DCM_SeriesInstanceUID, series);
  put(DCM_SeriesNumber, "1");
  put(DCM_BodyPartExamined, "CHEST");
  put(DCM_FrameOfReferenceUID, UidFrom(absl::StrCat(series, "/frame")));
  put(DCM_PositionReferenceIndicator, "");
  put(DCM_Manufacturer, "M3Lung-Sys phantom");
  put(DCM_KVP, "120");
  put(DCM_AcquisitionNumber, "1");
}

void PutImage(DcmDataset& data, const HuSlice& slice, const DicomOptions& options) {
  const auto put = [&](const DcmTagKey& tag, const std::string& value) {
    data.putAndInsertString(tag, value.c_str());
  };
  const auto number = [&](const DcmTagKey& tag, int value) {
    data.putAndInsertUint16(tag, static_cast<Uint16>(value));
  };
  const SliceGeometry& g = slice.geometry;
  put(DCM_SOPClassUID, UID_CTImageStorage);
  put(DCM_SOPInstanceUID, slice.sop_instance_uid);
  put(DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
  put(DCM_InstanceNumber, absl::StrCat(options.instance_number));
  put(DCM_PatientPosition, options.patient_position);
  const auto decimal = [](std::string* out, double value) { out->append(Decimal(value)); };
  put(DCM_ImagePositionPatient, absl::StrJoin(g.position, "\\", decimal));
  put(DCM_ImageOrientationPatient, absl::StrCat(absl::StrJoin(g.row_direction, "\\", decimal), "\\",
                                                absl::StrJoin(g.column_direction, "\\", decimal)));
  put(DCM_PixelSpacing,
      absl::StrCat(Decimal(g.row_spacing_mm), "\\", Decimal(g.column_spacing_mm)));
  put(DCM_SliceThickness, Decimal(options.slice_thickness_mm));
  number(DCM_SamplesPerPixel, 1);
  put(DCM_PhotometricInterpretation, "MONOCHROME2");
  number(DCM_Rows, slice.hu.rows);
  number(DCM_Columns, slice.hu.cols);
  number(DCM_BitsAllocated, 16);
  number(DCM_BitsStored, options.bits_stored);
  number(DCM_HighBit, options.bits_stored - 1);
  number(DCM_PixelRepresentation, options.is_signed ? 1 : 0);
  put(DCM_RescaleSlope, Decimal(options.slope));
  put(DCM_RescaleIntercept, Decimal(options.intercept));
  put(DCM_RescaleType, "HU");
  if (options.padding_value.has_value()) {
    const int padding = *options.padding_value;
    if (options.is_signed) {
      data.putAndInsertSint16(DcmTag(DCM_PixelPaddingValue, EVR_SS), static_cast<Sint16>(padding));
    } else {
      data.putAndInsertUint16(DcmTag(DCM_PixelPaddingValue, EVR_US), static_cast<Uint16>(padding));
    }
  }
}

absl::Status DcmtkError(absl::string_view doing, const OFCondition& condition) {
  return absl::InternalError(absl::StrCat("DCMTK cannot ", doing, ": ", condition.text()));
}

// The pixels as the syntax codes them.
absl::Status PutPixels(DcmDataset& data, const HuSlice& slice, const DicomOptions& options) {
  M3L_ASSIGN_OR_RETURN(const std::vector<Uint16> words, StoredWords(slice.hu, options));
  // Of the class that the codecs look for, which a data set does not make by itself.
  auto* pixels = new DcmPixelData(DCM_PixelData);
  data.insert(pixels, /*replaceOld=*/true);  // owns it
  const E_TransferSyntax syntax = TransferSyntaxOf(options.syntax);
  if (options.syntax == DicomSyntax::kJpegLsLossless) {
    M3L_ASSIGN_OR_RETURN(std::string code, EncodeJpegLs(words, slice.hu.rows, slice.hu.cols));
    code.resize(code.size() + code.size() % 2);
    auto sequence = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    sequence->insert(new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB)));  // no offset table
    auto* fragment = new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB));
    sequence->insert(fragment);
    const OFCondition condition = fragment->putUint8Array(
        reinterpret_cast<const Uint8*>(code.data()), static_cast<unsigned long>(code.size()));
    if (condition.bad()) return DcmtkError("take the pixels", condition);
    pixels->putOriginalRepresentation(syntax, nullptr, sequence.release());
    return absl::OkStatus();
  }
  pixels->setVR(EVR_OW);
  OFCondition condition =
      pixels->putUint16Array(words.data(), static_cast<unsigned long>(words.size()));
  if (condition.bad()) return DcmtkError("take the pixels", condition);
  const DJ_RPLossless jpeg(options.syntax == DicomSyntax::kJpegLossless ? 6 : 1, 0);
  const DcmRLERepresentationParameter rle;
  const DcmRepresentationParameter* parameter = nullptr;
  if (options.syntax == DicomSyntax::kRle) parameter = &rle;
  if (options.syntax == DicomSyntax::kJpegLossless ||
      options.syntax == DicomSyntax::kJpegLosslessSv1) {
    parameter = &jpeg;
  }
  if (parameter != nullptr) condition = data.chooseRepresentation(syntax, parameter);
  if (condition.bad()) return DcmtkError("encode the pixels", condition);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> EncodeDicom(const HuSlice& slice, const DicomOptions& options) {
  M3L_RETURN_IF_ERROR(SetUpEncoders());
  M3L_RETURN_IF_ERROR(CheckOptions(slice, options));
  DcmFileFormat file;
  DcmDataset& data = *file.getDataset();
  PutStudy(data, slice);
  PutImage(data, slice, options);
  M3L_RETURN_IF_ERROR(PutPixels(data, slice, options));
  std::string bytes(slice.hu.total() * 4 + (1 << 16), '\0');  // room for a file that has grown
  DcmOutputBufferStream stream(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  file.transferInit();
  const OFCondition condition = file.write(stream, TransferSyntaxOf(options.syntax),
                                           EET_ExplicitLength, nullptr, EGL_withoutGL);
  file.transferEnd();
  if (condition.bad()) return DcmtkError("write the file", condition);
  stream.flush();  // what a deflated syntax still holds back
  void* written = nullptr;
  offile_off_t length = 0;
  stream.flushBuffer(written, length);
  bytes.resize(static_cast<size_t>(length));
  return bytes;
}

std::vector<std::string> SliceFileNames(absl::Span<const HuSlice> slices) {
  std::vector<std::pair<std::string, size_t>> shuffled;
  for (size_t i = 0; i < slices.size(); ++i) {
    shuffled.emplace_back(Sha256Hex(slices[i].sop_instance_uid), i);
  }
  std::sort(shuffled.begin(), shuffled.end());
  std::vector<std::string> names(slices.size());
  for (size_t place = 0; place < shuffled.size(); ++place) {
    names[shuffled[place].second] = absl::StrFormat("slice-%04d.dcm", place + 1);
  }
  return names;
}

absl::Status WriteDicomStudy(absl::Span<const HuSlice> slices,
                             const std::filesystem::path& directory, const DicomOptions& options) {
  M3L_RETURN_IF_ERROR(MakeFolder(directory));
  DicomOptions each = options;
  if (slices.size() > 1) {
    each.slice_thickness_mm = std::abs(slices[1].geometry.PositionAlongNormal() -
                                       slices[0].geometry.PositionAlongNormal());
  }
  const std::vector<std::string> names = SliceFileNames(slices);
  for (size_t i = 0; i < slices.size(); ++i) {
    each.instance_number = static_cast<int>(i) + 1;
    M3L_ASSIGN_OR_RETURN(const std::string bytes, EncodeDicom(slices[i], each));
    M3L_RETURN_IF_ERROR(WriteFile(directory / names[i], bytes));
  }
  return absl::OkStatus();
}

}  // namespace m3lung
