// SPDX-License-Identifier: Apache-2.0
// Trains the patient network on the slice network's features.
//
// Source: the paper, sections III-C and IV-A.
#ifndef M3LUNG_TRAINING_TRAINERS_PATIENT_TRAINER_H_
#define M3LUNG_TRAINING_TRAINERS_PATIENT_TRAINER_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/networks/patient_net.h"
#include "training/trainers/features.h"
#include "training/trainers/optimizer.h"
#include "training/trainers/schedule.h"
#include "training/trainers/slice_trainer.h"
#include "training/trainers/stop_signal.h"

namespace m3lung {

// Name of a run's patient network; others, of an ablation say, may stand beside it.
inline constexpr char kPatientName[] = "patient";

struct PatientTrainingOptions {
  PatientNetOptions net;
  int epochs = 90;
  Schedule schedule = {.initial = 0.001, .decay_every = 30};
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double weight_decay = 1e-4;
  int batch_size = 16;  // studies
  // Least share of a study's slices that one pass sees, the rest left out at random;
  // 1: all of them, as the paper has it.
  double least_slices = 1;
  uint64_t seed = 1;
  int threads = 0;  // 0: LibTorch's own choice
};

// Trains on the split `train` and saves into `run`, under the file names `name`.pt
// and `name`-scalars.csv, as TrainSliceNet() does. INVALID_ARGUMENT where options
// are out of range, or differ from those of a checkpoint that is there.
absl::StatusOr<TrainingEnd> TrainPatientNet(const std::vector<StudyFeatures>& studies,
                                            const PatientTrainingOptions& options,
                                            const std::filesystem::path& run,
                                            const std::string& name, const StopRequested& stop);

struct TrainedPatientNet {
  PatientNet net{nullptr};
  std::string provenance;  // how it was trained, in a line
};
// As LoadSliceNet() of a finished training.
absl::StatusOr<TrainedPatientNet> LoadPatientNet(const std::filesystem::path& run,
                                                 const std::string& name);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_PATIENT_TRAINER_H_
