// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/score_studies.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/answers/assessment.h"
#include "opencv2/core.hpp"
#include "torch/types.h"

namespace m3lung {
namespace {

absl::Status Check(const PreparedStudy& study, int input_size) {
  const auto slices = static_cast<int64_t>(study.slices.size());
  if (slices == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("study \"", study.name, "\" has no slice that shows lung; take it out"));
  }
  if (study.hu.dim() != 3 || study.hu.size(0) != slices || study.hu.size(1) != input_size ||
      study.hu.size(2) != input_size || study.hu.scalar_type() != torch::kInt16 ||
      !study.hu.is_contiguous()) {
    return absl::InvalidArgumentError(
        absl::StrCat("study \"", study.name, "\" was not prepared for slices of ", input_size,
                     " x ", input_size, " pixels, as the model takes them"));
  }
  return absl::OkStatus();
}

// A slice's mask as OpenCV sees it, without a copy; empty where it shows no lesion or
// nothing is known.
cv::Mat LesionMask(const PreparedStudy& study, int64_t slice) {
  if (!study.lesion_masks.defined()) return {};
  const torch::Tensor mask = study.lesion_masks[slice];
  cv::Mat view(static_cast<int>(mask.size(0)), static_cast<int>(mask.size(1)), CV_8UC1,
               mask.data_ptr<uint8_t>());
  return cv::countNonZero(view) > 0 ? view : cv::Mat();
}

// One study after the other.
class Scorer {
 public:
  Scorer(InferenceRunner& runner, const ScoreOptions& options, int64_t all,
         const ScoreProgress& progress)
      : runner_(runner), options_(options), all_(all), progress_(progress) {}

  absl::Status Add(const PreparedStudy& study) {
    M3L_RETURN_IF_ERROR(Check(study, runner_.input_size()));
    const auto index = static_cast<int>(predictions_.studies.size());
    masks_known_ = masks_known_ || study.lesion_masks.defined();
    features_.clear();
    probabilities_.clear();
    const auto slices = static_cast<int64_t>(study.slices.size());
    for (int64_t first = 0; first < slices; first += options_.batch) {
      M3L_RETURN_IF_ERROR(
          AddBatch(study, index, first, std::min<int64_t>(first + options_.batch, slices)));
    }
    StudyPrediction& prediction = predictions_.studies.emplace_back();
    prediction.name = study.name;
    prediction.truth = study.label;
    prediction.patient = study.patient;
    prediction.lungs = study.lungs;
    prediction.non_parametric =
        AssessWithoutParameters(probabilities_, options_.healthy_share_threshold).label;
    std::vector<const std::vector<float>*> features;
    for (const std::vector<float>& one : features_) features.push_back(&one);
    M3L_ASSIGN_OR_RETURN(prediction.probabilities, runner_.AssessPatient(features));
    return absl::OkStatus();
  }

  ScoredStudies Take() {
    ScoredStudies scored;
    scored.predictions = std::move(predictions_);
    if (masks_known_) scored.maps = std::move(maps_);
    return scored;
  }

 private:
  absl::Status AddBatch(const PreparedStudy& study, int index, int64_t first, int64_t end) {
    std::vector<const int16_t*> pixels;
    for (int64_t i = first; i < end; ++i) {
      pixels.push_back(study.hu.const_data_ptr<int16_t>() + i * study.hu.stride(0));
    }
    M3L_ASSIGN_OR_RETURN(std::vector<SliceScores> scores, runner_.ScoreSlices(pixels));
    for (int64_t i = first; i < end; ++i) {
      const PreparedSlice& slice = study.slices[static_cast<size_t>(i)];
      SliceScores& score = scores[static_cast<size_t>(i - first)];
      predictions_.slices.push_back({index, slice.file, slice.position_mm, slice.lesion,
                                     score.probabilities, score.lesion_probability});
      if (const cv::Mat mask = LesionMask(study, i); !mask.empty()) {
        ++maps_.lesion_slices;
        if (score.lesion_probability > options_.lesion_threshold) {
          maps_.mapped.push_back(ScoreMap(score.map, mask, index));
        }
      }
      probabilities_.push_back(score.probabilities);
      features_.push_back(std::move(score.features));
    }
    done_ += end - first;
    if (progress_) progress_(done_, all_);
    return absl::OkStatus();
  }

  InferenceRunner& runner_;
  const ScoreOptions options_;
  const int64_t all_;
  const ScoreProgress& progress_;

  Predictions predictions_;
  MapResults maps_;
  bool masks_known_ = false;  // of any study
  int64_t done_ = 0;
  // Of the study's slices so far.
  std::vector<std::vector<float>> features_;
  std::vector<ClassProbabilities> probabilities_;
};

}  // namespace

absl::StatusOr<ScoredStudies> ScoreStudies(InferenceRunner& runner,
                                           absl::Span<const PreparedStudy> studies,
                                           const ScoreOptions& options,
                                           const ScoreProgress& progress) {
  if (options.batch < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the batch must be positive; was ", options.batch));
  }
  int64_t all = 0;
  for (const PreparedStudy& study : studies) all += static_cast<int64_t>(study.slices.size());
  Scorer scorer(runner, options, all, progress);
  for (const PreparedStudy& study : studies) M3L_RETURN_IF_ERROR(scorer.Add(study));
  return scorer.Take();
}

}  // namespace m3lung
