// SPDX-License-Identifier: Apache-2.0
#include "server/ops/model_registry.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

absl::Status NotFound(const std::vector<std::shared_ptr<ServedModel>>& models,
                      absl::string_view name, absl::string_view version) {
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const auto& model : models) {
    names.push_back(absl::StrCat(model->reference.name(), " version ", model->reference.version()));
  }
  // The name came from outside and is not repeated: it could hold anything.
  absl::string_view what = "no model is loaded";
  if (!name.empty()) {
    what = version.empty() ? "no model has this name" : "no model has this name and version";
  } else if (!version.empty()) {
    what = "the default model does not have this version";
  }
  return absl::NotFoundError(
      absl::StrCat(what, "; loaded: ", names.empty() ? "none" : absl::StrJoin(names, ", ")));
}

}  // namespace

void ModelRegistry::Stop() {
  std::vector<std::shared_ptr<ServedModel>> all;
  {
    absl::MutexLock lock(&mu_);  // not held while batches end, whose events may ask for a model
    all = models_;
    all.insert(all.end(), replaced_.begin(), replaced_.end());
  }
  for (const std::shared_ptr<ServedModel>& model : all) model->batcher->Stop();
}

absl::Status ModelRegistry::Replace(std::vector<std::shared_ptr<ServedModel>> models,
                                    absl::string_view default_name) {
  std::string name(default_name);
  if (name.empty() && !models.empty()) name = models.front()->reference.name();
  if (std::none_of(models.begin(), models.end(),
                   [&](const auto& model) { return model->reference.name() == name; })) {
    return NotFound(models, name, "");
  }
  absl::MutexLock lock(&mu_);
  for (std::shared_ptr<ServedModel>& old : models_) {
    if (std::find(models.begin(), models.end(), old) == models.end()) {
      replaced_.push_back(std::move(old));
    }
  }
  models_ = std::move(models);
  default_name_ = std::move(name);
  return absl::OkStatus();
}

void ModelRegistry::Add(std::shared_ptr<ServedModel> model) {
  absl::MutexLock lock(&mu_);
  if (default_name_.empty()) default_name_ = model->reference.name();
  models_.push_back(std::move(model));
}

bool ModelRegistry::EndUnused() {
  std::vector<std::shared_ptr<ServedModel>> unused;
  {
    absl::MutexLock lock(&mu_);
    // Nobody can get hold of one of these any more, so that a count of one stays.
    const auto used = std::partition(replaced_.begin(), replaced_.end(),
                                     [](const auto& model) { return model.use_count() > 1; });
    std::move(used, replaced_.end(), std::back_inserter(unused));
    replaced_.erase(used, replaced_.end());
  }
  return !unused.empty();
}

std::shared_ptr<ServedModel> ModelRegistry::FindDigest(absl::string_view digest) const {
  absl::MutexLock lock(&mu_);
  for (const auto& model : models_) {
    if (model->reference.digest() == digest) return model;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Find(absl::string_view name,
                                                                 absl::string_view version) const {
  absl::MutexLock lock(&mu_);
  const absl::string_view wanted = name.empty() ? absl::string_view(default_name_) : name;
  for (auto model = models_.rbegin(); model != models_.rend(); ++model) {
    const v1::ModelReference& reference = (*model)->reference;
    if (reference.name() == wanted && (version.empty() || reference.version() == version)) {
      return *model;
    }
  }
  return NotFound(models_, name, version);
}

std::vector<v1::Model> ModelRegistry::List() const {
  absl::MutexLock lock(&mu_);
  std::vector<v1::Model> models;
  for (size_t i = 0; i < models_.size(); ++i) {
    const std::string& name = models_[i]->reference.name();
    bool newest = true;
    for (size_t j = i + 1; j < models_.size(); ++j) {
      if (models_[j]->reference.name() == name) newest = false;
    }
    models.push_back(DescribeModel(*models_[i], newest && name == default_name_));
  }
  return models;
}

v1::Model DescribeModel(const ServedModel& model, bool is_default) {
  const Manifest& manifest = model.bundle->manifest;
  v1::Model described;
  *described.mutable_reference() = model.reference;
  described.set_is_default(is_default);
  for (int i = 0; i < kClasses; ++i) described.add_classes(ToProto(static_cast<Label>(i)));
  described.set_input_size(manifest.input_size);
  for (const float centre : manifest.window_centres_hu) described.add_window_centres_hu(centre);
  described.set_window_width_hu(manifest.window_width_hu);
  described.set_crop_mode(ToProto(manifest.crop_mode));
  described.set_feature_size(manifest.feature_size);
  v1::Provenance& provenance = *described.mutable_provenance();
  provenance.set_weights_origin(ToProto(manifest.weights_origin));
  provenance.set_training_data(manifest.training_data);
  provenance.set_made_by(manifest.made_by);
  std::string devices = model.bundle->device;
  int batches = model.bundle->runner->concurrent_batches();
  for (const auto& copy : model.copies) {
    absl::StrAppend(&devices, ",", copy->device);
    batches += copy->runner->concurrent_batches();
  }
  described.set_device(devices);
  described.set_runs_on(model.bundle->runs_on);
  described.set_batches_at_once(batches);
  return described;
}

}  // namespace m3lung
