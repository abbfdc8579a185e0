#include "preprocess/pixel_words.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmdata/dcxfer.h"
#include "preprocess/dicom_attributes.h"
#include "preprocess/jpeg_frame_header.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// How a transfer syntax stores the pixels. A further syntax is a line in
// kSyntaxes, and a coding here where none fits.
enum class Coding { kNative, kRle, kJpegLossless, kJpegLs };

struct Syntax {
  E_TransferSyntax id;
  Coding coding;
  const char* warning;
};

constexpr Syntax kSyntaxes[] = {
    {EXS_LittleEndianImplicit, Coding::kNative, ""},
    {EXS_LittleEndianExplicit, Coding::kNative, ""},
    {EXS_RLELossless, Coding::kRle, ""},
    {EXS_JPEGProcess14, Coding::kJpegLossless, ""},
    {EXS_JPEGProcess14SV1, Coding::kJpegLossless, ""},
    {EXS_JPEGLSLossless, Coding::kJpegLs, ""},
    {EXS_JPEGLSLossy, Coding::kJpegLs,
     "the pixel data were compressed with a bounded loss (JPEG-LS near-lossless)"},
};

const Syntax* FindSyntax(E_TransferSyntax id) {
  for (const Syntax& syntax : kSyntaxes) {
    if (syntax.id == id) return &syntax;
  }
  return nullptr;
}

absl::Status Malformed(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed, absl::StrCat(detail, "; resend the instance"));
}

std::string SizeOf(const PixelFormat& format) {
  return absl::StrCat(format.rows, " x ", format.columns, " pixels of ", format.bits_allocated,
                      " bits");
}

// By how many bytes the pixel data go past the end of the file. What is missing
// is missing from the last element that was read.
uint64_t MissingBytes(DcmDataset& dataset, const DcmPixelData& pixels,
                      const DicomReadState& state) {
  return dataset.getElement(dataset.card() - 1) == &pixels ? state.missing_bytes : 0;
}

absl::Status CheckNativeLength(const DcmPixelData& pixels, const PixelFormat& format,
                               uint64_t missing) {
  const uint64_t needed = uint64_t(format.rows) * format.columns * (format.bits_allocated / 8);
  const uint64_t declared = pixels.getLengthField();
  if (declared == DCM_UndefinedLength) {
    return Malformed("PixelData has no length, though the transfer syntax is not compressed");
  }
  const uint64_t held = declared - std::min(declared, missing);
  if (held < needed) {
    return Malformed(absl::StrCat("PixelData declares ", declared, " bytes and holds ", held, ", ",
                                  SizeOf(format), " need ", needed));
  }
  return absl::OkStatus();
}

// The compressed fragments, with the offset table as the first; null where there
// are none.
DcmPixelSequence* Fragments(DcmPixelData& pixels, E_TransferSyntax syntax) {
  E_TransferSyntax stored = EXS_Unknown;
  const DcmRepresentationParameter* parameter = nullptr;
  pixels.getOriginalRepresentationKey(stored, parameter);
  DcmPixelSequence* fragments = nullptr;
  if (stored != syntax) return nullptr;
  if (pixels.getEncapsulatedRepresentation(stored, parameter, fragments).bad()) return nullptr;
  return fragments;
}

// The first bytes of the compressed frame, enough for its header.
std::string FirstBytes(DcmPixelSequence& fragments) {
  constexpr size_t kEnough = 64 << 10;
  std::string bytes;
  for (unsigned long i = 1; i < fragments.card() && bytes.size() < kEnough; ++i) {
    DcmPixelItem* item = nullptr;
    Uint8* data = nullptr;
    if (fragments.getItem(item, i).bad() || item->getUint8Array(data).bad() || data == nullptr) {
      break;
    }
    const size_t count = std::min<size_t>(item->getLengthField(), kEnough);
    bytes.append(reinterpret_cast<const char*>(data), count);
  }
  return bytes;
}

