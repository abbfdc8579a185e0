// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/net_options.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace m3lung {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<PatientVariant, const char*> kVariants[] = {
    {PatientVariant::kMaxPooling, "max_pooling"},
    {PatientVariant::kAggregation, "aggregation"},
    {PatientVariant::kRefineAndAggregate, "refine_and_aggregate"},
};

absl::Status Incomplete(const nlohmann::json::exception& e) {
  return absl::DataLossError(absl::StrCat("the network's options are not whole: ", e.what()));
}

}  // namespace

Json ToJson(const SliceNetOptions& options) {
  return {{"base_width", options.base_width},
          {"blocks", options.blocks},
          {"input_size", options.input_size},
          {"map_measure", std::string(MapMeasureName(options.map_measure))},
          {"multi_task", options.multi_task},
          {"attention", options.attention},
          {"coordinates", options.coordinates}};
}

Json ToJson(const PatientNetOptions& options) {
  std::string variant;
  for (const auto& [value, name] : kVariants) {
    if (value == options.variant) variant = name;
  }
  return {{"feature_size", options.feature_size},
          {"reduced_size", options.reduced_size},
          {"heads", options.heads},
          {"scales", options.scales},
          {"variant", variant}};
}

absl::StatusOr<SliceNetOptions> SliceNetOptionsFrom(const Json& json) {
  SliceNetOptions options;
  std::string measure;
  try {
    options.base_width = json.at("base_width");
    options.blocks = json.at("blocks");
    options.input_size = json.at("input_size");
    measure = json.at("map_measure");
    options.multi_task = json.at("multi_task");
    options.attention = json.at("attention");
    options.coordinates = json.at("coordinates");
  } catch (const nlohmann::json::exception& e) {
    return Incomplete(e);
  }
  M3L_ASSIGN_OR_RETURN(options.map_measure, ParseMapMeasure(measure));
  M3L_RETURN_IF_ERROR(Validate(options));
  return options;
}

absl::StatusOr<PatientNetOptions> PatientNetOptionsFrom(const Json& json) {
  PatientNetOptions options;
  std::string variant;
  try {
    options.feature_size = json.at("feature_size");
    options.reduced_size = json.at("reduced_size");
    options.heads = json.at("heads");
    options.scales = json.at("scales").get<std::vector<int>>();
    variant = json.at("variant");
  } catch (const nlohmann::json::exception& e) {
    return Incomplete(e);
  }
  const auto* const found = std::find_if(std::begin(kVariants), std::end(kVariants),
                                         [&](const auto& pair) { return pair.second == variant; });
  if (found == std::end(kVariants)) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown variant \"", variant, "\" of the patient network"));
  }
  options.variant = found->first;
  M3L_RETURN_IF_ERROR(Validate(options));
  return options;
}

PatientNetOptions PatientOptionsFor(const SliceNetOptions& slice) {
  PatientNetOptions options;
  options.feature_size = slice.feature_size();
  options.reduced_size = std::max(1, options.reduced_size * slice.base_width / 64);
  options.heads = slice.base_width >= 64 ? 12 : 4;
  return options;
}

}  // namespace m3lung
