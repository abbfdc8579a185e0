// SPDX-License-Identifier: Apache-2.0
// m3lung-train precision: whether a model may be served in 16 bits.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/machine.h"
#include "base/output_checks.h"
#include "base/status_macros.h"
#include "model/bundle/bundle.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/precision.h"
#include "training/commands/commands.h"
#include "training/data/prepared.h"
#include "training/evaluation/compare_predictions.h"
#include "training/evaluation/score_studies.h"
#include "training/progress.h"

namespace m3lung {
namespace {

struct PrecisionCommandOptions {
  std::string data;
  std::string bundle;
  std::string split = "test";
  std::string device = "cpu";
  std::string precision = "bf16";
  int batch_size = 16;
  int threads = 1;
  bool allow = false;
};

absl::StatusOr<Predictions> Score(const PrecisionCommandOptions& options, const PreparedData& data,
                                  Precision precision, int64_t slices) {
  LoadOptions load;
  load.device = options.device;
  load.batch_sizes = {options.batch_size};
  load.threads = options.threads;
  load.precision = precision;
  load.any_precision = true;
  M3L_ASSIGN_OR_RETURN(const auto bundle, LoadBundle(options.bundle, load));
  Progress progress(absl::StrCat("scored in ", PrecisionName(precision)), "slices", slices);
  int64_t shown = 0;
  M3L_ASSIGN_OR_RETURN(ScoredStudies scored,
                       ScoreStudies(*bundle->runner, data.studies, {.batch = options.batch_size},
                                    [&](int64_t done, int64_t) {
                                      progress.Advance(done - shown);
                                      shown = done;
                                    }));
  return std::move(scored.predictions);
}

void Print(absl::string_view what, const AnswerDifference& difference) {
  std::cout << absl::StrFormat(
      "%s: %d, of them %d with another label, %d beyond %.2g; largest difference %.4f\n", what,
      difference.cases, difference.other_label, difference.beyond, kPrecisionTolerance,
      difference.worst);
}

// Adds the precision to the manifest, as the first and so the preferred one.
absl::Status Allow(const std::filesystem::path& bundle, Precision precision) {
  const std::filesystem::path file = bundle / kManifestFile;
  M3L_ASSIGN_OR_RETURN(const std::string json, ReadFile(file));
  M3L_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(json));
  if (manifest.Allows(precision)) return absl::OkStatus();
  manifest.precisions.insert(manifest.precisions.begin(), precision);
  return WriteFile(file, FormatManifest(manifest));
}

absl::Status RunPrecision(const PrecisionCommandOptions& options) {
  M3L_ASSIGN_OR_RETURN(const Precision precision, ParsePrecision(options.precision));
  if (options.allow) M3L_RETURN_IF_ERROR(CheckOutputFolder(options.bundle));
  M3L_ASSIGN_OR_RETURN(const Split split, ParseSplit(options.split));
  M3L_ASSIGN_OR_RETURN(const PreparedData data, OpenPrepared(options.data, {split}));
  int64_t slices = 0;
  for (const PreparedStudy& study : data.studies) {
    slices += static_cast<int64_t>(study.slices.size());
  }
  M3L_ASSIGN_OR_RETURN(const Predictions full, Score(options, data, Precision::kFp32, slices));
  M3L_ASSIGN_OR_RETURN(const Predictions reduced, Score(options, data, precision, slices));
  M3L_ASSIGN_OR_RETURN(const PredictionsDifference difference,
                       ComparePredictions(full, reduced, kPrecisionTolerance));
  Print("slices", difference.slices);
  Print("patients", difference.studies);
  if (!difference.IsWithin()) {
    return absl::FailedPreconditionError(
        absl::StrCat("in ", options.precision,
                     " the model does not give the same answers as in "
                     "fp32; it is to be served in fp32"));
  }
  if (!options.allow) {
    std::cout << "the same answers; --allow writes it into the manifest\n";
    return absl::OkStatus();
  }
  M3L_RETURN_IF_ERROR(Allow(options.bundle, precision));
  std::cout << options.bundle << "/" << kManifestFile << " allows " << options.precision << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddPrecisionCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<PrecisionCommandOptions>();
  options->threads = UsableProcessors();
  CLI::App* precision = app.add_subcommand(
      "precision", "Says whether a model gives the same answers in 16 bits as in float32");
  precision->add_option("--data", options->data, "Folder of prepared studies")->required();
  precision->add_option("--bundle", options->bundle, "The model: its folder, models/NAME/VERSION")
      ->required();
  precision->add_option("--split", options->split, "Which studies: train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->capture_default_str();
  precision->add_option("--precision", options->precision, "bf16 or fp16")
      ->check(CLI::IsMember({"bf16", "fp16"}))
      ->capture_default_str();
  precision->add_flag("--allow", options->allow,
                      "Write it into the bundle's manifest if so; servers then use it where the "
                      "device has instructions for it");
  precision->add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
  precision->add_option("--batch-size", options->batch_size, "Slices, of three windows each")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  precision->add_option("--threads", options->threads, "Of one pass on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  precision->footer(
      "The same answers: not a label is another, no probability differs by more than 0.01.\n"
      "Example: m3lung-train precision --data=prepared --bundle=models/m3lung-demo/1\n"
      "Exit code: 0 the same answers, 1 not, or failed, 2 used wrongly.");
  precision->callback(
      [options, chosen] { *chosen = [options] { return RunPrecision(*options); }; });
}

}  // namespace m3lung
