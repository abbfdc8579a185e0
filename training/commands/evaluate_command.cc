// SPDX-License-Identifier: Apache-2.0
// m3lung-train evaluate: how well a model does on studies whose truth is known.
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/machine.h"
#include "base/output_checks.h"
#include "base/status_macros.h"
#include "model/bundle/bundle.h"
#include "training/commands/commands.h"
#include "training/data/prepared.h"
#include "training/evaluation/curves.h"
#include "training/evaluation/groups.h"
#include "training/evaluation/score_studies.h"
#include "training/evaluation/write_evaluation.h"
#include "training/progress.h"

namespace m3lung {
namespace {

constexpr char kPredictionsFolder[] = "predictions";  // of --out

struct EvaluateCommandOptions {
  std::string data;
  std::string bundle;
  std::string split = "test";
  std::string device = "cpu";
  int batch_size = 16;
  int threads = 1;
  std::string predictions;  // in place of data and bundle
  std::string calibration;  // predictions too
  std::string out;
  EvaluationOptions evaluation;
};

// What is evaluated, however it was come by.
struct Evaluated {
  ScoredStudies scored;
  EvaluationFacts facts;
};

std::string BundleName(const Manifest& manifest) {
  return absl::StrCat(manifest.name, " ", manifest.version);
}

// The model must see slices as it did in training.
absl::Status CheckFit(const EvaluateCommandOptions& options, const PreparedData& data,
                      const Manifest& manifest) {
  if (data.input_size != manifest.input_size) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "%s holds slices of %d x %d pixels, and %s takes %d x %d: prepare the data set into "
        "another "
        "folder with m3lung-train prepare --input-size=%d, or evaluate a bundle of that size",
        options.data, data.input_size, data.input_size, BundleName(manifest), manifest.input_size,
        manifest.input_size, manifest.input_size));
  }
  if (data.crop_mode != manifest.crop_mode) {
    return absl::FailedPreconditionError(absl::StrCat(
        options.data, " was cropped in mode \"", CropModeName(data.crop_mode), "\", and ",
        BundleName(manifest), " is served with mode \"", CropModeName(manifest.crop_mode),
        "\": the figures would not be those of the service; evaluate a bundle that was trained on "
        "such crops"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Evaluated> ScoreSplit(const EvaluateCommandOptions& options) {
  M3L_ASSIGN_OR_RETURN(const Split split, ParseSplit(options.split));
  M3L_ASSIGN_OR_RETURN(const PreparedData data, OpenPrepared(options.data, {split}));
  LoadOptions load;
  load.device = options.device;
  load.batch_sizes = {options.batch_size};
  load.threads = options.threads;
  M3L_ASSIGN_OR_RETURN(const auto bundle, LoadBundle(options.bundle, load));
  const Manifest& manifest = bundle->manifest;
  M3L_RETURN_IF_ERROR(CheckFit(options, data, manifest));

  int64_t slices = 0;
  for (const PreparedStudy& study : data.studies) {
    slices += static_cast<int64_t>(study.slices.size());
  }
  Evaluated result;
  {
    Progress progress("scored", "slices", slices);
    int64_t shown = 0;
    M3L_ASSIGN_OR_RETURN(result.scored,
                         ScoreStudies(*bundle->runner, data.studies,
                                      {.batch = options.batch_size,
                                       .healthy_share_threshold = manifest.healthy_share_threshold},
                                      [&](int64_t done, int64_t) {
                                        progress.Advance(done - shown);
                                        shown = done;
                                      }));
  }
  M3L_RETURN_IF_ERROR(WritePredictions(result.scored.predictions,
                                       std::filesystem::path(options.out) / kPredictionsFolder));
  result.facts.data = absl::StrCat(options.data, ", split ", options.split);
  result.facts.model = BundleName(manifest);
  result.facts.model_digest = bundle->digest;
  result.facts.training_data = manifest.training_data;
  result.facts.command = absl::StrCat("m3lung-train evaluate --data=", options.data,
                                      " --bundle=", options.bundle, " --split=", options.split);
  return result;
}

absl::StatusOr<Evaluated> ReadPredicted(const EvaluateCommandOptions& options) {
  Evaluated result;
  M3L_ASSIGN_OR_RETURN(result.scored.predictions, ReadPredictions(options.predictions));
  result.facts.data = absl::StrCat("predictions in ", options.predictions);
  result.facts.command = absl::StrCat("m3lung-train evaluate --predictions=", options.predictions);
  return result;
}

void Summarise(const Evaluation& evaluation, const std::string& out) {
  const auto line = [](absl::string_view name, const Estimate& estimate) {
    if (estimate.value) {
      std::cout << absl::StrFormat("%-28s", name) << EstimateText(estimate) << "\n";
    }
  };
  line("patients, accuracy", evaluation.patients.accuracy);
  if (evaluation.non_parametric) {
    line("  without parameters", evaluation.non_parametric->accuracy);
  }
  if (evaluation.slices) {
    line("slices, accuracy", evaluation.slices->accuracy);
    line("slices, lesion AUC", evaluation.lesions->area_under_curve);
  }
  for (const auto& [name, group] : NamedGroups(evaluation)) {
    if (group == &evaluation) continue;
    const auto healthy = static_cast<size_t>(Label::kHealthy);
    line(absl::StrCat(name, ", accuracy"), group->patients.accuracy);
    line("  specificity", group->patients.classes[healthy].sensitivity);
    line("  confidently wrong", group->confidently_wrong);
  }
  if (evaluation.maps) line("maps, average precision", evaluation.maps->average_precision);
  std::cout << "wrote " << out << "/report.html, evaluation.json and pictures\n";
}

absl::Status RunEvaluate(EvaluateCommandOptions options) {
  const bool scores = !options.data.empty() && !options.bundle.empty();
  if (scores == !options.predictions.empty()) {
    return absl::InvalidArgumentError(
        "give either --data and --bundle, to score studies, or --predictions alone");
  }
  // What cannot be written or read is said before hours of scoring.
  M3L_RETURN_IF_ERROR(CheckOutputFolder(options.out));
  if (scores) {
    M3L_RETURN_IF_ERROR(CheckOutputFolder(std::filesystem::path(options.out) / kPredictionsFolder));
  }
  Predictions calibration;
  if (!options.calibration.empty()) {
    M3L_ASSIGN_OR_RETURN(calibration, ReadPredictions(options.calibration));
    options.evaluation.calibration = &calibration;
  }
  M3L_ASSIGN_OR_RETURN(Evaluated evaluated, scores ? ScoreSplit(options) : ReadPredicted(options));
  absl::StrAppend(&evaluated.facts.command, " --resamples=", options.evaluation.resamples,
                  " --seed=", options.evaluation.seed);
  if (!options.calibration.empty()) {
    absl::StrAppend(&evaluated.facts.command, " --calibration=", options.calibration);
  }
  M3L_ASSIGN_OR_RETURN(
      const Evaluation evaluation,
      Evaluate(evaluated.scored.predictions, evaluated.scored.maps, options.evaluation));
  M3L_RETURN_IF_ERROR(WriteEvaluation(evaluation, evaluated.facts, options.out));
  Summarise(evaluation, options.out);
  return absl::OkStatus();
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<EvaluateCommandOptions>();
  options->threads = UsableProcessors();
  CLI::App* evaluate =
      app.add_subcommand("evaluate", "Says how well a model does on studies of known truth");
  evaluate
      ->add_option("--out", options->out,
                   "Folder for report.html, evaluation.json, pictures and predictions")
      ->required();
  CLI::Option* data = evaluate->add_option("--data", options->data, "Folder of prepared studies");
  CLI::Option* bundle = evaluate->add_option("--bundle", options->bundle,
                                             "The model: its folder, models/NAME/VERSION");
  evaluate->add_option("--split", options->split, "Which studies: train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->capture_default_str();
  evaluate
      ->add_option("--predictions", options->predictions,
                   "In place of --data and --bundle: folder with studies.csv and slices.csv, as "
                   "OUT/predictions")
      ->excludes(data)
      ->excludes(bundle);
  evaluate->add_option("--calibration", options->calibration,
                       "Predictions of other studies (the split validation, say), which a "
                       "temperature is fitted on");
  evaluate->add_option("--resamples", options->evaluation.resamples, "For intervals and p-values")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  evaluate->add_option("--seed", options->evaluation.seed, "Of the resamples")
      ->capture_default_str();
  evaluate->add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
  evaluate->add_option("--batch-size", options->batch_size, "Slices, of three windows each")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  evaluate->add_option("--threads", options->threads, "Of one pass on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  evaluate->footer(
      "Example: m3lung-train evaluate --data=prepared --bundle=models/m3lung-demo/1 "
      "--out=evaluation\n"
      "Exit code: 0 evaluated, 1 failed, 2 used wrongly or the predictions are wrong.");
  evaluate->callback([options, chosen] { *chosen = [options] { return RunEvaluate(*options); }; });
}

}  // namespace m3lung
