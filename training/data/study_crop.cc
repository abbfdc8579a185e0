// SPDX-License-Identifier: Apache-2.0
#include "training/data/study_crop.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/study/study_assembler.h"

namespace m3lung {

absl::StatusOr<StudyCrop> FindStudyCrop(absl::Span<const SliceSummary> slices) {
  const AssembledStudy study = AssembleStudy(slices);
  if (study.chosen() == nullptr) return absl::FailedPreconditionError("no slice can be used");
  const ExaminedSeries& chosen = *study.chosen();
  if (WorstVerdict(study.findings) >= Verdict::kAbstained || !chosen.lungs.found) {
    std::vector<std::string> reasons;
    for (const Finding& finding : study.findings) {
      if (finding.verdict >= Verdict::kAbstained) reasons.push_back(finding.detail);
    }
    if (reasons.empty()) reasons.push_back(chosen.lungs.why_not);
    return absl::FailedPreconditionError(absl::StrJoin(reasons, "; "));
  }
  StudyCrop crop;
  crop.box = chosen.lungs.box;
  for (size_t i = 0; i < chosen.series.head_to_feet.size(); ++i) {
    if (!chosen.lungs.masks[i].empty()) crop.slices.push_back(chosen.series.head_to_feet[i]);
  }
  return crop;
}

cv::Mat CropToBox(const cv::Mat& stored, const Orientation& orientation, const cv::Rect& box,
                  int size) {
  return ResizeCrop(ToCommonOrientation(stored, orientation), box, size);
}

cv::Mat CropMaskToBox(const cv::Mat& stored, const Orientation& orientation, const cv::Rect& box,
                      int size) {
  constexpr double kFull = 256;
  cv::Mat levels, mask;
  cv::Mat(stored != 0).convertTo(levels, CV_16S, kFull / 255);
  cv::Mat(CropToBox(levels, orientation, box, size) >= kFull / 2).convertTo(mask, CV_8U, 1.0 / 255);
  return mask;
}

}  // namespace m3lung
