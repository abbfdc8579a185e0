// SPDX-License-Identifier: Apache-2.0
#include "client/remote_status.h"

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "m3lung/v1/screening.pb.h"

namespace m3lung::client {
namespace {

constexpr char kReasonKey[] = "m3lung-reason";
constexpr char kReasonPayload[] = "m3lung.v1/reason";

std::string AdviceForReason(const std::string& name) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (!v1::ErrorReason_Parse(name, &reason)) return "";
  switch (reason) {
    case v1::MODEL_UNKNOWN:
      return "`m3lung models` lists the models that the server has loaded.";
    case v1::STUDY_TOO_LARGE:
      return "Send one CT series of the chest, not a whole archive; the server's limits are in "
             "its configuration.";
    case v1::TOO_MANY_STUDIES:
      return "Try again in a moment: the server has as many studies open as it allows.";
    case v1::SERVER_FULL:
      return "Try again in a moment: the server holds as many bytes of studies as it may.";
    case v1::CLIENT_IDLE:
      return "Nothing came from this client for too long; is the disk or the network slow?";
    case v1::DEVICE_FAILED:
      return "Try another server: the device of this one has failed.";
    case v1::NOT_READY:
      return "Try again in a moment: the server is starting or stopping.";
    case v1::MODEL_FAILED:
      return "The server's log says what failed; another study may still work.";
    case v1::HEADER_INVALID:
      return "One of the options given is not accepted; see `m3lung analyze --help`.";
    default:
      return "Client and server may be of different versions.";
  }
}

std::string AdviceForCode(absl::StatusCode code, absl::string_view server) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return absl::StrCat("Is a server running at ", server,
                          "? Start one with `m3lungd`, or give its address with --server=ADDR.");
    case absl::StatusCode::kDeadlineExceeded:
      return "Give more time with --timeout=SECONDS; without it there is no limit.";
    case absl::StatusCode::kUnimplemented:
      return absl::StrCat("What answers at ", server, " is not a server of this version.");
    case absl::StatusCode::kResourceExhausted:
      return "The server is at one of its limits: try again later, or send less.";
    default:
      return "";
  }
}

}  // namespace

absl::Status FromRemote(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return absl::OkStatus();
  absl::Status converted(static_cast<absl::StatusCode>(status.error_code()),
                         status.error_message());
  const auto& trailer = context.GetServerTrailingMetadata();
  if (const auto entry = trailer.find(kReasonKey); entry != trailer.end()) {
    converted.SetPayload(kReasonPayload,
                         absl::Cord(absl::string_view(entry->second.data(), entry->second.size())));
  }
  return converted;
}

std::string ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kReasonPayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload([&changed](absl::string_view url, const absl::Cord& payload) {
    changed.SetPayload(url, payload);
  });
  return changed;
}

std::string ExplainFailure(const absl::Status& status, absl::string_view server) {
  const std::string reason = ReasonOf(status);
  std::string explained = Printable(status.message());
  if (explained.empty()) explained = "the call failed";
  absl::StrAppend(&explained, " (", absl::StatusCodeToString(status.code()),
                  reason.empty() ? "" : ", ", Printable(reason), ")");
  const std::string advice =
      reason.empty() ? AdviceForCode(status.code(), server) : AdviceForReason(reason);
  if (!advice.empty()) absl::StrAppend(&explained, "\n", advice);
  return explained;
}

}  // namespace m3lung::client
