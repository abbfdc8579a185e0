// m3lung-train slice: trains the slice network.
#include <iostream>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "training/commands/commands.h"
#include "training/data/prepared.h"
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
  if (options.augmentation == "strong") {
    options.training.batches.augmentation = StrongAugmentation();
  }
  M3L_ASSIGN_OR_RETURN(const TrainingEnd end,
                       TrainSliceNet(data, options.training, options.run, CatchStopSignals()));
  if (end == TrainingEnd::kStopped) {
    return absl::CancelledError("stopped and saved; run it again to go on");
  }
  std::cout << "trained the slice network: " << options.run << "/" << kSliceCheckpoint
            << ", its course in " << kSliceScalars << "\n";
  return absl::OkStatus();
}

void AddNetOptions(CLI::App& command, SliceNetOptions& net) {
  command
      .add_option("--base-width", net.base_width,
                  "Channels of the first convolution; 64 is the paper's ResNet-50")
      ->capture_default_str();
  command.add_option("--blocks", net.blocks, "Bottlenecks of the four ResBlocks")
      ->capture_default_str();
  command.add_flag("!--no-multi-task", net.multi_task,
                   "Without the lesion classifier (needs --no-attention)");
  command.add_flag("!--no-attention", net.attention, "Without the location map");
  command.add_flag("!--no-coordinates", net.coordinates, "Without the coordinate maps");
}

void AddRateOptions(CLI::App& command, SliceTrainingOptions& training) {
  command.add_option("--epochs", training.epochs, "Epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--learning-rate", training.schedule.initial, "Of the beginning")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--schedule", training.schedule.kind,
                  "step: times 0.1 every --decay-every epochs; linear: falls to 0")
      ->check(CLI::IsMember({"step", "linear"}))
      ->capture_default_str();
  command.add_option("--decay-every", training.schedule.decay_every, "Epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--weight-decay", training.weight_decay)->capture_default_str();
}

}  // namespace

void AddSliceCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<SliceCommandOptions>();
  SliceTrainingOptions& training = options->training;
  training.threads = UsableProcessors();
  training.precision = "auto";
  CLI::App* slice = app.add_subcommand("slice", "Trains the slice network on prepared studies");
  slice->add_option("--data", options->data, "Folder of prepared studies")->required();
  slice->add_option("--run", options->run, "Folder of the training; goes on with what is there")
      ->required();
  AddNetOptions(*slice, training.net);
  AddRateOptions(*slice, training);
  slice->add_option("--batch-size", training.batches.size, "Slices")
      ->check(CLI::Range(2, 4096))
      ->capture_default_str();
  slice
      ->add_option("--images-per-epoch", training.batches.images_per_epoch,
                   "Slices of an epoch, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  slice
      ->add_option("--augmentation", options->augmentation,
                   "paper: flips and window centres; strong: also turns, sizes, noise, blur")
      ->check(CLI::IsMember({"paper", "strong"}))
      ->capture_default_str();
  slice
      ->add_option("--initial-weights", training.initial_weights,
                   "State dict of torchvision's ResNet-50, as torch.save() writes it")
      ->check(CLI::ExistingFile);
  slice->add_option("--seed", training.batches.seed, "Of weights, order and augmentation")
      ->capture_default_str();
  slice->add_option("--device", training.device, "cpu, cuda or cuda:N")->capture_default_str();
  slice
      ->add_option("--precision", training.precision,
                   "fp32, bf16 (mixed), or auto: bf16 where the device gains by it")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str();
  slice->add_option("--threads", training.threads, "Of one step on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  slice->footer(
      "The defaults are the paper's. SIGTERM saves and ends; the same command goes on, to the "
      "same\n"
      "result.\n"
      "Example: m3lung-train slice --data=prepared --run=run --base-width=16\n"
      "Exit code: 0 trained, 1 failed or stopped before the end, 2 used wrongly.");
  slice->callback([options, chosen] { *chosen = [options] { return RunSlice(*options); }; });
}

}  // namespace m3lung
