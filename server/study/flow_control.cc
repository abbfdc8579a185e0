// SPDX-License-Identifier: Apache-2.0
#include "server/study/flow_control.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"

namespace m3lung {
namespace {

// Pixels of an instance that was announced and has not come: 512 x 512, int16.
constexpr int64_t kTypicalInstanceBytes = 512 << 10;
// Bytes that finding the lungs takes for each byte of the coarse slices: they once more as a stack,
// and masks and labels of every element.
constexpr int64_t kAssemblyFactor = 8;

}  // namespace

FlowControl::FlowControl(const server::Limits& limits, Admission& admission, ServerMetrics& metrics,
                         const Clock& clock)
    : limits_(limits),
      admission_(admission),
      metrics_(metrics),
      clock_(clock),
      share_(admission.budget()),
      last_heard_(clock.Now()) {}

// --- Credit for reading ----------------------------------------------------

absl::Status FlowControl::Open(bool as_they_come, int expected_instances) {
  as_they_come_ = as_they_come;
  if (as_they_come_) return absl::OkStatus();
  const int64_t announced =
      std::min(expected_instances * kTypicalInstanceBytes, int64_t{limits_.held_bytes()});
  return share_.SetAside(announced) ? absl::OkStatus() : Full();
}

bool FlowControl::TakeReadCredit() {
  if (ended_ || read_pending_ || half_closed_) return false;
  if (in_work_ >= limits_.unanswered_slices() || (in_work_ > 0 && !HasRoomForMore())) return false;
  read_pending_ = true;
  last_heard_ = clock_.Now();
  return true;
}

// Whether the server has bytes for one more instance. Where it has not, a study that will give
// some back as its slices are answered waits for that instead of being refused.
bool FlowControl::HasRoomForMore() const {
  if (!as_they_come_) return true;  // The pixels wait for the study's end: waiting gives none back.
  const MemoryBudget& budget = admission_.budget();
  // An instance as it comes, its pixels, and what decoding them takes.
  return budget.bytes() - budget.taken() >= 8 * kTypicalInstanceBytes;
}

void FlowControl::OnRequest() {
  read_pending_ = false;
  last_heard_ = clock_.Now();
}

void FlowControl::OnHalfClose() {
  OnRequest();
  half_closed_ = true;
}

absl::Status FlowControl::KeepInstance(int64_t pixel_bytes) {
  --in_work_;
  kept_bytes_ += pixel_bytes;
  if (kept_bytes_ <= limits_.held_bytes()) return absl::OkStatus();
  return StudyTooLarge(
      absl::StrCat("the study's pixels take more than ", limits_.held_bytes(), " bytes"));
}

bool FlowControl::TakeSliceCredit() {
  if (in_work_ >= limits_.unanswered_slices()) return false;
  ++in_work_;
  return true;
}

// --- Memory ----------------------------------------------------------------

bool FlowControl::TryHold(int64_t bytes) {
  const bool held = share_.Hold(bytes);
  if (held) metrics_.SetStudyBytes(admission_.budget().taken());
  return held;
}

absl::Status FlowControl::Hold(int64_t bytes) { return TryHold(bytes) ? absl::OkStatus() : Full(); }

void FlowControl::GiveBack(int64_t bytes) { TryHold(-bytes); }

// --- Work ------------------------------------------------------------------

absl::Status FlowControl::Admit(const MemoryNeed& need, Grant& grant) {
  if (ended_) return absl::CancelledError("the study has ended");
  if (slices_ + int64_t{need.frames} > limits_.slices_per_study()) {
    return StudyTooLarge(
        absl::StrCat("the study has more than ", limits_.slices_per_study(), " slices"));
  }
  if (!TryHold(need.bytes)) {
    grant.full = true;
    return Full();
  }
  grant.bytes += need.bytes;
  slices_ += need.frames;
  return absl::OkStatus();
}

absl::Status FlowControl::OnDecoded(int64_t encoded_bytes, const Grant& grant, int64_t pixel_bytes,
                                    int64_t coarse_bytes) {
  --decoding_;
  if (!TryHold(pixel_bytes + coarse_bytes - encoded_bytes - grant.bytes)) return Full();
  coarse_bytes_ += coarse_bytes;
  tried_alone_ = false;
  return absl::OkStatus();
}

// What waits must have something to wait for: decoding for all that is under way, answers for
// decoding and for the client's reading, since all other slices are answered after them.
FlowControl::Turn FlowControl::OnFull(std::shared_ptr<ReceivedInstance> instance,
                                      const Grant& grant) {
  --decoding_;
  GiveBack(grant.bytes);
  if (decoding_ > 0 || unread_maps_ > 0 || (scoring_ > 0 && !answers_wait_)) {
    waiting_.push_back(std::move(instance));
    return Turn::kLater;
  }
  // Those that wait may have been decoded beside it, and have given back what they had since.
  return waiting_.empty() || std::exchange(tried_alone_, true) ? Turn::kNever : Turn::kNow;
}

absl::Status FlowControl::BeginAssembling() { return Hold(kAssemblyFactor * coarse_bytes_); }

absl::Status FlowControl::EndAssembling(int64_t mask_bytes) {
  share_.SetAside(0);
  return Hold(mask_bytes - (1 + kAssemblyFactor) * coarse_bytes_);
}

FlowControl::Turn FlowControl::HoldForAnswer(int64_t map_bytes) {
  if (TryHold(map_bytes)) return Turn::kNow;
  if (decoding_ == 0 && unread_maps_ == 0) return Turn::kNever;
  answers_wait_ = true;
  return Turn::kLater;
}

void FlowControl::EndScoring(int64_t map_bytes) {
  --scoring_;
  if (map_bytes == 0) return;
  ++unread_maps_;
  unread_map_bytes_ += map_bytes;
}

FlowControl::Retry FlowControl::TakeWaiting() {
  Retry retry;
  if (std::exchange(answers_wait_, false)) {
    retry.answers = true;
  } else if (!waiting_.empty()) {
    retry.instance = std::move(waiting_.front());
    waiting_.pop_front();
  }
  return retry;
}

// --- The client ------------------------------------------------------------

void FlowControl::OnSent() {
  ++unread_;
  last_heard_ = clock_.Now();
}

void FlowControl::OnWritten(int64_t map_bytes, bool ends_work) {
  last_heard_ = clock_.Now();
  --unread_;
  if (ends_work) --in_work_;
  if (map_bytes == 0 || unread_maps_ == 0) return;  // or released before
  --unread_maps_;
  unread_map_bytes_ -= map_bytes;
  GiveBack(map_bytes);
}

absl::Status FlowControl::CheckClient() const {
  const absl::Duration limit = absl::Seconds(limits_.idle_seconds());
  if (closed_ || clock_.Now() - last_heard_ < limit) return absl::OkStatus();
  const bool waits_for_server = !ended_ && !read_pending_ && unread_ == 0;
  if (waits_for_server) return absl::OkStatus();
  return CallError(
      absl::DeadlineExceededError(absl::StrCat(
          "the client has neither sent nor read anything for ", absl::FormatDuration(limit),
          ", the server's limit; half-close the stream after the last instance")),
      v1::CLIENT_IDLE);
}

// --- The end ---------------------------------------------------------------

void FlowControl::End(bool answered) {
  ended_ = true;
  waiting_.clear();
  answers_wait_ = false;
  last_heard_ = clock_.Now();  // The client has as long as ever to read its end.
  if (!answered) return ReleaseAll();
  share_.SetAside(0);
  GiveBack(share_.held() - unread_map_bytes_);
}

void FlowControl::ReleaseAll() {
  share_.Release();
  unread_maps_ = 0;
  unread_map_bytes_ = 0;
  metrics_.SetStudyBytes(admission_.budget().taken());
}

void FlowControl::OnClosed() {
  closed_ = true;
  ReleaseAll();
}

}  // namespace m3lung
