#include "training/phantom_slices.h"

#include "opencv2/core.hpp"
#include "preprocess/lung_crop.h"
#include "torch/torch.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

torch::Tensor ToTensor(const cv::Mat& hu) {
  return torch::from_blob(hu.data, {hu.rows, hu.cols}, {static_cast<int64_t>(hu.step1()), 1},
                          torch::kInt16)
      .clone();
}

}  // namespace

PhantomSlices MakePhantomSlices(const std::vector<Label>& studies, int per_study, int size,
                                uint64_t seed) {
  std::vector<torch::Tensor> slices, masks;
  PhantomSlices result;
  for (size_t study = 0; study < studies.size(); ++study) {
    const Phantom phantom = MakePhantom(
        {.label = studies[study], .seed = seed + study, .slices = 2 * per_study, .size = 512});
    for (int i = per_study / 2; i < per_study / 2 + per_study; ++i) {
      const cv::Mat& hu = phantom.slices[i].hu;
      const cv::Rect box = CropLungPaper(hu).box;
      slices.push_back(ToTensor(ResizeCrop(hu, box, size)));
      cv::Mat lesion;
      phantom.lesion_masks[i].convertTo(lesion, CV_16S);
      masks.push_back(ToTensor(ResizeCrop(lesion, box, size)) > 127);
      result.labels.push_back(studies[study]);
    }
  }
  result.hu = torch::stack(slices);
  result.lesion_masks = torch::stack(masks);
  return result;
}

}  // namespace m3lung
