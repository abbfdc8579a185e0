// SPDX-License-Identifier: Apache-2.0
#include "training/phantom_slices.h"

#include <algorithm>

#include "opencv2/core.hpp"
#include "preprocess/study/pipeline.h"
#include "torch/torch.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

// Enough for the lungs to be found in their volume.
constexpr int kLeastSlices = 24;

// The study's slices as the pipeline takes them.
std::vector<StudySlice> SlicesOf(const Phantom& phantom) {
  std::vector<StudySlice> slices;
  slices.reserve(phantom.slices.size());
  for (size_t i = 0; i < phantom.slices.size(); ++i) {
    slices.push_back(ToStudySlice(static_cast<int>(i), {}, phantom.slices[i]));
  }
  return slices;
}

// The study's box, as it is served; the whole image where there is none.
cv::Rect StudyBox(const std::vector<StudySlice>& slices) {
  std::vector<SliceSummary> summaries;
  summaries.reserve(slices.size());
  for (const StudySlice& slice : slices) summaries.push_back(slice.summary);
  const absl::StatusOr<StudyPlan> plan = PlanStudy(summaries);
  return plan.ok() ? plan->box : cv::Rect({0, 0}, slices.front().hu.size());
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
    std::vector<StudySlice> whole = SlicesOf(phantom);
    const cv::Rect box = StudyBox(whole);
    for (int k = 0; k < per_study; ++k) {
      const int i = total / 4 + k * total / (2 * per_study);
      StudySlice& slice = whole[i];
      MakeNetworkInput(box, size, slice);
      slices.push_back(ToTensor(cv::Mat(size, size, CV_16SC1, slice.input.data())));
      cv::Mat lesion;
      MaskOfInput(phantom.lesion_masks[i], slice.summary.orientation, box, size)
          .convertTo(lesion, CV_16S);
      masks.push_back(ToTensor(lesion) > 0);
      result.labels.push_back(studies[study]);
    }
  }
  result.hu = torch::stack(slices);
  result.lesion_masks = torch::stack(masks);
  return result;
}

std::vector<HuPixels> GoldenSlices(int size, uint64_t seed) {
  const PhantomSlices phantoms = MakePhantomSlices({Label::kHealthy, Label::kCap}, 1, size, seed);
  std::vector<HuPixels> golden;
  for (const torch::Tensor& slice : phantoms.hu.unbind()) {
    const torch::Tensor pixels = slice.contiguous();
    golden.emplace_back(pixels.const_data_ptr<int16_t>(),
                        pixels.const_data_ptr<int16_t>() + pixels.numel());
  }
  return golden;
}

}  // namespace m3lung
