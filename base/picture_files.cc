// SPDX-License-Identifier: Apache-2.0
#include "base/picture_files.h"

#include <png.h>
#include <turbojpeg.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"

namespace m3lung {
namespace {

// Frees what libpng holds, also after an error.
struct PngImage : png_image {
  PngImage() : png_image() { version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(this); }
};

}  // namespace

absl::StatusOr<std::string> EncodePng(const cv::Mat& picture) {
  if (picture.empty() || (picture.type() != CV_8UC1 && picture.type() != CV_8UC3)) {
    return absl::InternalError("a picture for PNG must be grey or BGR in 8 bits, and not empty");
  }
  PngImage image;
  image.width = static_cast<png_uint_32>(picture.cols);
  image.height = static_cast<png_uint_32>(picture.rows);
  image.format = picture.channels() == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_BGR;
  image.flags = PNG_IMAGE_FLAG_FAST;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, /*convert_to_8_bit=*/0, picture.data,
                                static_cast<png_int_32>(picture.step[0]),
                                /*colormap=*/nullptr) == 0) {
    return absl::InternalError(absl::StrCat("a picture cannot be written as PNG: ", image.message));
  }
  bytes.resize(size);
  return bytes;
}

std::string EncodeJpeg(const cv::Mat& picture, int quality) {
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), &tjDestroy);
  unsigned char* jpeg = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): the library's
  if (picture.type() == CV_8UC3) {
    tjCompress2(encoder.get(), picture.data, picture.cols, static_cast<int>(picture.step[0]),
                picture.rows, TJPF_BGR, &jpeg, &size, TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  }
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(jpeg, &tjFree);
  return {reinterpret_cast<const char*>(jpeg), jpeg == nullptr ? 0 : size};
}

absl::StatusOr<cv::Mat> DecodeGreyPng(absl::string_view bytes, cv::Size size) {
  PngImage image;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("it is no PNG file: ", image.message));
  }
  if (static_cast<int64_t>(image.width) != size.width ||
      static_cast<int64_t>(image.height) != size.height) {
    return absl::InvalidArgumentError(absl::StrCat("it is ", image.width, " x ", image.height,
                                                   " pixels in place of ", size.width, " x ",
                                                   size.height));
  }
  // With its transparency, since pixels would be mixed with a background otherwise.
  image.format = PNG_FORMAT_GA;
  cv::Mat picture(size, CV_8UC2);
  if (png_image_finish_read(&image, /*background=*/nullptr, picture.data,
                            static_cast<png_int_32>(picture.step[0]), /*colormap=*/nullptr) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("it cannot be decoded: ", image.message));
  }
  cv::Mat grey(size, CV_8UC1);
  const int channels[] = {0, 0};
  cv::mixChannels(&picture, 1, &grey, 1, channels, 1);
  return grey;
}

}  // namespace m3lung
