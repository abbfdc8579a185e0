// SPDX-License-Identifier: Apache-2.0
#include "client/answer_json.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace m3lung::client {

absl::StatusOr<std::string> AnswerToJson(const v1::StudyAnswer& answer) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(answer, &json, options);
  if (!status.ok()) {
    return absl::InternalError(
        absl::StrCat("cannot write the answer as JSON: ", std::string(status.message())));
  }
  return json;
}

}  // namespace m3lung::client