// The stream's own header against the data set, before a decoder believes it.
// Returns the bits of a decoded sample, 8 or 16.
absl::StatusOr<int> CheckJpegHeader(DcmPixelSequence& fragments, const PixelFormat& format,
                                    JpegProcess process) {
  const std::optional<JpegFrameHeader> header = ReadJpegFrameHeader(FirstBytes(fragments));
  if (!header.has_value()) return Malformed("PixelData holds no JPEG frame header");
  if (header->process != process) {
    return Malformed("the JPEG process of PixelData is not that of the transfer syntax");
  }
  if (header->rows != format.rows || header->columns != format.columns || header->components != 1) {
    return Malformed(absl::StrCat("PixelData holds a JPEG frame of ", header->rows, " x ",
                                  header->columns, " pixels with ", header->components,
                                  " components, the data set says ", SizeOf(format),
                                  " with 1 component"));
  }
  if (header->precision < 2 || header->precision > format.bits_allocated) {
    return Malformed(absl::StrCat("PixelData holds JPEG samples of ", header->precision,
                                  " bits, BitsAllocated is ", format.bits_allocated));
  }
  return header->precision <= 8 ? 8 : 16;
}

// `count` bytes, packed into words, one a word.
std::vector<uint16_t> Widen(const std::vector<uint16_t>& packed, size_t count) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(packed.data());
  return std::vector<uint16_t>(bytes, bytes + count);
}

}  // namespace

absl::Status CheckTransferSyntax(E_TransferSyntax syntax, const std::string& uid) {
  if (FindSyntax(syntax) != nullptr) return absl::OkStatus();
  const DcmXfer transfer(syntax);
  const char* name = syntax == EXS_Unknown ? dcmFindNameOfUID(uid.c_str()) : transfer.getXferName();
  return SkipError(
      SkipReason::kUnsupportedTransferSyntax,
      absl::StrCat("transfer syntax ", name != nullptr ? name : "unknown to this version", " (",
                   uid.empty() ? transfer.getXferID() : PrintableAscii(uid),
                   ") is not decoded; convert the instance to Explicit VR Little Endian"));
}

std::string TransferSyntaxWarning(E_TransferSyntax syntax) {
  const Syntax* found = FindSyntax(syntax);
  return found == nullptr ? "" : found->warning;
}

absl::StatusOr<std::vector<uint16_t>> ReadPixelWords(DcmDataset& dataset, E_TransferSyntax syntax,
                                                     const PixelFormat& format,
                                                     const DicomReadState& state) {
  M3L_RETURN_IF_ERROR(CheckTransferSyntax(syntax, ""));
  const Coding coding = FindSyntax(syntax)->coding;
  DcmElement* element = nullptr;
  auto* pixels = dataset.findAndGetElement(DCM_PixelData, element).good()
                     ? dynamic_cast<DcmPixelData*>(element)
                     : nullptr;
  if (pixels == nullptr) return Malformed("PixelData cannot be read");

  const uint64_t missing = MissingBytes(dataset, *pixels, state);
  int sample_bits = format.bits_allocated;
  if (coding == Coding::kNative) {
    M3L_RETURN_IF_ERROR(CheckNativeLength(*pixels, format, missing));
  } else {
    DcmPixelSequence* fragments = Fragments(*pixels, syntax);
    if (fragments == nullptr || fragments->card() < 2) {
      return Malformed("PixelData holds no fragment, though the transfer syntax is compressed");
    }
    if (missing > 0 || pixels->transferState() != ERW_ready) {
      return Malformed(absl::StrCat("PixelData ends within its fragments: ", fragments->card() - 1,
                                    " were found, at least ", missing, " bytes are missing"));
    }
    if (coding == Coding::kJpegLossless || coding == Coding::kJpegLs) {
      M3L_ASSIGN_OR_RETURN(
          sample_bits,
          CheckJpegHeader(*fragments, format,
                          coding == Coding::kJpegLs ? JpegProcess::kLs : JpegProcess::kLossless));
    }
  }

  // Words, not bytes, so that the memory is aligned for both; and an even size.
  const size_t count = size_t(format.rows) * format.columns;
  std::vector<uint16_t> packed(format.bits_allocated == 16 ? count : (count + 1) / 2);
  Uint32 fragment = coding == Coding::kNative ? 0 : 1;
  OFString colour_model;
  const OFCondition decoded = pixels->getUncompressedFrame(
      &dataset, 0, fragment, packed.data(), static_cast<Uint32>(packed.size() * 2), colour_model);
  if (decoded.bad()) {
    return Malformed(absl::StrCat("PixelData cannot be decoded (", decoded.text(), ")"));
  }
  return sample_bits == 16 ? std::move(packed) : Widen(packed, count);
}

}  // namespace m3lung
