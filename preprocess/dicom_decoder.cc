#include "preprocess/dicom_decoder.h"

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcmetinf.h"
#include "dcmtk/dcmdata/dcxfer.h"
#include "preprocess/dcmtk_setup.h"
#include "preprocess/dicom_attributes.h"
#include "preprocess/dicom_checks.h"
#include "preprocess/dicom_input_stream.h"
#include "preprocess/hounsfield.h"
#include "preprocess/pixel_words.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// Every value stays in the bytes until it is asked for.
constexpr Uint32 kMaxReadLength = 0;
constexpr size_t kPreambleBytes = 128;

// A file's header and data set. Points into the bytes it was read from.
struct Instance {
  explicit Instance(absl::string_view bytes) : stream(bytes) {}

  DicomInputStream stream;
  DcmMetaInfo header;
  DcmDataset dataset;
  std::string syntax_uid;  // as the header says, empty where it does not
  E_TransferSyntax syntax = EXS_Unknown;
  OFCondition condition = EC_Normal;  // of reading the data set
};

bool HasMagic(absl::string_view bytes) {
  return bytes.size() > kPreambleBytes + 4 && bytes.substr(kPreambleBytes, 4) == "DICM";
}

// The data set's elements can be told apart as they lie there: not deflated, not
// big endian.
bool ReadsAsLittleEndian(E_TransferSyntax syntax) {
  const DcmXfer transfer(syntax);
  return transfer.getXfer() != EXS_Unknown && transfer.isLittleEndian() &&
         transfer.getStreamCompression() == ESC_none;
}

// Reads the header, and the data set up to `stop` (DCM_UndefinedTagKey: all).
absl::StatusOr<std::unique_ptr<Instance>> Read(absl::string_view bytes, const DcmTagKey& stop) {
  M3L_RETURN_IF_ERROR(SetUpDcmtk());
  auto instance = std::make_unique<Instance>(bytes);
  Instance& i = *instance;
  i.header.transferInit();
  const OFCondition header = i.header.read(i.stream, EXS_Unknown, EGL_noChange, kMaxReadLength);
  i.header.transferEnd();
  if (header.bad() && HasMagic(bytes)) {
    return SkipError(SkipReason::kMalformed,
                     "the file header (group 0002) ends early or contradicts itself; resend the "
                     "instance");
  }
  i.syntax_uid = DicomAttributes(i.header).Text(DCM_TransferSyntaxUID);
  if (!i.syntax_uid.empty()) {
    i.syntax = DcmXfer(i.syntax_uid.c_str()).getXfer();
    if (!ReadsAsLittleEndian(i.syntax)) return CheckTransferSyntax(i.syntax, i.syntax_uid);
  }
  i.dataset.transferInit();
  i.condition = i.dataset.readUntilTag(i.stream, i.syntax, EGL_noChange, kMaxReadLength, stop);
  // No transferEnd(): the transfer state tells which elements are complete.
  if (i.syntax == EXS_Unknown) i.syntax = i.dataset.getOriginalXfer();
  return instance;
}

// `value` as it is, with a warning where it is not what the standard asks for.
std::string Uid(const DicomAttributes& attributes, const DcmTagKey& tag, Warnings& warnings) {
  std::string value = attributes.Text(tag);
  if (value.empty()) {
    warnings.push_back(absl::StrCat(NameOf(tag), " is empty"));
  } else if (value.size() > 64 || value.find_first_not_of("0123456789.") != std::string::npos) {
    warnings.push_back(absl::StrCat(NameOf(tag), " is not a valid unique identifier"));
  }
  return value;
}

// Whether anything was read that tells an image, a report or a plan.
bool LooksLikeDicom(const Instance& instance, const DicomAttributes& attributes) {
  return instance.syntax != EXS_Unknown &&
         (attributes.Has(DCM_SOPClassUID) || attributes.Has(DCM_Modality) ||
          attributes.Has(DCM_Rows));
}

// What a data set that could not be read to its end is good for. Bytes after the
// pixel data are nobody's loss; ReadPixelWords() judges the pixel data.
absl::Status CheckCompleteness(const Instance& instance, const DicomAttributes& attributes,
                               Warnings& warnings) {
  if (instance.stream.state().too_deep) {
    return SkipError(SkipReason::kMalformed,
                     "the data set nests its sequences deeper than any real one; resend the "
                     "instance");
  }
  if (instance.condition.good()) return absl::OkStatus();
  if (attributes.Has(DCM_PixelData)) {
    warnings.push_back("what follows the pixel data could not be read");
    return absl::OkStatus();
  }
  return SkipError(
      SkipReason::kMalformed,
      absl::StrCat("the data set ends early or contradicts itself (", instance.condition.text(),
                   ") before its PixelData; resend the ", "instance"));
}

