// SPDX-License-Identifier: Apache-2.0
// Flags that several subcommands share.
#ifndef M3LUNG_TRAINING_COMMANDS_TRAINING_FLAGS_H_
#define M3LUNG_TRAINING_COMMANDS_TRAINING_FLAGS_H_

#include "CLI/CLI.hpp"
#include "training/trainers/patient_trainer.h"
#include "training/trainers/slice_trainer.h"

namespace m3lung {

// Everything about the slice network's training but data, run and network variants.
// `prefix` stands before each flag's name: "--" or "--slice-". `augmentation` takes
// "paper" or "strong"; ApplyAugmentation() makes it so.
void AddSliceTrainingFlags(CLI::App& command, const std::string& prefix,
                           SliceTrainingOptions& training, std::string& augmentation);
void ApplyAugmentation(const std::string& augmentation, SliceTrainingOptions& training);

// Likewise for the patient network's.
void AddPatientTrainingFlags(CLI::App& command, const std::string& prefix,
                             PatientTrainingOptions& training);

// --device, --precision and --threads of the training.
void AddMachineFlags(CLI::App& command, SliceTrainingOptions& training);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COMMANDS_TRAINING_FLAGS_H_
