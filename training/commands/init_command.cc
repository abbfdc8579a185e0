// SPDX-License-Identifier: Apache-2.0
// m3lung-train init: an untrained bundle.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/machine.h"
#include "base/output_checks.h"
#include "base/status_macros.h"
#include "model/bundle/bundle_writer.h"
#include "torch/torch.h"
#include "training/commands/commands.h"
#include "training/phantom_slices.h"
#include "training/trainers/net_options.h"
#include "training/untrained.h"

namespace m3lung {
namespace {

constexpr int kSlicesPerStudy = 2;

struct InitOptions {
  std::string out;
  std::string name = "m3lung-untrained";
  std::string version = "1";
  int base_width = 16;
  int input_size = 512;
  uint64_t seed = 1;
  bool overwrite = false;
};

absl::Status Init(const InitOptions& options) {
  SliceNetOptions slice_options;
  slice_options.base_width = options.base_width;
  slice_options.input_size = options.input_size;
  M3L_RETURN_IF_ERROR(Validate(slice_options));
  const PatientNetOptions patient_options = PatientOptionsFor(slice_options);
  M3L_RETURN_IF_ERROR(Validate(patient_options));
  M3L_RETURN_IF_ERROR(CheckOutputFolder(std::filesystem::path(options.out) / options.name));

  torch::set_num_threads(UsableProcessors());
  const PhantomSlices phantoms =
      MakePhantomSlices({Label::kHealthy, Label::kCovid19, Label::kH1n1, Label::kCap},
                        kSlicesPerStudy, options.input_size, options.seed);
  UntrainedNets nets = MakeUntrainedNets(slice_options, patient_options, options.seed, phantoms.hu);

  BundleContents contents;
  Manifest& manifest = contents.manifest;
  manifest.name = options.name;
  manifest.version = options.version;
  manifest.crop_mode = CropMode::kVolume;
  manifest.weights_origin = WeightsOrigin::kRandom;
  manifest.training_data = absl::StrCat("none; batch statistics from ", phantoms.labels.size(),
                                        " slices of 4 synthetic studies");
  manifest.made_by =
      absl::StrCat("m3lung-train init --name=", options.name, " --version=", options.version,
                   " --base-width=", options.base_width, " --input-size=", options.input_size,
                   " --seed=", options.seed);
  manifest.golden_tolerance = kGoldenTolerance;
  contents.slice_net = nets.slice_net;
  contents.patient_net = nets.patient_net;
  contents.golden_slices = GoldenSlices(options.input_size, options.seed);
  M3L_ASSIGN_OR_RETURN(const std::filesystem::path folder,
                       WriteBundle(std::move(contents), options.out, options.overwrite));
  std::cout << "wrote " << folder.string() << " (random weights: its results mean nothing)\n";
  return absl::OkStatus();
}

}  // namespace

void AddInitCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* init = app.add_subcommand("init", "Writes a seeded, untrained model bundle");
  init->add_option("--out", options->out, "Folder of bundles; writes OUT/NAME/VERSION/")
      ->required();
  init->add_option("--name", options->name, "Name of the bundle")->capture_default_str();
  init->add_option("--version", options->version, "Version of the bundle")->capture_default_str();
  init->add_option("--base-width", options->base_width,
                   "Channels of the first convolution; 64 is the paper's ResNet-50")
      ->capture_default_str();
  init->add_option("--input-size", options->input_size,
                   "Side of a slice in pixels, a multiple of 32")
      ->capture_default_str();
  init->add_option("--seed", options->seed, "Of the weights and the synthetic slices")
      ->capture_default_str();
  init->add_flag("--overwrite", options->overwrite, "Put it in the place of one that is there");
  init->footer(
      "Example: m3lung-train init --out=models\n"
      "Exit code: 0 written, 1 failed (a bundle of that version is there already, say), 2 used "
      "wrongly.");
  init->callback([options, chosen] { *chosen = [options] { return Init(*options); }; });
}

}  // namespace m3lung
