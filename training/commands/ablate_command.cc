// SPDX-License-Identifier: Apache-2.0
// m3lung-train ablate: what each part of the method is worth.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "training/commands/commands.h"
#include "training/commands/training_flags.h"
#include "training/trainers/ablation.h"
#include "training/trainers/net_options.h"
#include "training/trainers/slice_run.h"

namespace m3lung {
namespace {

struct AblateOptions {
  std::string data, run, out, augmentation = "paper";
  std::string table = "both";
  SliceTrainingOptions slice;
  PatientTrainingOptions patient;
  AblationOptions ablation;
};

absl::Status RunAblation(AblateOptions options) {
  const std::filesystem::path out = options.out;
  M3L_RETURN_IF_ERROR(MakeFolder(out));
  options.patient.seed = options.slice.batches.seed = options.ablation.seed;
  options.patient.threads = options.slice.threads;
  const StopRequested stop = CatchStopSignals();
  if (options.table != "slice") {
    M3L_ASSIGN_OR_RETURN(const std::vector<StudyFeatures> studies, ReadFeatures(options.run));
    M3L_ASSIGN_OR_RETURN(const TrainedSliceNet slice, LoadSliceNet(options.run));
    options.patient.net = PatientOptionsFor(slice.net->options());
    M3L_ASSIGN_OR_RETURN(
        const AblationTable table,
        AblatePatientNet(studies, options.patient, options.ablation, out / "patient", stop));
    std::cout << FormatAblation(table) << "\n";
    M3L_RETURN_IF_ERROR(WriteFile(out / "patient.md", FormatAblation(table)));
  }
  if (options.table != "patient") {
    M3L_ASSIGN_OR_RETURN(
        const PreparedData data,
        OpenPrepared(options.data, {Split::kTrain, Split::kValidation, Split::kTest}));
    options.slice.net.input_size = data.input_size;
    ApplyAugmentation(options.augmentation, options.slice);
    M3L_ASSIGN_OR_RETURN(
        const AblationTable table,
        AblateSliceNet(data, options.slice, options.ablation, out / "slice", stop));
    std::cout << FormatAblation(table) << "\n";
    M3L_RETURN_IF_ERROR(WriteFile(out / "slice.md", FormatAblation(table)));
  }
  return absl::OkStatus();
}

}  // namespace

void AddAblateCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<AblateOptions>();
  CLI::App* ablate =
      app.add_subcommand("ablate", "Trains without parts of the method: the paper's tables IV, V");
  ablate->add_option("--data", options->data, "Folder of prepared studies")->required();
  ablate->add_option("--run", options->run, "Folder of the training, with features")->required();
  ablate->add_option("--out", options->out, "Folder for tables and networks")->required();
  ablate->add_option("--table", options->table, "patient (IV), slice (V) or both")
      ->check(CLI::IsMember({"patient", "slice", "both"}))
      ->capture_default_str();
  AddSliceTrainingFlags(*ablate, "--slice-", options->slice, options->augmentation);
  AddPatientTrainingFlags(*ablate, "--patient-", options->patient);
  ablate
      ->add_option("--healthy-share-threshold", options->ablation.healthy_share_threshold,
                   "T of the assessment without parameters")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  ablate->add_option("--resamples", options->ablation.resamples, "Of the bootstrap")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  ablate->add_option("--seed", options->ablation.seed, "Of trainings and bootstrap")
      ->capture_default_str();
  AddMachineFlags(*ablate, options->slice);
  ablate->footer(
      "Table IV takes minutes; table V trains four slice networks. SIGTERM saves and ends; the\n"
      "same command goes on.\n"
      "Example: m3lung-train ablate --data=prepared --run=run --out=ablation --table=patient\n"
      "Exit code: 0 done, 1 failed or stopped before the end, 2 used wrongly.");
  ablate->callback([options, chosen] { *chosen = [options] { return RunAblation(*options); }; });
}

}  // namespace m3lung
