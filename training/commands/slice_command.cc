// SPDX-License-Identifier: Apache-2.0
// m3lung-train slice: trains the slice network.
#include <iostream>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "training/commands/commands.h"
#include "training/commands/training_flags.h"
#include "training/data/prepared.h"
#include "training/trainers/slice_run.h"
#include "training/trainers/slice_trainer.h"

namespace m3lung {
namespace {

struct SliceCommandOptions {
  std::string data;
  std::string run;
  std::string augmentation = "paper";
  SliceTrainingOptions training;
};

absl::Status RunSlice(SliceCommandOptions options) {
  M3L_ASSIGN_OR_RETURN(const PreparedData data,
                       OpenPrepared(options.data, {Split::kTrain, Split::kValidation}));
  options.training.net.input_size = data.input_size;
  ApplyAugmentation(options.augmentation, options.training);
  M3L_ASSIGN_OR_RETURN(const TrainingEnd end,
                       TrainSliceNet(data, options.training, options.run, CatchStopSignals()));
  if (end == TrainingEnd::kStopped) {
    return absl::CancelledError("stopped and saved; run it again to go on");
  }
  std::cout << "trained the slice network: " << options.run << "/" << kSliceCheckpoint
            << ", its course in " << kSliceScalars << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddSliceCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<SliceCommandOptions>();
  SliceTrainingOptions& training = options->training;
  CLI::App* slice = app.add_subcommand("slice", "Trains the slice network on prepared studies");
  slice->add_option("--data", options->data, "Folder of prepared studies")->required();
  slice->add_option("--run", options->run, "Folder of the training; goes on with what is there")
      ->required();
  AddSliceTrainingFlags(*slice, "--", training, options->augmentation);
  slice->add_flag("!--no-multi-task", training.net.multi_task,
                  "Without the lesion classifier (needs --no-attention)");
  slice->add_flag("!--no-attention", training.net.attention, "Without the location map");
  slice->add_flag("!--no-coordinates", training.net.coordinates, "Without the coordinate maps");
  slice->add_option("--seed", training.batches.seed, "Of weights, order and augmentation")
      ->capture_default_str();
  AddMachineFlags(*slice, training);
  slice->footer(
      "The defaults are the paper's. SIGTERM saves and ends; the same command goes on, to the "
      "same\n"
      "result.\n"
      "Example: m3lung-train slice --data=prepared --run=run --base-width=16\n"
      "Exit code: 0 trained, 1 failed or stopped before the end, 2 used wrongly.");
  slice->callback([options, chosen] { *chosen = [options] { return RunSlice(*options); }; });
}

}  // namespace m3lung
