// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/pipeline.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "opencv2/core.hpp"
#include "preprocess/orientation.h"
#include "preprocess/study/study_assembler.h"

namespace m3lung {
namespace {

// The stored image's part in `box`, resized, in the common orientation.
cv::Mat PartOf(const cv::Mat& stored, const cv::Rect& box, const Orientation& orientation,
               int size) {
  const cv::Mat part = ToCommonOrientation(stored(box), orientation);
  return ResizeCrop(part, cv::Rect({0, 0}, part.size()), size);
}

void MakeInputOfBox(int input_size, StudySlice& slice) {
  const cv::Mat input = PartOf(slice.hu, slice.box, slice.summary.orientation, input_size);
  slice.input.assign(input.begin<int16_t>(), input.end<int16_t>());
  slice.hu.release();
}

}  // namespace

absl::StatusOr<std::vector<StudySlice>> ReadInstance(int instance, absl::string_view dicom,
                                                     const DecodeLimits& limits) {
  M3L_ASSIGN_OR_RETURN(DecodedInstance decoded, DecodeInstance(dicom, limits));
  std::vector<StudySlice> slices;
  slices.reserve(decoded.slices.size());
  for (size_t i = 0; i < decoded.slices.size(); ++i) {
    slices.push_back(
        ToStudySlice(instance, decoded.frame_headers[i], std::move(decoded.slices[i])));
  }
  return slices;
}

StudySlice ToStudySlice(int instance, const InstanceHeader& header, HuSlice slice) {
  StudySlice made;
  made.summary = Summarise(instance, header, slice);
  made.warnings = std::move(slice.warnings);
  made.hu = std::move(slice.hu);
  made.box = cv::Rect({0, 0}, made.hu.size());
  return made;
}

absl::StatusOr<StudyPlan> PlanStudy(absl::Span<const SliceSummary> slices) {
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
  StudyPlan plan;
  plan.box = chosen.lungs.box;
  for (size_t i = 0; i < chosen.series.head_to_feet.size(); ++i) {
    if (!chosen.lungs.masks[i].empty()) plan.slices.push_back(chosen.series.head_to_feet[i]);
  }
  return plan;
}

void MakeNetworkInput(const cv::Rect& common_box, int input_size, StudySlice& slice) {
  slice.box = FromCommonOrientation(common_box, slice.summary.size, slice.summary.orientation);
  slice.method = CropMode::kVolume;
  MakeInputOfBox(input_size, slice);
}

void MakeNetworkInputByPaper(int input_size, StudySlice& slice) {
  const LungCrop crop = CropLungPaper(slice.hu);
  slice.box = crop.box;
  slice.method = crop.method;
  MakeInputOfBox(input_size, slice);
}

cv::Mat MaskOfInput(const cv::Mat& stored, const Orientation& orientation,
                    const cv::Rect& common_box, int input_size) {
  constexpr double kFull = 256;
  cv::Mat levels, mask;
  cv::Mat(stored != 0).convertTo(levels, CV_16S, kFull / 255);
  const cv::Rect box = FromCommonOrientation(common_box, stored.size(), orientation);
  cv::Mat(PartOf(levels, box, orientation, input_size) >= kFull / 2)
      .convertTo(mask, CV_8U, 1.0 / 255);
  return mask;
}

}  // namespace m3lung
