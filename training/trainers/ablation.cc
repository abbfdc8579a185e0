// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/ablation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "model/answers/assessment.h"
#include "torch/torch.h"
#include "training/evaluation/cases.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

std::vector<const StudyFeatures*> TestStudies(const std::vector<StudyFeatures>& studies) {
  std::vector<const StudyFeatures*> test;
  for (const StudyFeatures& study : studies) {
    if (study.split == Split::kTest && study.features.size(0) > 0) test.push_back(&study);
  }
  return test;
}

ClassProbabilities ToProbabilities(const torch::Tensor& row) {
  const torch::Tensor values = row.contiguous();
  ClassProbabilities probabilities;
  std::copy_n(values.const_data_ptr<float>(), kClasses, probabilities.begin());
  return probabilities;
}

Cases CasesWithout(const std::vector<const StudyFeatures*>& studies, float threshold) {
  Cases cases;
  for (size_t i = 0; i < studies.size(); ++i) {
    std::vector<ClassProbabilities> slices;
    for (const torch::Tensor& row : studies[i]->probabilities.unbind()) {
      slices.push_back(ToProbabilities(row));
    }
    cases.truth.push_back(studies[i]->label);
    cases.predicted.push_back(AssessWithoutParameters(slices, threshold).label);
    cases.study.push_back(static_cast<int>(i));
  }
  return cases;
}

Cases CasesOf(PatientNet& net, const std::vector<const StudyFeatures*>& studies) {
  const torch::NoGradGuard no_grad;
  Cases cases;
  for (size_t i = 0; i < studies.size(); ++i) {
    cases.truth.push_back(studies[i]->label);
    cases.probabilities.push_back(ToProbabilities(net->forward(studies[i]->features).softmax(0)));
    cases.predicted.push_back(MostProbable(cases.probabilities.back()));
    cases.study.push_back(static_cast<int>(i));
  }
  return cases;
}

absl::StatusOr<AblationTable> Judge(std::string title,
                                    const std::vector<std::pair<std::string, Cases>>& methods,
                                    const AblationOptions& options) {
  const auto studies = static_cast<int>(methods.back().second.size());
  if (studies == 0) {
    return absl::InvalidArgumentError("an ablation needs studies of split test");
  }
  const Resamples resamples(studies, options.resamples, options.seed);
  AblationTable table{.title = std::move(title), .studies = studies, .rows = {}};
  for (const auto& [name, cases] : methods) {
    AblationRow& row = table.rows.emplace_back();
    row.name = name;
    row.evaluation = EvaluateMethod(cases, resamples);
    if (&cases != &methods.back().second) {
      row.p_value = AccuracyPValue(cases, methods.back().second, resamples);
    }
  }
  return table;
}

absl::Status Stopped() { return absl::CancelledError("stopped; run it again to go on"); }

std::string Percent(const Estimate& estimate) {
  return estimate.value.has_value() ? absl::StrFormat("%.2f", 100 * *estimate.value) : "-";
}

}  // namespace

absl::StatusOr<AblationTable> AblatePatientNet(const std::vector<StudyFeatures>& studies,
                                               const PatientTrainingOptions& training,
                                               const AblationOptions& options,
                                               const fs::path& folder, const StopRequested& stop) {
  struct Variant {
    const char* name;
    const char* file;
    PatientVariant variant;
    std::vector<int> scales;
  };
  const std::vector<Variant> variants = {
      {"Max pooling", "max-pooling", PatientVariant::kMaxPooling, {1}},
      {"Single-scale + A. head", "single-scale-a", PatientVariant::kAggregation, {3}},
      {"Multi-scale + A. head", "multi-scale-a", PatientVariant::kAggregation, {1, 2, 3, 4}},
      {"Multi-scale + R. & A. head (whole method)",
       "multi-scale-ra",
       PatientVariant::kRefineAndAggregate,
       {1, 2, 3, 4}},
  };
  const std::vector<const StudyFeatures*> test = TestStudies(studies);
  std::vector<std::pair<std::string, Cases>> methods = {
      {"Non-parametric assessment", CasesWithout(test, options.healthy_share_threshold)}};
  for (const Variant& variant : variants) {
    PatientTrainingOptions each = training;
    each.net.variant = variant.variant;
    each.net.scales = variant.scales;
    M3L_ASSIGN_OR_RETURN(const TrainingEnd end,
                         TrainPatientNet(studies, each, folder, variant.file, stop));
    if (end == TrainingEnd::kStopped) return Stopped();
    M3L_ASSIGN_OR_RETURN(TrainedPatientNet trained, LoadPatientNet(folder, variant.file));
    methods.emplace_back(variant.name, CasesOf(trained.net, test));
  }
  return Judge("Patient network (the paper's table IV)", methods, options);
}

absl::StatusOr<AblationTable> AblateSliceNet(const PreparedData& data,
                                             const SliceTrainingOptions& training,
                                             const AblationOptions& options, const fs::path& folder,
                                             const StopRequested& stop) {
  struct Variant {
    const char* name;
    const char* file;
    bool multi_task, attention, coordinates;
  };
  constexpr Variant kVariants[] = {
      {"ResNet-50", "plain", false, false, false},
      {"+ multi-task", "multi-task", true, false, false},
      {"+ attention", "attention", true, true, false},
      {"+ coordinates (whole method)", "whole", true, true, true},
  };
  PreparedData test = {.input_size = data.input_size, .crop_mode = data.crop_mode, .studies = {}};
  for (const PreparedStudy& study : data.studies) {
    if (study.split == Split::kTest) test.studies.push_back(study);
  }
  std::vector<std::pair<std::string, Cases>> methods;
  for (const Variant& variant : kVariants) {
    SliceTrainingOptions each = training;
    each.net.multi_task = variant.multi_task;
    each.net.attention = variant.attention;
    each.net.coordinates = variant.coordinates;
    const fs::path run = folder / variant.file;
    M3L_ASSIGN_OR_RETURN(const TrainingEnd end, TrainSliceNet(data, each, run, stop));
    if (end == TrainingEnd::kStopped) return Stopped();
    M3L_RETURN_IF_ERROR(
        MakeFeatures(test, run, {.device = training.device, .threads = training.threads}, stop));
    M3L_ASSIGN_OR_RETURN(const std::vector<StudyFeatures> studies, ReadFeatures(run));
    methods.emplace_back(variant.name,
                         CasesWithout(TestStudies(studies), options.healthy_share_threshold));
  }
  return Judge("Slice network (the paper's table V)", methods, options);
}

std::string FormatAblation(const AblationTable& table) {
  std::string text =
      absl::StrCat("### ", table.title, ", ", table.studies, " studies\n\n",
                   "| method | accuracy | FPE | FNE | FDPE |\n|---|---|---|---|---|\n");
  for (const AblationRow& row : table.rows) {
    std::string accuracy = Percent(row.evaluation.accuracy);
    if (const auto& interval = row.evaluation.accuracy.interval; interval.has_value()) {
      absl::StrAppendFormat(&accuracy, " [%.2f, %.2f]", 100 * interval->low, 100 * interval->high);
    }
    if (row.p_value.has_value()) absl::StrAppendFormat(&accuracy, " (p = %.3f)", *row.p_value);
    absl::StrAppend(&text, "| ", row.name, " | ", accuracy, " | ",
                    Percent(row.evaluation.false_positive_error), " | ",
                    Percent(row.evaluation.false_negative_error), " | ",
                    Percent(row.evaluation.false_disease_prediction_error), " |\n");
  }
  return text;
}

}  // namespace m3lung
