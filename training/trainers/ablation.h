// SPDX-License-Identifier: Apache-2.0
// The paper's tables IV and V on a data set of one's own: what each part of the two
// networks is worth.
#ifndef M3LUNG_TRAINING_TRAINERS_ABLATION_H_
#define M3LUNG_TRAINING_TRAINERS_ABLATION_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers/assessment.h"
#include "training/data/prepared.h"
#include "training/evaluation/evaluation.h"
#include "training/trainers/features.h"
#include "training/trainers/patient_trainer.h"
#include "training/trainers/slice_trainer.h"
#include "training/trainers/stop_signal.h"

namespace m3lung {

struct AblationRow {
  std::string name;
  MethodEvaluation evaluation;    // on the studies of split `test`
  std::optional<double> p_value;  // that it is as accurate as the last row; none for that
};

// The last row is the whole method.
struct AblationTable {
  std::string title;
  int studies = 0;  // that the rows are of
  std::vector<AblationRow> rows;
};

struct AblationOptions {
  float healthy_share_threshold = kHealthyShareThreshold;  // T of the assessment without parameters
  int resamples = 1000;
  uint64_t seed = 1;
};

// Table IV: the assessment without parameters, and four patient networks trained on
// the same features with `training` (its `net` gives the sizes), kept in `folder`.
// CANCELLED where `stop` ended it; what is trained is not trained again.
absl::StatusOr<AblationTable> AblatePatientNet(const std::vector<StudyFeatures>& studies,
                                               const PatientTrainingOptions& training,
                                               const AblationOptions& options,
                                               const std::filesystem::path& folder,
                                               const StopRequested& stop);

// Table V: four slice networks trained with `training`, from a plain ResNet-50 to
// the whole one, each judged by the assessment without parameters, as in the paper.
absl::StatusOr<AblationTable> AblateSliceNet(const PreparedData& data,
                                             const SliceTrainingOptions& training,
                                             const AblationOptions& options,
                                             const std::filesystem::path& folder,
                                             const StopRequested& stop);

// As Markdown, in the paper's columns: accuracy with its interval and p-value, FPE,
// FNE and FDPE in percent.
std::string FormatAblation(const AblationTable& table);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_ABLATION_H_
