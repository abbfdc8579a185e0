// SPDX-License-Identifier: Apache-2.0
#include "server/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

// A study that begins when the budget is so full would likely not come to its end.
constexpr double kFull = 0.9;
// Weight of the study ended last in the usual duration.
constexpr double kNewest = 0.1;
constexpr absl::Duration kLeastRetry = absl::Milliseconds(100);
constexpr absl::Duration kMostRetry = absl::Seconds(60);

ApiError Admitted() { return {absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED}; }

ApiError NotReady() {
  return {absl::UnavailableError("the server is loading its models or stopping; try another "
                                 "server, or again later"),
          v1::NOT_READY};
}

}  // namespace

void Admission::SetServing(bool serving) {
  absl::MutexLock lock(&mu_);
  serving_ = serving;
}

ApiError Admission::OpenStudy() {
  absl::MutexLock lock(&mu_);
  if (!serving_) return NotReady();
  if (open_studies_ >= limits_.open_studies()) {
    return TooMany(limits_.open_studies(), "studies");
  }
  if (static_cast<double>(budget_.taken()) > kFull * static_cast<double>(budget_.bytes())) {
    return {absl::ResourceExhaustedError(
                absl::StrCat("the server holds nearly as many bytes of studies as it may (",
                             budget_.bytes(), "); try again later")),
            v1::SERVER_FULL, RetryAfter()};
  }
  ++open_studies_;
  return Admitted();
}

ApiError Admission::OpenRoutine() {
  absl::MutexLock lock(&mu_);
  const int places = std::max(1, limits_.open_studies() - limits_.places_kept_for_urgent_studies());
  if (open_routine_ >= places) return TooMany(places, "routine studies");
  ++open_routine_;
  return Admitted();
}

void Admission::CloseRoutine() {
  absl::MutexLock lock(&mu_);
  --open_routine_;
}

void Admission::CloseStudy(absl::Duration took) {
  absl::MutexLock lock(&mu_);
  --open_studies_;
  if (took > absl::ZeroDuration()) usual_study_ += kNewest * (took - usual_study_);
}

ApiError Admission::OpenSlice() {
  absl::MutexLock lock(&mu_);
  if (!serving_) return NotReady();
  if (open_slices_ >= limits_.open_slices()) return TooMany(limits_.open_slices(), "slices");
  ++open_slices_;
  return Admitted();
}

void Admission::CloseSlice() {
  absl::MutexLock lock(&mu_);
  --open_slices_;
}

ApiError Admission::Full() const {
  absl::MutexLock lock(&mu_);
  return {absl::ResourceExhaustedError(
              absl::StrCat("the server holds as many bytes of studies as it may (", budget_.bytes(),
                           "), and this one needs more; send it again later")),
          v1::SERVER_FULL, RetryAfter()};
}

bool Admission::AwaitIdle(Clock& clock, absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  return clock.AwaitUntil(mu_, absl::Condition(this, &Admission::IsIdle), deadline);
}

ApiError Admission::TooMany(int places, const char* what) const {
  return {absl::ResourceExhaustedError(absl::StrCat("the server has ", places, " ", what,
                                                    " open, its limit; try again later")),
          v1::TOO_MANY_STUDIES, RetryAfter()};
}

// When the next study will end, as things go.
absl::Duration Admission::RetryAfter() const {
  return std::clamp(usual_study_ / std::max(1, open_studies_), kLeastRetry, kMostRetry);
}

}  // namespace m3lung
