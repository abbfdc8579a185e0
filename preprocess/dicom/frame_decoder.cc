// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/frame_decoder.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "preprocess/dicom/jpeg2000_decoder.h"
#include "preprocess/dicom/jpeg_frame_header.h"
#include "preprocess/dicom/jpeg_ls_decoder.h"
#include "preprocess/dicom/rle_decoder.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

absl::Status MalformedFrame(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed, absl::StrCat(detail, "; resend the instance"));
}

size_t PixelsOf(const PixelFormat& format) { return size_t(format.rows) * format.columns; }

JpegProcess ProcessOf(PixelCoding coding) {
  if (coding == PixelCoding::kJpegLossless) return JpegProcess::kLossless;
  return coding == PixelCoding::kJpegLs ? JpegProcess::kLs : JpegProcess::kSequential;
}

// Whether samples of so many bits can occur.
bool PrecisionFits(PixelCoding coding, int precision) {
  switch (coding) {
    case PixelCoding::kJpegBaseline:
      return precision == 8;
    case PixelCoding::kJpegExtended:
      return precision == 8 || precision == 12;
    default:
      return precision >= 2 && precision <= 16;
  }
}

absl::StatusOr<JpegFrameHeader> CheckJpegHeader(absl::string_view code, PixelCoding coding,
                                                const PixelFormat& format) {
  const std::optional<JpegFrameHeader> header = ReadJpegFrameHeader(code);
  if (!header.has_value()) return MalformedFrame("PixelData holds no JPEG frame header");
  if (header->process != ProcessOf(coding)) {
    return MalformedFrame("the JPEG process of PixelData is not that of the transfer syntax");
  }
  if (header->rows != format.rows || header->columns != format.columns || header->components != 1) {
    return MalformedFrame(absl::StrCat("PixelData holds a JPEG frame of ", header->rows, " x ",
                                       header->columns, " pixels with ", header->components,
                                       " components, the data set says ", format.rows, " x ",
                                       format.columns, " pixels with 1 component"));
  }
  if (!PrecisionFits(coding, header->precision) || header->precision > format.bits_allocated) {
    return MalformedFrame(absl::StrCat("PixelData holds JPEG samples of ", header->precision,
                                       " bits, BitsAllocated is ", format.bits_allocated));
  }
  // DCMTK's decoders look such a difference up beyond the end of their tables.
  const int most_bits = header->process == JpegProcess::kLossless ? 16 : 15;
  if (header->difference_bits > most_bits) {
    return MalformedFrame(absl::StrCat("a Huffman table of PixelData codes differences of ",
                                       header->difference_bits, " bits; at most ", most_bits,
                                       " can be"));
  }
  return *header;
}

// What DCMTK's decoders ask of a data set, and nothing else of the sender's.
void Describe(const PixelFormat& format, int precision, DcmDataset& data_set) {
  const auto put = [&](const DcmTagKey& tag, int value) {
    data_set.putAndInsertUint16(DcmTag(tag, EVR_US), static_cast<Uint16>(value));
  };
  put(DCM_SamplesPerPixel, 1);
  data_set.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
  put(DCM_Rows, format.rows);
  put(DCM_Columns, format.columns);
  put(DCM_BitsAllocated, precision <= 8 ? 8 : 16);
  put(DCM_BitsStored, precision);
  put(DCM_HighBit, precision - 1);
  put(DCM_PixelRepresentation, 0);
}

// `code` as the only fragment of a frame of its own.
absl::StatusOr<std::unique_ptr<DcmPixelData>> Encapsulate(absl::string_view code,
                                                          E_TransferSyntax syntax) {
  auto sequence = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
  auto* table = new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB));
  sequence->insert(table);  // owns it
  auto* fragment = new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB));
  sequence->insert(fragment);
  Uint8* bytes = nullptr;
  const size_t even = code.size() + code.size() % 2;
  if (even > 0xfffffffe || fragment->createUint8Array(static_cast<Uint32>(even), bytes).bad()) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  }
  std::memcpy(bytes, code.data(), code.size());
  if (even > code.size()) bytes[code.size()] = 0;
  auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
  pixels->putOriginalRepresentation(syntax, nullptr, sequence.release());
  return pixels;
}