// DCMTK's codecs look these up by type; what was read leniently is put right.
void Normalise(DcmDataset& dataset, const PixelFormat& format) {
  const auto put = [&](const DcmTagKey& tag, int value) {
    dataset.putAndInsertUint16(DcmTag(tag, EVR_US), static_cast<Uint16>(value));
  };
  put(DCM_Rows, format.rows);
  put(DCM_Columns, format.columns);
  put(DCM_SamplesPerPixel, 1);
  put(DCM_BitsAllocated, format.bits_allocated);
  put(DCM_BitsStored, format.bits_stored);
  put(DCM_HighBit, format.high_bit);
  put(DCM_PixelRepresentation, format.is_signed ? 1 : 0);
  dataset.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
  dataset.findAndDeleteElement(DCM_NumberOfFrames);
}

absl::StatusOr<HuSlice> Decode(absl::string_view bytes, const DecodeLimits& limits) {
  absl::StatusOr<std::unique_ptr<Instance>> read = Read(bytes, DCM_UndefinedTagKey);
  M3L_RETURN_IF_ERROR(read.status());
  Instance& instance = **read;
  const DicomAttributes attributes(instance.dataset);
  if (!HasMagic(bytes) && !LooksLikeDicom(instance, attributes)) {
    return SkipError(SkipReason::kNotDicom,
                     "the bytes are no DICOM file; send instances as they are stored");
  }
  HuSlice slice;
  Warnings& warnings = slice.warnings;
  std::string sop_class = attributes.Text(DCM_SOPClassUID);
  if (sop_class.empty()) {
    sop_class = DicomAttributes(instance.header).Text(DCM_MediaStorageSOPClassUID);
  }
  M3L_RETURN_IF_ERROR(CheckCompleteness(instance, attributes, warnings));
  M3L_RETURN_IF_ERROR(CheckKind(attributes, sop_class));
  M3L_ASSIGN_OR_RETURN(const PixelFormat format, ReadPixelFormat(attributes, limits, warnings));
  M3L_ASSIGN_OR_RETURN(slice.geometry, ReadGeometry(attributes));
  M3L_ASSIGN_OR_RETURN(const Rescale rescale, ReadRescale(attributes, warnings));
  M3L_ASSIGN_OR_RETURN(const std::optional<PixelPadding> padding, ReadPadding(attributes));
  M3L_RETURN_IF_ERROR(CheckTransferSyntax(instance.syntax, instance.syntax_uid));
  slice.sop_instance_uid = Uid(attributes, DCM_SOPInstanceUID, warnings);
  slice.series_instance_uid = Uid(attributes, DCM_SeriesInstanceUID, warnings);

  Normalise(instance.dataset, format);
  M3L_ASSIGN_OR_RETURN(
      const std::vector<uint16_t> words,
      ReadPixelWords(instance.dataset, instance.syntax, format, instance.stream.state()));
  if (const std::string warning = TransferSyntaxWarning(instance.syntax); !warning.empty()) {
    warnings.push_back(warning);
  }
  slice.hu = ToHounsfield(format, rescale, padding, words);
  return slice;
}

}  // namespace

absl::StatusOr<DecodedInstance> DecodeInstance(absl::string_view bytes,
                                               const DecodeLimits& limits) {
  // Thrown by DCMTK's JPEG-LS library, the standard library and OpenCV.
  try {
    M3L_ASSIGN_OR_RETURN(HuSlice slice, Decode(bytes, limits));
    DecodedInstance instance;
    instance.header.sop_instance_uid = slice.sop_instance_uid;
    instance.header.series_instance_uid = slice.series_instance_uid;
    instance.slices.push_back(std::move(slice));
    return instance;
  } catch (const std::bad_alloc&) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  } catch (const std::exception&) {
    return SkipError(SkipReason::kMalformed, "the instance cannot be decoded; resend it");
  }
}

absl::StatusOr<HuSlice> DecodeDicom(absl::string_view bytes, const DecodeLimits& limits) {
  M3L_ASSIGN_OR_RETURN(DecodedInstance instance, DecodeInstance(bytes, limits));
  if (instance.slices.size() != 1) {
    return SkipError(SkipReason::kMultiFrame,
                     absl::StrCat("the instance holds ", instance.slices.size(),
                                  " frames where one slice is wanted; send it as a study"));
  }
  return std::move(instance.slices.front());
}

std::string PeekSopInstanceUid(absl::string_view bytes) {
  try {
    const absl::StatusOr<std::unique_ptr<Instance>> read = Read(bytes, DCM_StudyDate);
    if (!read.ok()) return "";
    return DicomAttributes((*read)->dataset).Text(DCM_SOPInstanceUID);
  } catch (const std::exception&) {
    return "";
  }
}

}  // namespace m3lung
