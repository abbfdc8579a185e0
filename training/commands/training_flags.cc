// SPDX-License-Identifier: Apache-2.0
#include "training/commands/training_flags.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/machine.h"
#include "model/bundle/precision.h"

namespace m3lung {
namespace {

// An option whose value is one of `values`, by its name.
template <typename Value, size_t kCount>
void AddNamedOption(CLI::App& command, const std::string& flag, Value& value,
                    const std::array<Value, kCount>& values, absl::string_view (*name_of)(Value),
                    const std::string& help) {
  std::vector<std::string> names;
  for (const Value each : values) names.emplace_back(name_of(each));
  command
      .add_option_function<std::string>(
          flag,
          [&value, values, name_of](const std::string& name) {
            for (const Value each : values) {
              if (name == name_of(each)) value = each;
            }
          },
          help)
      ->check(CLI::IsMember(names))
      ->default_str(std::string(name_of(value)));
}

void AddScheduleFlags(CLI::App& command, const std::string& prefix, int& epochs,
                      Schedule& schedule) {
  command.add_option(prefix + "epochs", epochs, "Epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option(prefix + "learning-rate", schedule.initial, "Of the beginning")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  AddNamedOption(command, prefix + "schedule", schedule.kind, kScheduleKinds, ScheduleName,
                 "step: times 0.1 every so many epochs; linear: falls to 0");
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
  AddNamedOption(command, prefix + "optimizer", training.optimizer, kOptimizerKinds, OptimizerName,
                 "adam or sgd");
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
  training.precision = std::nullopt;
  command.add_option("--device", training.device, "cpu, cuda or cuda:N")->capture_default_str();
  command
      .add_option_function<std::string>(
          "--precision",
          [&training](const std::string& name) {
            if (const auto read = ParsePrecisionOrAuto(name); read.ok()) training.precision = *read;
          },
          "fp32, bf16 (mixed), or auto: bf16 where the device gains by it")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->default_str("auto");
  command.add_option("--threads", training.threads, "Of one step on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

}  // namespace m3lung
