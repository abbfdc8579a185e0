// SPDX-License-Identifier: Apache-2.0
// Scores prepared studies as the server would, for an evaluation.
#ifndef M3LUNG_TRAINING_EVALUATION_SCORE_STUDIES_H_
#define M3LUNG_TRAINING_EVALUATION_SCORE_STUDIES_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/answers/assessment.h"
#include "model/answers/lesion_threshold.h"
#include "model/engine/inference.h"
#include "training/data/prepared.h"
#include "training/evaluation/evaluation.h"
#include "training/evaluation/predictions.h"

namespace m3lung {

struct ScoreOptions {
  int batch = 16;                                          // slices that are scored together
  float healthy_share_threshold = kHealthyShareThreshold;  // T of the assessment without parameters
  // A slice of a greater lesion probability is called one with a lesion, as the slice
  // network itself does when it chooses what its map shows.
  float lesion_threshold = kLesionThreshold;
};

struct ScoredStudies {
  Predictions predictions;
  std::optional<MapResults> maps;  // where a study has masks
};

// Called after each batch, with the slices done and all there are.
using ScoreProgress = std::function<void(int64_t done, int64_t all)>;

// Every slice through the slice network, every study's features through the patient
// network; maps against the masks where there are any. INVALID_ARGUMENT where a study
// has no slices, or the wrong size for the runner; else the runner's own errors.
absl::StatusOr<ScoredStudies> ScoreStudies(InferenceRunner& runner,
                                           absl::Span<const PreparedStudy> studies,
                                           const ScoreOptions& options,
                                           const ScoreProgress& progress);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_SCORE_STUDIES_H_
