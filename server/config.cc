// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "model/bundle/precision.h"

namespace m3lung {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Keeps the first error, with its place.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The number at `index` of a repeated field, or the value of a single one (-1).
double NumberOf(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return index < 0 ? reflection.GetInt32(message, &field)
                       : reflection.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection.GetInt64(message, &field));
    default:
      return reflection.GetDouble(message, &field);
  }
}

absl::Status CheckRange(const std::string& key, double value, const server::Range& range) {
  if (value >= range.min() && value <= range.max()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(key, " must be from ",
                                                 absl::SixDigits(range.min()), " to ",
                                                 absl::SixDigits(range.max()), "; was ", value));
}

absl::Status CheckRanges(const Message& message, const std::string& prefix) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const std::string key = absl::StrCat(prefix, std::string(field.name()));
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      M3L_RETURN_IF_ERROR(
          CheckRanges(message.GetReflection()->GetMessage(message, &field), key + "."));
      continue;
    }
    if (!field.options().HasExtension(server::range)) continue;
    const server::Range& range = field.options().GetExtension(server::range);
    if (!field.is_repeated()) {
      M3L_RETURN_IF_ERROR(CheckRange(key, NumberOf(message, field, -1), range));
      continue;
    }
    for (int j = 0; j < message.GetReflection()->FieldSize(message, &field); ++j) {
      M3L_RETURN_IF_ERROR(CheckRange(key, NumberOf(message, field, j), range));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAddress(absl::string_view key, const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  const absl::string_view host = absl::string_view(address).substr(0, colon);
  const bool in_brackets = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (colon != std::string::npos && colon > 0 &&
      absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) && port >= 0 &&
      port <= 65535 && (in_brackets || !absl::StrContains(host, ':'))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(key, " must be ADDRESS:PORT with a port from 0 to 65535, an IPv6 address in ",
                   "brackets ([::1]:50051); was \"", address, "\""));
}

absl::Status CheckDevices(absl::string_view devices) {
  for (absl::string_view device : absl::StrSplit(devices, ',')) {
    int number = 0;
    if (device == "cpu" || device == "cuda") continue;
    if (absl::ConsumePrefix(&device, "cuda:") && absl::SimpleAtoi(device, &number) && number >= 0) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("device must be cpu, cuda or cuda:N, or several separated by commas; was \"",
                     devices, "\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<server::ServerConfig> ReadConfig(const std::string& path) {
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  server::ServerConfig config;
  if (!parser.ParseFromString(text, &config)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", error.text()));
  }
  return config;
}

absl::Status ValidateConfig(const server::ServerConfig& config) {
  M3L_RETURN_IF_ERROR(CheckAddress("listen", config.listen()));
  M3L_RETURN_IF_ERROR(CheckAddress("metrics_listen", config.metrics_listen()));
  M3L_RETURN_IF_ERROR(CheckDevices(config.device()));
  M3L_RETURN_IF_ERROR(ParsePrecisionOrAuto(config.precision()).status());
  M3L_RETURN_IF_ERROR(CheckRanges(config, ""));
  const auto& sizes = config.batching().sizes();
  if (std::adjacent_find(sizes.begin(), sizes.end(), std::greater_equal<>()) != sizes.end()) {
    return absl::InvalidArgumentError("batching.sizes must rise from one to the next");
  }
  return absl::OkStatus();
}

}  // namespace m3lung