// JPEG by DCMTK, of a frame whose header is checked.
absl::StatusOr<std::vector<uint16_t>> DecodeByDcmtk(absl::string_view code, E_TransferSyntax syntax,
                                                    const PixelFormat& format, int precision) {
  DcmDataset description;
  Describe(format, precision, description);
  M3L_ASSIGN_OR_RETURN(const std::unique_ptr<DcmPixelData> pixels, Encapsulate(code, syntax));
  // Words, not bytes, so that the memory is aligned for both; and an even size.
  const size_t count = PixelsOf(format);
  std::vector<uint16_t> packed(precision > 8 ? count : (count + 1) / 2);
  Uint32 fragment = 1;
  OFString colour_model;
  const OFCondition decoded =
      pixels->getUncompressedFrame(&description, 0, fragment, packed.data(),
                                   static_cast<Uint32>(packed.size() * 2), colour_model);
  if (decoded.bad()) {
    return MalformedFrame(absl::StrCat("PixelData cannot be decoded (", decoded.text(), ")"));
  }
  if (precision > 8) return packed;
  const auto* bytes = reinterpret_cast<const unsigned char*>(packed.data());
  return std::vector<uint16_t>(bytes, bytes + count);
}

// The format of words that a decoder has made out of samples of `precision` bits.
// Fewer bits than BitsStored are not shifted up to HighBit. JPEG 2000 and JPEG-LS
// code a negative value in just these bits.
PixelFormat FormatOf(const PixelFormat& format, int precision, bool sign_in_code) {
  PixelFormat coded = format;
  if (precision > format.bits_stored) return coded;
  if (sign_in_code) coded.bits_stored = precision;
  coded.high_bit = coded.bits_stored - 1;
  return coded;
}

}  // namespace

absl::StatusOr<DecodedFrame> DecodeFrame(absl::string_view code, const TransferSyntax& syntax,
                                         const PixelFormat& format) {
  DecodedFrame frame;
  if (syntax.coding == PixelCoding::kRle) {
    M3L_ASSIGN_OR_RETURN(frame.words, DecodeRle(code, PixelsOf(format), format.bits_allocated));
    frame.format = format;
    return frame;
  }
  if (syntax.coding == PixelCoding::kJpeg2000) {
    M3L_ASSIGN_OR_RETURN(Jpeg2000Image image, DecodeJpeg2000(code, format.rows, format.columns));
    frame.words = std::move(image.words);
    frame.format = FormatOf(format, image.precision, /*sign_in_code=*/true);
    frame.lossless = image.lossless;
    return frame;
  }
  M3L_ASSIGN_OR_RETURN(const JpegFrameHeader header, CheckJpegHeader(code, syntax.coding, format));
  const bool is_jpeg_ls = syntax.coding == PixelCoding::kJpegLs;
  M3L_ASSIGN_OR_RETURN(
      frame.words, is_jpeg_ls ? DecodeJpegLs(code, format.rows, format.columns, header.precision)
                              : DecodeByDcmtk(code, syntax.data_set, format, header.precision));
  frame.format = FormatOf(format, header.precision, /*sign_in_code=*/is_jpeg_ls);
  frame.lossless =
      header.process == JpegProcess::kLossless || syntax.data_set == EXS_JPEGLSLossless;
  return frame;
}

std::vector<uint16_t> NativeWords(absl::string_view bytes, const PixelFormat& format,
                                  bool swapped) {
  const size_t count = PixelsOf(format);
  std::vector<uint16_t> words(count);
  const auto byte = [&](size_t i) -> uint16_t { return static_cast<unsigned char>(bytes[i]); };
  if (format.bits_allocated == 8) {
    // Two pixels a word, the last of an odd number beside a byte of padding.
    for (size_t i = 0; i < count; ++i) {
      words[i] = byte(swapped && (i ^ 1) < bytes.size() ? i ^ 1 : i);
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      const uint16_t first = byte(2 * i), second = byte(2 * i + 1);
      words[i] = static_cast<uint16_t>(swapped ? first << 8 | second : second << 8 | first);
    }
  }
  return words;
}

}  // namespace m3lung
