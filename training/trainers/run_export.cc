// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/run_export.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "model/bundle/bundle_writer.h"
#include "torch/torch.h"
#include "training/evaluation/calibration.h"
#include "training/trainers/features.h"
#include "training/trainers/patient_trainer.h"
#include "training/trainers/slice_run.h"

namespace m3lung {
namespace {

// The temperature of the patient network, by the studies that it was not trained on.
// At least 1: where the network tells a few studies all rightly, the fit would make
// it as sure as can be.
double FitPatientTemperature(PatientNet& net, const std::vector<StudyFeatures>& studies) {
  const torch::NoGradGuard no_grad;
  std::vector<ClassProbabilities> probabilities;
  std::vector<Label> labels;
  for (const StudyFeatures& study : studies) {
    if (study.split != Split::kValidation || study.features.size(0) == 0) continue;
    const torch::Tensor p = net->forward(study.features).softmax(0).contiguous();
    ClassProbabilities& row = probabilities.emplace_back();
    std::copy_n(p.const_data_ptr<float>(), kClasses, row.begin());
    labels.push_back(study.label);
  }
  const absl::StatusOr<double> fitted = FitTemperature(probabilities, labels);
  return fitted.ok() ? std::max(1.0, *fitted) : 1;
}

}  // namespace

absl::StatusOr<ExportedRun> ExportRun(const RunExportOptions& options) {
  M3L_ASSIGN_OR_RETURN(TrainedSliceNet slice, LoadSliceNet(options.run));
  M3L_ASSIGN_OR_RETURN(TrainedPatientNet patient, LoadPatientNet(options.run, kPatientName));
  M3L_ASSIGN_OR_RETURN(const std::vector<StudyFeatures> studies, ReadFeatures(options.run));

  ExportedRun exported;
  exported.patient_temperature = FitPatientTemperature(patient.net, studies);
  {
    const torch::NoGradGuard no_grad;
    patient.net->classifier()->weight.div_(exported.patient_temperature);
    patient.net->classifier()->bias.div_(exported.patient_temperature);
  }

  BundleContents contents;
  contents.manifest.name = options.name;
  contents.manifest.version = options.version;
  contents.manifest.crop_mode = CropMode::kVolume;
  contents.manifest.healthy_share_threshold = options.healthy_share_threshold;
  contents.manifest.weights_origin = options.origin;
  contents.manifest.training_data = options.training_data;
  contents.manifest.made_by =
      absl::StrFormat("m3lung-train; slice network: %s; patient network: %s; temperature %.3f",
                      slice.provenance, patient.provenance, exported.patient_temperature);
  contents.manifest.golden_tolerance = kGoldenTolerance;
  contents.golden_slices = options.golden_slices(slice.net->options().input_size);
  contents.slice_net = slice.net;
  contents.patient_net = patient.net;
  M3L_ASSIGN_OR_RETURN(exported.folder,
                       WriteBundle(std::move(contents), options.models, options.overwrite));
  return exported;
}

}  // namespace m3lung
