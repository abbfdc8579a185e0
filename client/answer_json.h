// SPDX-License-Identifier: Apache-2.0
// A study's whole answer as JSON.
#ifndef M3LUNG_CLIENT_ANSWER_JSON_H_
#define M3LUNG_CLIENT_ANSWER_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Protobuf's JSON mapping with names in camelCase, indented, zeros and falses
// printed too; what a field's presence says (`index`, `lesionMap`) stays absent
// where it is absent.
absl::StatusOr<std::string> AnswerToJson(const v1::StudyAnswer& answer);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_ANSWER_JSON_H_
