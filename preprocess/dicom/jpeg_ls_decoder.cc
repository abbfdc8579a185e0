// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/jpeg_ls_decoder.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "charls/charls.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

struct Destroy {
  void operator()(charls_jpegls_decoder* decoder) const { charls_jpegls_decoder_destroy(decoder); }
};

absl::Status MalformedJpegLs(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat("PixelData cannot be decoded (", detail, "); resend the instance"));
}

absl::Status Check(charls::jpegls_errc error) {
  if (error == charls::jpegls_errc::success) return absl::OkStatus();
  return MalformedJpegLs(charls_get_error_message(error));
}

}  // namespace

absl::StatusOr<std::vector<uint16_t>> DecodeJpegLs(absl::string_view code, int rows, int columns,
                                                   int precision) {
  const std::unique_ptr<charls_jpegls_decoder, Destroy> decoder(charls_jpegls_decoder_create());
  if (decoder == nullptr) {
    return SkipError(SkipReason::kTooLarge, "there is not enough memory to decode the instance");
  }
  M3L_RETURN_IF_ERROR(
      Check(charls_jpegls_decoder_set_source_buffer(decoder.get(), code.data(), code.size())));
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_decoder_read_header(decoder.get())));
  charls_frame_info frame = {};
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_decoder_get_frame_info(decoder.get(), &frame)));
  if (frame.height != static_cast<uint32_t>(rows) ||
      frame.width != static_cast<uint32_t>(columns) || frame.bits_per_sample != precision ||
      frame.component_count != 1) {
    return MalformedJpegLs("its two headers differ");
  }
  // Samples of up to 8 bits come as bytes.
  const size_t count = static_cast<size_t>(rows) * static_cast<size_t>(columns);
  if (precision > 8) {
    std::vector<uint16_t> words(count);
    M3L_RETURN_IF_ERROR(Check(charls_jpegls_decoder_decode_to_buffer(
        decoder.get(), words.data(), count * sizeof(uint16_t), /*stride=*/0)));
    return words;
  }
  std::vector<uint8_t> bytes(count);
  M3L_RETURN_IF_ERROR(Check(
      charls_jpegls_decoder_decode_to_buffer(decoder.get(), bytes.data(), count, /*stride=*/0)));
  return std::vector<uint16_t>(bytes.begin(), bytes.end());
}

}  // namespace m3lung
