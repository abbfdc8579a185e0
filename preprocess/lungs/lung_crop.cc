// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_crop.h"

#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/bit_mask.h"
#include "preprocess/lungs/border_components.h"

namespace m3lung {
namespace {

constexpr int kLungBelowHu = -300;
// What is less high is no lung: the table's surface, thin skin folds.
constexpr int kLeastHeight = 8;
constexpr int kMargin = 10;

BitMask FindLung(const cv::Mat& hu) {
  BitMask mask = OpenColumns(BitMask::Below(hu, kLungBelowHu), kLeastHeight);
  DropBorderComponents(mask);  // the air around the patient
  return OpenColumns(mask, kLeastHeight);
}

}  // namespace

LungCrop CropLungPaper(const cv::Mat& hu) {
  const cv::Rect image(0, 0, hu.cols, hu.rows);
  const cv::Rect found = FindLung(hu).Bounds();
  if (found.empty()) return {.box = image, .method = std::nullopt};
  const cv::Rect with_margin(found.x - kMargin, found.y - kMargin, found.width + 2 * kMargin,
                             found.height + 2 * kMargin);
  return {.box = with_margin & image, .method = CropMode::kPaper};
}

cv::Mat LungMaskPaper(const cv::Mat& hu) { return FindLung(hu).Unpack(); }

cv::Mat ResizeCrop(const cv::Mat& hu, const cv::Rect& box, int size) {
  cv::Mat resized;
  cv::resize(hu(box), resized, cv::Size(size, size), 0, 0, cv::INTER_LINEAR);
  return resized;
}

}  // namespace m3lung
