// SPDX-License-Identifier: Apache-2.0
// m3lung-train export: a finished training as a model bundle.
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "base/machine.h"
#include "base/output_checks.h"
#include "base/status_macros.h"
#include "torch/torch.h"
#include "training/commands/commands.h"
#include "training/phantom_slices.h"
#include "training/trainers/run_export.h"

namespace m3lung {
namespace {

// Of the golden input's synthetic studies.
constexpr uint64_t kGoldenSeed = 1;

absl::Status RunTheExport(const RunExportOptions& options) {
  M3L_RETURN_IF_ERROR(CheckOutputFolder(options.models / options.name));
  torch::set_num_threads(UsableProcessors());
  M3L_ASSIGN_OR_RETURN(const ExportedRun exported, ExportRun(options));
  std::cout << "wrote " << exported.folder.string()
            << absl::StrFormat(" (temperature of the patient network %.3f)\n",
                               exported.patient_temperature);
  return absl::OkStatus();
}

}  // namespace

void AddExportCommand(CLI::App& app, Command* chosen) {
  static const auto* const origins = new std::map<std::string, WeightsOrigin>{
      {"synthetic", WeightsOrigin::kSyntheticData},
      {"mixed", WeightsOrigin::kMixedData},
      {"real", WeightsOrigin::kRealData},
  };
  auto options = std::make_shared<RunExportOptions>();
  options->golden_slices = [](int input_size) { return GoldenSlices(input_size, kGoldenSeed); };
  CLI::App* command = app.add_subcommand("export", "Writes a finished training as a model bundle");
  command->add_option("--run", options->run, "Folder of the training")->required();
  command->add_option("--out", options->models, "Folder of bundles; writes OUT/NAME/VERSION/")
      ->required();
  command->add_option("--name", options->name, "Name of the bundle")->required();
  command->add_option("--version", options->version, "Version of the bundle")
      ->capture_default_str();
  command->add_option("--origin", options->origin, "What the studies were: synthetic, mixed, real")
      ->required()
      ->transform(CLI::CheckedTransformer(*origins))
      ->type_name("ORIGIN");
  command
      ->add_option("--training-data", options->training_data,
                   "The same in words, which every answer and report repeats")
      ->required();
  command
      ->add_option("--healthy-share-threshold", options->healthy_share_threshold,
                   "T of the assessment without parameters")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--overwrite", options->overwrite, "Put it in the place of one that is there");
  command->footer(
      "Example: m3lung-train export --run=run --out=models --name=mine --origin=synthetic "
      "--training-data='240 synthetic studies'\n"
      "Exit code: 0 written, 1 failed, 2 used wrongly.");
  command->callback([options, chosen] { *chosen = [options] { return RunTheExport(*options); }; });
}

}  // namespace m3lung
