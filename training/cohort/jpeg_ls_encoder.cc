// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/jpeg_ls_encoder.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "charls/charls.h"

namespace m3lung {
namespace {

struct Destroy {
  void operator()(charls_jpegls_encoder* encoder) const { charls_jpegls_encoder_destroy(encoder); }
};

absl::Status Check(charls::jpegls_errc error) {
  if (error == charls::jpegls_errc::success) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("CharLS cannot encode the pixels: ", charls_get_error_message(error)));
}

}  // namespace

absl::StatusOr<std::string> EncodeJpegLs(absl::Span<const uint16_t> words, int rows, int columns) {
  const std::unique_ptr<charls_jpegls_encoder, Destroy> owner(charls_jpegls_encoder_create());
  charls_jpegls_encoder* const encoder = owner.get();
  if (encoder == nullptr) return absl::ResourceExhaustedError("not enough memory for JPEG-LS");
  const charls_frame_info frame = {.width = static_cast<uint32_t>(columns),
                                   .height = static_cast<uint32_t>(rows),
                                   .bits_per_sample = 16,
                                   .component_count = 1};
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_encoder_set_frame_info(encoder, &frame)));
  size_t size = 0;
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_encoder_get_estimated_destination_size(encoder, &size)));
  std::string code(size, '\0');
  M3L_RETURN_IF_ERROR(
      Check(charls_jpegls_encoder_set_destination_buffer(encoder, code.data(), code.size())));
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_encoder_encode_from_buffer(
      encoder, words.data(), words.size() * sizeof(uint16_t), /*stride=*/0)));
  M3L_RETURN_IF_ERROR(Check(charls_jpegls_encoder_get_bytes_written(encoder, &size)));
  code.resize(size);
  return code;
}

}  // namespace m3lung
