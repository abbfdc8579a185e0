// SPDX-License-Identifier: Apache-2.0
// m3lung-train patient: trains the patient network.
#include <iostream>
#include <memory>
#include <string>

#include "base/machine.h"
#include "base/status_macros.h"
#include "training/commands/commands.h"
#include "training/commands/training_flags.h"
#include "training/trainers/features.h"
#include "training/trainers/net_options.h"
#include "training/trainers/patient_trainer.h"
#include "training/trainers/slice_run.h"

namespace m3lung {
namespace {

struct PatientCommandOptions {
  std::string run;
  PatientTrainingOptions training;
};

absl::Status RunPatient(PatientCommandOptions options) {
  M3L_ASSIGN_OR_RETURN(const std::vector<StudyFeatures> studies, ReadFeatures(options.run));
  M3L_ASSIGN_OR_RETURN(const TrainedSliceNet slice, LoadSliceNet(options.run));
  options.training.net = PatientOptionsFor(slice.net->options());
  M3L_ASSIGN_OR_RETURN(
      const TrainingEnd end,
      TrainPatientNet(studies, options.training, options.run, kPatientName, CatchStopSignals()));
  if (end == TrainingEnd::kStopped) {
    return absl::CancelledError("stopped and saved; run it again to go on");
  }
  std::cout << "trained the patient network: " << options.run << "/" << kPatientName
            << ".pt, its course in " << kPatientName << "-scalars.csv\n";
  return absl::OkStatus();
}

}  // namespace

void AddPatientCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<PatientCommandOptions>();
  PatientTrainingOptions& training = options->training;
  training.threads = UsableProcessors();
  CLI::App* patient =
      app.add_subcommand("patient", "Trains the patient network on the slice network's features");
  patient->add_option("--run", options->run, "Folder of the training; goes on with what is there")
      ->required();
  AddPatientTrainingFlags(*patient, "--", training);
  patient->add_option("--seed", training.seed, "Of weights and order")->capture_default_str();
  patient->add_option("--threads", training.threads, "Of one step")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  patient->footer(
      "Epochs, rate, decay and batch are the paper's; it does not name the optimizer.\n"
      "Example: m3lung-train patient --run=run\n"
      "Exit code: 0 trained, 1 failed or stopped before the end, 2 used wrongly.");
  patient->callback([options, chosen] { *chosen = [options] { return RunPatient(*options); }; });
}

}  // namespace m3lung
