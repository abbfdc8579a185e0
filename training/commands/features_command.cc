// SPDX-License-Identifier: Apache-2.0
// m3lung-train features: the slice network's features of whole studies.
#include <iostream>
#include <memory>
#include <string>

#include "base/machine.h"
#include "base/status_macros.h"
#include "training/commands/commands.h"
#include "training/data/prepared.h"
#include "training/trainers/features.h"

namespace m3lung {
namespace {

struct FeaturesCommandOptions {
  std::string data;
  std::string run;
  FeaturesOptions features;
};

absl::Status RunFeatures(const FeaturesCommandOptions& options) {
  M3L_ASSIGN_OR_RETURN(
      const PreparedData data,
      OpenPrepared(options.data, {Split::kTrain, Split::kValidation, Split::kTest}));
  M3L_RETURN_IF_ERROR(MakeFeatures(data, options.run, options.features, CatchStopSignals()));
  std::cout << "features of " << data.studies.size() << " studies are in " << options.run
            << "/features\n";
  return absl::OkStatus();
}

}  // namespace

void AddFeaturesCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<FeaturesCommandOptions>();
  options->features.threads = UsableProcessors();
  CLI::App* features = app.add_subcommand(
      "features", "Runs the trained slice network over whole studies, for the patient network");
  features->add_option("--data", options->data, "Folder of prepared studies")->required();
  features->add_option("--run", options->run, "Folder of the training")->required();
  features
      ->add_option("--batch-size", options->features.batch_size, "Slices, of three windows each")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  features->add_option("--device", options->features.device, "cpu, cuda or cuda:N")
      ->capture_default_str();
  features->add_option("--threads", options->features.threads, "Of one pass on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  features->footer(
      "Studies that are done are left as they are.\n"
      "Example: m3lung-train features --data=prepared --run=run\n"
      "Exit code: 0 made, 1 failed or stopped before the end, 2 used wrongly.");
  features->callback([options, chosen] { *chosen = [options] { return RunFeatures(*options); }; });
}

}  // namespace m3lung
