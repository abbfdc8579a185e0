// SPDX-License-Identifier: Apache-2.0
#include "server/ops/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"

namespace m3lung {
namespace {

// A study that begins when the budget is so full would likely not come to its end.
constexpr double kFull = 0.9;
// Weight of the study answered last in the usual duration.
constexpr double kNewest = 0.1;
constexpr absl::Duration kLeastRetry = absl::Milliseconds(100);
constexpr absl::Duration kMostRetry = absl::Seconds(60);

absl::Status NotReady() {
  return CallError(
      absl::UnavailableError("the server is loading its models or stopping; try another "
                             "server, or again later"),
      v1::NOT_READY);
}

}  // namespace

void Admission::SetServing(bool serving) {
  absl::MutexLock lock(&mu_);
  serving_ = serving;
}

absl::Status Admission::OpenStudy() {
  absl::MutexLock lock(&mu_);
  if (!serving_) return NotReady();
  if (open_studies_ >= limits_.open_studies()) {
    return TooMany(limits_.open_studies(), "studies");
  }
  if (static_cast<double>(budget_.taken()) > kFull * static_cast<double>(budget_.bytes())) {
    return CallError(absl::ResourceExhaustedError(absl::StrCat(
                         "the server holds nearly as many bytes of studies as it may (",
                         budget_.bytes(), "); try again later")),
                     v1::SERVER_FULL, RetryAfter());
  }
  ++open_studies_;
  return absl::OkStatus();
}

absl::Status Admission::OpenRoutine() {
  absl::MutexLock lock(&mu_);
  const int places = std::max(1, limits_.open_studies() - limits_.places_kept_for_urgent_studies());
  if (open_routine_ >= places) return TooMany(places, "routine studies");
  ++open_routine_;
  return absl::OkStatus();
}

void Admission::CloseRoutine() {
  absl::MutexLock lock(&mu_);
  --open_routine_;
}

void Admission::CloseStudy() {
  absl::MutexLock lock(&mu_);
  --open_studies_;
}

void Admission::StudyAnswered(absl::Duration took) {
  absl::MutexLock lock(&mu_);
  usual_study_ += kNewest * (took - usual_study_);
}

absl::Status Admission::OpenSlice() {
  absl::MutexLock lock(&mu_);
  if (!serving_) return NotReady();
  if (open_slices_ >= limits_.open_slices()) return TooMany(limits_.open_slices(), "slices");
  ++open_slices_;
  return absl::OkStatus();
}

void Admission::CloseSlice() {
  absl::MutexLock lock(&mu_);
  --open_slices_;
}

absl::Status Admission::Full() const {
  absl::MutexLock lock(&mu_);
  return CallError(absl::ResourceExhaustedError(absl::StrCat(
                       "the server holds as many bytes of studies as it may (", budget_.bytes(),
                       "), and this one needs more; send it again later")),
                   v1::SERVER_FULL, RetryAfter());
}

bool Admission::AwaitIdle(Clock& clock, absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  return clock.AwaitUntil(mu_, absl::Condition(this, &Admission::IsIdle), deadline);
}

absl::Status Admission::TooMany(int places, const char* what) const {
  return CallError(absl::ResourceExhaustedError(absl::StrCat("the server has ", places, " ", what,
                                                             " open, its limit; try again later")),
                   v1::TOO_MANY_STUDIES, RetryAfter());
}

// When the next study will end, as things go.
absl::Duration Admission::RetryAfter() const {
  return std::clamp(usual_study_ / std::max(1, open_studies_), kLeastRetry, kMostRetry);
}

}  // namespace m3lung
