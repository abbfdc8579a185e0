// SPDX-License-Identifier: Apache-2.0
#include "base/picture_files.h"

#include "gmock/gmock.h"
#include "opencv2/imgcodecs.hpp"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

cv::Mat Noise(int type) {
  cv::Mat picture(37, 53, type);
  cv::RNG(1).fill(picture, cv::RNG::UNIFORM, 0, 256);
  return picture;
}

cv::Mat Decoded(const std::string& bytes) {
  return cv::imdecode(std::vector<uint8_t>(bytes.begin(), bytes.end()), cv::IMREAD_UNCHANGED);
}

std::string Encoded(const cv::Mat& picture, const char* kind) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(cv::imencode(kind, picture, bytes));
  return {bytes.begin(), bytes.end()};
}

TEST(EncodePngTest, OthersReadTheSamePixels) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const cv::Mat wide = Noise(type);
    for (const cv::Mat& picture : {wide, cv::Mat(wide(cv::Rect(3, 4, 20, 10)))}) {
      M3L_ASSERT_OK_AND_ASSIGN(const std::string png, EncodePng(picture));
      const cv::Mat read = Decoded(png);
      ASSERT_EQ(read.type(), type);
      EXPECT_EQ(cv::norm(read, picture, cv::NORM_INF), 0);
    }
  }
  EXPECT_THAT(EncodePng(cv::Mat()).status(), StatusIs(absl::StatusCode::kInternal, HasSubstr("8")));
}

TEST(EncodeJpegTest, OthersReadNearlyTheSamePixels) {
  const cv::Mat colour(40, 60, CV_8UC3, cv::Scalar(200, 120, 40));
  const cv::Mat read = Decoded(EncodeJpeg(colour, 90));
  ASSERT_EQ(read.size(), colour.size());
  EXPECT_LE(cv::norm(read, colour, cv::NORM_INF), 4);
  EXPECT_EQ(EncodeJpeg(cv::Mat(), 90), "");
}

TEST(DecodeGreyPngTest, ReadsEveryKindOfMask) {
  const cv::Mat mask = Noise(CV_8UC1) > 127;
  const auto expect_mask = [&](const cv::Mat& stored) {
    M3L_ASSERT_OK_AND_ASSIGN(const cv::Mat read,
                             DecodeGreyPng(Encoded(stored, ".png"), mask.size()));
    EXPECT_EQ(cv::norm(read, mask, cv::NORM_INF), 0) << stored.type();
  };
  expect_mask(mask);
  cv::Mat other;
  cv::merge(std::vector<cv::Mat>{mask, mask, mask}, other);
  expect_mask(other);
  // Transparent everywhere: it counts for nothing.
  cv::merge(std::vector<cv::Mat>{mask, mask, mask, cv::Mat::zeros(mask.size(), CV_8UC1)}, other);
  expect_mask(other);
  mask.convertTo(other, CV_16U, 257);
  expect_mask(other);
}

TEST(DecodeGreyPngTest, RefusesWhatIsNoPngOrOfAnotherSize) {
  const std::string png = Encoded(Noise(CV_8UC1), ".png");
  EXPECT_THAT(
      DecodeGreyPng(png, {53, 36}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("53 x 37 pixels in place of")));
  EXPECT_THAT(DecodeGreyPng("no picture", {53, 37}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no PNG file")));
  EXPECT_THAT(DecodeGreyPng(png.substr(0, png.size() / 2), {53, 37}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot be decoded")));
  EXPECT_THAT(DecodeGreyPng("", {53, 37}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("")));
}

}  // namespace
}  // namespace m3lung
