// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/jpeg2000_decoder.h"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "preprocess/dicom/jpeg2000_header.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// OpenJPEG sets aside some kilobytes a tile and half of one a code-block, whether or
// not any byte of it follows. Encoders make blocks of 32 x 32 or 64 x 64; these
// limits leave room for blocks of 16 x 16 in the largest image.
constexpr int64_t kMaxTiles = 4096;
constexpr int64_t kMaxCodeBlocks = 160'000;
constexpr int64_t kMaxPrecincts = 100'000;
constexpr int64_t kMaxPackets = 1'000'000;

absl::Status MalformedCodestream(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat("the JPEG 2000 codestream in PixelData cannot be decoded: ", detail,
                                "; resend the instance"));
}

// A codestream in memory, and how far it is read.
struct Source {
  absl::string_view bytes;
  size_t at = 0;
};

OPJ_SIZE_T ReadBytes(void* buffer, OPJ_SIZE_T count, void* data) {
  Source& source = *static_cast<Source*>(data);
  const size_t step = std::min<size_t>(count, source.bytes.size() - source.at);
  if (step == 0) return static_cast<OPJ_SIZE_T>(-1);  // as OpenJPEG calls the end
  std::memcpy(buffer, source.bytes.data() + source.at, step);
  source.at += step;
  return step;
}

OPJ_OFF_T SkipBytes(OPJ_OFF_T count, void* data) {
  Source& source = *static_cast<Source*>(data);
  if (count < 0) return -1;
  const size_t step = std::min<size_t>(count, source.bytes.size() - source.at);
  source.at += step;
  return step == 0 && count > 0 ? -1 : static_cast<OPJ_OFF_T>(step);
}

OPJ_BOOL SeekTo(OPJ_OFF_T offset, void* data) {
  Source& source = *static_cast<Source*>(data);
  if (offset < 0 || static_cast<size_t>(offset) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

void Ignore(const char*, void*) {}

struct DestroyStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct DestroyCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct DestroyImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

absl::Status CheckHeader(const Jpeg2000Header& header, int rows, int columns) {
  if (header.rows != rows || header.columns != columns || header.components != 1 ||
      header.subsampled) {
    return MalformedCodestream(absl::StrCat(
        "it holds ", header.rows, " x ", header.columns, " pixels with ", header.components,
        " components, the data set says ", rows, " x ", columns, " with 1 component"));
  }
  if (header.precision > 16) {
    return SkipError(SkipReason::kUnsupportedPixelFormat,
                     absl::StrCat("PixelData holds JPEG 2000 samples of ", header.precision,
                                  " bits; a CT image has at most 16"));
  }
  if (header.tiles > kMaxTiles || header.code_blocks > kMaxCodeBlocks ||
      header.precincts > kMaxPrecincts || header.packets > kMaxPackets) {
    return SkipError(SkipReason::kTooLarge,
                     absl::StrCat("the JPEG 2000 codestream divides its image into ", header.tiles,
                                  " tiles, ", header.code_blocks, " code-blocks and ",
                                  header.packets, " packets, more than are decoded"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Jpeg2000Image> DecodeJpeg2000(absl::string_view bytes, int rows, int columns) {
  Source source{.bytes = Jpeg2000Codestream(bytes)};
  const absl::StatusOr<Jpeg2000Header> header = ReadJpeg2000Header(source.bytes);
  if (!header.ok()) return MalformedCodestream(header.status().message());
  M3L_RETURN_IF_ERROR(CheckHeader(*header, rows, columns));

  const std::unique_ptr<opj_stream_t, DestroyStream> stream(
      opj_stream_create(std::clamp<size_t>(source.bytes.size(), 1024, 1 << 20), OPJ_TRUE));
  const std::unique_ptr<opj_codec_t, DestroyCodec> codec(opj_create_decompress(OPJ_CODEC_J2K));
  if (stream == nullptr || codec == nullptr) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  }
  opj_stream_set_read_function(stream.get(), ReadBytes);
  opj_stream_set_skip_function(stream.get(), SkipBytes);
  opj_stream_set_seek_function(stream.get(), SeekTo);
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_set_info_handler(codec.get(), Ignore, nullptr);
  opj_set_warning_handler(codec.get(), Ignore, nullptr);
  opj_set_error_handler(codec.get(), Ignore, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  // Whatever the environment says, the caller's thread does the work.
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_codec_set_threads(codec.get(), 0) ||
      !opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE)) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  }
  opj_image_t* read = nullptr;
  const bool started = opj_read_header(stream.get(), codec.get(), &read);
  const std::unique_ptr<opj_image_t, DestroyImage> image(read);
  if (!started || !opj_decode(codec.get(), stream.get(), image.get()) ||
      !opj_end_decompress(codec.get(), stream.get())) {
    return MalformedCodestream("its code ends early or is damaged");
  }
  if (image->numcomps != 1 || image->comps[0].data == nullptr ||
      image->comps[0].w != static_cast<OPJ_UINT32>(columns) ||
      image->comps[0].h != static_cast<OPJ_UINT32>(rows)) {
    return MalformedCodestream("it decodes to another size than it states");
  }
  const opj_image_comp_t& component = image->comps[0];
  Jpeg2000Image result;
  result.precision = header->precision;
  result.lossless = header->reversible;
  const size_t count = static_cast<size_t>(rows) * columns;
  const uint32_t mask = (1u << header->precision) - 1;
  result.words.resize(count);
  for (size_t i = 0; i < count; ++i) {
    result.words[i] = static_cast<uint16_t>(static_cast<uint32_t>(component.data[i]) & mask);
  }
  return result;
}

}  // namespace m3lung
