// SPDX-License-Identifier: Apache-2.0
// The networks' options as JSON, so that a checkpoint says what it holds.
#ifndef M3LUNG_TRAINING_TRAINERS_NET_OPTIONS_H_
#define M3LUNG_TRAINING_TRAINERS_NET_OPTIONS_H_

#include "absl/status/statusor.h"
#include "model/networks/patient_net.h"
#include "model/networks/slice_net.h"
#include "nlohmann/json.hpp"

namespace m3lung {

// Windows are the paper's, and not written.
nlohmann::ordered_json ToJson(const SliceNetOptions& options);
nlohmann::ordered_json ToJson(const PatientNetOptions& options);

// DATA_LOSS where something is missing; INVALID_ARGUMENT where it is out of range.
absl::StatusOr<SliceNetOptions> SliceNetOptionsFrom(const nlohmann::ordered_json& json);
absl::StatusOr<PatientNetOptions> PatientNetOptionsFrom(const nlohmann::ordered_json& json);

// The paper's sizes where the slice network is as wide as the paper's; narrower
// ones shrink with it.
PatientNetOptions PatientOptionsFor(const SliceNetOptions& slice);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_NET_OPTIONS_H_
