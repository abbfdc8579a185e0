// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/transfer_syntax.h"

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "preprocess/dicom/attributes.h"
#include "preprocess/dicom/jpeg_frame_header.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// DCMTK knows no HTJ2K; its data sets lie there as those of JPEG 2000 do. A
// further syntax is a line here, and a coding where none fits.
constexpr TransferSyntax kSyntaxes[] = {
    {"1.2.840.10008.1.2", "Implicit VR Little Endian", EXS_LittleEndianImplicit,
     PixelCoding::kNative},
    {"1.2.840.10008.1.2.1", "Explicit VR Little Endian", EXS_LittleEndianExplicit,
     PixelCoding::kNative},
    {"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", EXS_LittleEndianExplicit,
     PixelCoding::kNative, /*deflated=*/true},
    {"1.2.840.10008.1.2.2", "Explicit VR Big Endian", EXS_BigEndianExplicit, PixelCoding::kNative},
    {"", "Implicit VR Big Endian", EXS_BigEndianImplicit, PixelCoding::kNative},
    {"1.2.840.10008.1.2.5", "RLE Lossless", EXS_RLELossless, PixelCoding::kRle},
    {"1.2.840.10008.1.2.4.50", "JPEG Baseline", EXS_JPEGProcess1, PixelCoding::kJpegBaseline},
    {"1.2.840.10008.1.2.4.51", "JPEG Extended", EXS_JPEGProcess2_4, PixelCoding::kJpegExtended},
    {"1.2.840.10008.1.2.4.57", "JPEG Lossless, process 14", EXS_JPEGProcess14,
     PixelCoding::kJpegLossless},
    {"1.2.840.10008.1.2.4.70", "JPEG Lossless, process 14 SV1", EXS_JPEGProcess14SV1,
     PixelCoding::kJpegLossless},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", EXS_JPEGLSLossless, PixelCoding::kJpegLs},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", EXS_JPEGLSLossy, PixelCoding::kJpegLs},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", EXS_JPEG2000LosslessOnly,
     PixelCoding::kJpeg2000},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", EXS_JPEG2000, PixelCoding::kJpeg2000},
    {"1.2.840.10008.1.2.4.201", "HTJ2K Lossless", EXS_JPEG2000LosslessOnly, PixelCoding::kJpeg2000},
    {"1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", EXS_JPEG2000LosslessOnly,
     PixelCoding::kJpeg2000},
    {"1.2.840.10008.1.2.4.203", "HTJ2K", EXS_JPEG2000, PixelCoding::kJpeg2000},
};

const TransferSyntax& SyntaxOf(absl::string_view uid) {
  for (const TransferSyntax& syntax : kSyntaxes) {
    if (syntax.uid == uid) return syntax;
  }
  return kSyntaxes[1];
}

}  // namespace

absl::StatusOr<const TransferSyntax*> FindTransferSyntax(absl::string_view uid) {
  for (const TransferSyntax& syntax : kSyntaxes) {
    if (syntax.uid == uid) return &syntax;
  }
  const std::string text(uid);
  const DcmXfer known(text.c_str());
  const char* name =
      known.getXfer() == EXS_Unknown ? dcmFindNameOfUID(text.c_str()) : known.getXferName();
  return SkipError(
      SkipReason::kUnsupportedTransferSyntax,
      absl::StrCat("transfer syntax ", name != nullptr ? name : "unknown to this version", " (",
                   PrintableAscii(text),
                   ") is not decoded; convert the instance to Explicit VR Little "
                   "Endian"));
}

const TransferSyntax& NativeSyntax(E_TransferSyntax data_set) {
  for (const TransferSyntax& syntax : kSyntaxes) {
    if (syntax.data_set == data_set) return syntax;
  }
  return SyntaxOf("1.2.840.10008.1.2.1");
}

const TransferSyntax* GuessSyntax(absl::string_view frame) {
  if (absl::StartsWith(frame, "\xff\x4f\xff\x51")) return &SyntaxOf("1.2.840.10008.1.2.4.91");
  if (!absl::StartsWith(frame, "\xff\xd8")) return nullptr;
  const std::optional<JpegFrameHeader> header = ReadJpegFrameHeader(frame);
  if (!header.has_value()) return nullptr;
  switch (header->process) {
    case JpegProcess::kSequential:
      return &SyntaxOf("1.2.840.10008.1.2.4.51");
    case JpegProcess::kLossless:
      return &SyntaxOf("1.2.840.10008.1.2.4.57");
    case JpegProcess::kLs:
      return &SyntaxOf("1.2.840.10008.1.2.4.81");
    case JpegProcess::kOther:
      break;
  }
  return nullptr;
}

}  // namespace m3lung
