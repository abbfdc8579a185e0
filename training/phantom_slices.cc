#include "training/phantom_slices.h"

#include <algorithm>

#include "opencv2/core.hpp"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/study/study_assembler.h"
#include "torch/torch.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

// Enough for the lungs to be found in their volume.
constexpr int kLeastSlices = 24;

// The study's box, as it is served; the whole image where there is none.
cv::Rect StudyBox(const Phantom& phantom) {
  std::vector<SliceSummary> summaries;
  for (size_t i = 0; i < phantom.slices.size(); ++i) {
    summaries.push_back(Summarise(static_cast<int>(i), {}, phantom.slices[i]));
  }
  const AssembledStudy study = AssembleStudy(summaries);
  const LungVolume& lungs = study.chosen()->lungs;
  return lungs.found ? lungs.box : cv::Rect({0, 0}, phantom.slices.front().hu.size());
}

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
    const int total = std::max(kLeastSlices, 2 * per_study);
    const Phantom phantom =
        MakePhantom({.label = studies[study], .seed = seed + study, .slices = total, .size = 512});
    const cv::Rect box = StudyBox(phantom);
    for (int k = 0; k < per_study; ++k) {
      const int i = total / 4 + k * total / (2 * per_study);
      const cv::Mat& hu = phantom.slices[i].hu;
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
