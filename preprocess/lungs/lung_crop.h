// SPDX-License-Identifier: Apache-2.0
// The part of a slice that the networks see.
#ifndef M3LUNG_PREPROCESS_LUNGS_LUNG_CROP_H_
#define M3LUNG_PREPROCESS_LUNGS_LUNG_CROP_H_

#include <optional>

#include "opencv2/core/mat.hpp"
#include "preprocess/crop_mode.h"

namespace m3lung {

struct LungCrop {
  cv::Rect box;                    // pixels of the source image, never empty
  std::optional<CropMode> method;  // nothing where no lung was found: the box is the whole image
};

// The paper's six steps on one slice. `hu` is rows x columns, CV_16SC1, not empty.
// The results are OpenCV's for the same steps, bit for bit (docs/adr/0003-decoding.md).
LungCrop CropLungPaper(const cv::Mat& hu);

// The mask that CropLungPaper() puts its box around: rows x columns, CV_8UC1, 255
// where lung was found.
cv::Mat LungMaskPaper(const cv::Mat& hu);

// The box's part of `hu`, resized bilinearly to `size` x `size`, CV_16SC1.
cv::Mat ResizeCrop(const cv::Mat& hu, const cv::Rect& box, int size);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_LUNG_CROP_H_
