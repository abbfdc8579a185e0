// SPDX-License-Identifier: Apache-2.0
#include "training/commands/training_flags.h"

#include "base/machine.h"

namespace m3lung {
namespace {

void AddScheduleFlags(CLI::App& command, const std::string& prefix, int& epochs,
                      Schedule& schedule) {
  command.add_option(prefix + "epochs", epochs, "Epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option(prefix + "learning-rate", schedule.initial, "Of the beginning")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option(prefix + "schedule", schedule.kind,
                  "step: times 0.1 every so many epochs; linear: falls to 0")
      ->check(CLI::IsMember({"step", "linear"}))
      ->capture_default_str();
  command.add_option(prefix + "decay-every", schedule.decay_every, "Epochs of a step")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option(prefix + "warm-up", schedule.warm_up, "Epochs over which the rate rises from 0")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace

void AddSliceTrainingFlags(CLI::App& command, const std::string& prefix,
                           SliceTrainingOptions& training, std::string& augmentation) {
  command
      .add_option(prefix + "base-width", training.net.base_width,
                  "Channels of the first convolution; 64 is the paper's ResNet-50")
      ->capture_default_str();
  command.add_option(prefix + "blocks", training.net.blocks, "Bottlenecks of the four ResBlocks")
      ->delimiter(',')
      ->capture_default_str();
  AddScheduleFlags(command, prefix, training.epochs, training.schedule);
  command.add_option(prefix + "weight-decay", training.weight_decay, "Of the weights")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option(prefix + "batch-size", training.batches.size, "Slices")
      ->check(CLI::Range(2, 4096))
      ->capture_default_str();
  command
      .add_option(prefix + "images-per-epoch", training.batches.images_per_epoch,
                  "Slices of an epoch, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag(prefix + "balanced", training.batches.balanced,
                   "As many slices of each class, whatever their numbers");
  command
      .add_option(prefix + "mask-weight", training.mask_weight,
                  "Of a loss that says where the lesions are, from the truth's masks; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option(
          prefix + "part", training.batches.part,
          "Pixels of square parts of slices to train on, about the truth's lesions; 0: whole")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option(prefix + "augmentation", augmentation,
                  "paper: flips and window centres; strong: also turns, sizes, warps, noise, blur,"
                  " bowel, uneven lungs")
      ->check(CLI::IsMember({"paper", "strong"}))
      ->capture_default_str();
  command
      .add_option(prefix + "initial-weights", training.initial_weights,
                  "State dict of torchvision's ResNet-50, saved as a plain dict")
      ->check(CLI::ExistingFile);
  command
      .add_option(prefix + "start-from", training.start_from,
                  "Folder of another training whose network this one begins with")
      ->check(CLI::ExistingDirectory);
}

void ApplyAugmentation(const std::string& augmentation, SliceTrainingOptions& training) {
  if (augmentation == "strong") training.batches.augmentation = StrongAugmentation();
}

void AddPatientTrainingFlags(CLI::App& command, const std::string& prefix,
                             PatientTrainingOptions& training) {
  AddScheduleFlags(command, prefix, training.epochs, training.schedule);
  command.add_option(prefix + "optimizer", training.optimizer, "adam or sgd")
      ->check(CLI::IsMember({"adam", "sgd"}))
      ->capture_default_str();
  command.add_option(prefix + "weight-decay", training.weight_decay, "Of the weights")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option(prefix + "batch-size", training.batch_size, "Studies")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      .add_option(prefix + "least-slices", training.least_slices,
                  "Least share of a study's slices in one pass, the others left out at random")
      ->check(CLI::Range(0.05, 1.0))
      ->capture_default_str();
}

void AddMachineFlags(CLI::App& command, SliceTrainingOptions& training) {
  training.threads = UsableProcessors();
  training.precision = "auto";
  command.add_option("--device", training.device, "cpu, cuda or cuda:N")->capture_default_str();
  command
      .add_option("--precision", training.precision,
                  "fp32, bf16 (mixed), or auto: bf16 where the device gains by it")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str();
  command.add_option("--threads", training.threads, "Of one step on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

}  // namespace m3lung
