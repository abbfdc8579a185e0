#include "preprocess/lung_crop.h"

#include <vector>

#include "opencv2/imgproc.hpp"

namespace m3lung {
namespace {

constexpr int kLungBelowHu = -300;
constexpr int kMargin = 10;

// Removes what is under 8 pixels high: the table's surface, thin skin folds.
cv::Mat Open(const cv::Mat& mask) {
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_RECT, cv::Size(1, 8));
  cv::Mat opened;
  cv::morphologyEx(mask, opened, cv::MORPH_OPEN, element);
  return opened;
}

// `mask` without the 8-connected components that touch the image's border: the
// air around the patient.
cv::Mat DropBorderComponents(const cv::Mat& mask) {
  cv::Mat labels, stats, centroids;
  const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 8, CV_32S);
  std::vector<uchar> keep(count, 255);
  keep[0] = 0;  // the background
  for (int i = 1; i < count; ++i) {
    const int* s = stats.ptr<int>(i);
    const int left = s[cv::CC_STAT_LEFT], top = s[cv::CC_STAT_TOP];
    if (left == 0 || top == 0 || left + s[cv::CC_STAT_WIDTH] == mask.cols ||
        top + s[cv::CC_STAT_HEIGHT] == mask.rows) {
      keep[i] = 0;
    }
  }
  cv::Mat kept(mask.size(), CV_8UC1);
  for (int y = 0; y < mask.rows; ++y) {
    const int* label = labels.ptr<int>(y);
    uchar* out = kept.ptr<uchar>(y);
    for (int x = 0; x < mask.cols; ++x) out[x] = keep[label[x]];
  }
  return kept;
}

}  // namespace

LungCrop CropLungPaper(const cv::Mat& hu) {
  const cv::Rect image(0, 0, hu.cols, hu.rows);
  LungCrop crop;
  cv::compare(hu, cv::Scalar(kLungBelowHu), crop.mask, cv::CMP_LT);
  crop.mask = Open(DropBorderComponents(Open(crop.mask)));
  const cv::Rect found = cv::boundingRect(crop.mask);  // empty where no pixel is set
  if (found.empty()) {
    crop.box = image;
    crop.method = CropMethod::kNone;
  } else {
    crop.box = cv::Rect(found.x - kMargin, found.y - kMargin, found.width + 2 * kMargin,
                        found.height + 2 * kMargin) &
               image;
    crop.method = CropMethod::kPaper;
  }
  return crop;
}

cv::Mat ResizeCrop(const cv::Mat& hu, const cv::Rect& box, int size) {
  cv::Mat resized;
  cv::resize(hu(box), resized, cv::Size(size, size), 0, 0, cv::INTER_LINEAR);
  return resized;
}

}  // namespace m3lung
