// SPDX-License-Identifier: Apache-2.0
// What a model says of studies whose truth is known: all that an evaluation needs.
#ifndef M3LUNG_TRAINING_EVALUATION_PREDICTIONS_H_
#define M3LUNG_TRAINING_EVALUATION_PREDICTIONS_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/engine/inference.h"
#include "training/data/lungs.h"

namespace m3lung {

struct StudyPrediction {
  std::string name;  // unique
  Label truth = Label::kHealthy;
  ClassProbabilities probabilities = {};  // of the patient network
  std::optional<Label> non_parametric;    // the assessment without parameters, where it was made
  std::string patient = {};               // whose study it is; empty: nobody else's
  std::optional<Lungs> lungs = {};        // where it is stated
};

struct SlicePrediction {
  int study = 0;  // index into Predictions::studies
  std::string file;
  double position_mm = 0;      // along the slice normal, larger is nearer to the head
  std::optional<bool> lesion;  // the truth, where it is known
  ClassProbabilities probabilities = {};
  float lesion_probability = 0;
};

struct Predictions {
  std::vector<StudyPrediction> studies;
  std::vector<SlicePrediction> slices;  // none for a model that looks at whole studies
};

// Two tables, with every digit of the numbers:
//   FOLDER/studies.csv   study,label,HEALTHY,COVID_19,H1N1,CAP,non_parametric,patient,lungs
//   FOLDER/slices.csv    study,file,position_mm,lesion,HEALTHY,COVID_19,H1N1,CAP,lesion_probability
// `label` is the truth, the four columns named by class are probabilities, `lesion`
// is 1, 0 or, where it is not known, empty. Makes the folder.
absl::Status WritePredictions(const Predictions& predictions, const std::filesystem::path& folder);

// Reads the same; slices.csv and the columns non_parametric, patient and lungs may be missing,
// so that other programs' results can be evaluated. INVALID_ARGUMENT names the file, the
// line and what is wrong; NOT_FOUND where there is no studies.csv.
absl::StatusOr<Predictions> ReadPredictions(const std::filesystem::path& folder);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_PREDICTIONS_H_
