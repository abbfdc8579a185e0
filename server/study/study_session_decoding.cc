// SPDX-License-Identifier: Apache-2.0
// From received bytes to decoded slices, within the server's memory.
#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/skip_reason.h"
#include "server/call_error.h"
#include "server/study/exception_barrier.h"
#include "server/study/study_session.h"

namespace m3lung {

void StudySession::RunThere(Executor& executor, std::function<void()> work) {
  RunOn(executor, env_.admission, std::move(work),
        [self = shared_from_this()](const absl::Status& error) { self->EndWith(error); });
}

// --- Memory ----------------------------------------------------------------

bool StudySession::TryHold(int64_t bytes) {
  const bool held = share_.Hold(bytes);
  if (held) env_.metrics.SetStudyBytes(env_.admission.budget().taken());
  return held;
}

bool StudySession::Hold(int64_t bytes) {
  if (TryHold(bytes)) return true;
  Fail(env_.admission.Full());
  return false;
}

absl::Status StudySession::Admit(const MemoryNeed& need, Allowance& allowance) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return absl::CancelledError("the study has ended");
  if (slices_ + int64_t{need.frames} > env_.limits.slices_per_study()) {
    allowance.refusal =
        CallError(absl::ResourceExhaustedError(absl::StrCat(
                      "the study has more than ", env_.limits.slices_per_study(),
                      " slices, the server's limit; send its series as studies of their own")),
                  v1::STUDY_TOO_LARGE);
    return allowance.refusal;
  }
  if (!TryHold(need.bytes)) {
    allowance.full = true;
    return absl::ResourceExhaustedError("the server is full");
  }
  allowance.bytes += need.bytes;
  slices_ += need.frames;
  return absl::OkStatus();
}

// What waits must have something to wait for: decoding for all that is under way, answers for
// decoding and for the client's reading, since all other slices are answered after them.
void StudySession::TryWaitingWork() {
  if (state_ == State::kDone) return;
  if (std::exchange(answers_wait_, false)) {
    AnswerLater();
  } else if (!waiting_instances_.empty()) {
    const std::shared_ptr<ReceivedInstance> instance = std::move(waiting_instances_.front());
    waiting_instances_.pop_front();
    DecodeLater(instance);
  }
}

void StudySession::OnRefused(std::shared_ptr<ReceivedInstance> instance,
                             const Allowance& allowance) {
  absl::MutexLock lock(&mu_);
  --decoding_;
  if (state_ == State::kDone) return;
  TryHold(-allowance.bytes);
  if (!allowance.full) return Fail(allowance.refusal);
  const bool others = decoding_ > 0 || unwritten_maps_ > 0 || (scoring_ > 0 && !answers_wait_);
  if (!others) {
    // Those that wait may have been decoded beside it, and have given back what they had since.
    if (waiting_instances_.empty() || std::exchange(tried_alone_, true)) {
      return Fail(env_.admission.Full());
    }
    return DecodeLater(std::move(instance));
  }
  waiting_instances_.push_back(std::move(instance));
}

// --- Decoding --------------------------------------------------------------

void StudySession::DecodeLater(std::shared_ptr<ReceivedInstance> instance) {
  ++decoding_;
  RunThere(env_.pool, [this, instance = std::move(instance), by_paper = by_paper_,
                       input_size = model_->bundle->manifest.input_size] {
    if (!cancellation_->cancelled()) DecodeWithin(instance, by_paper, input_size);
  });
}

void StudySession::DecodeWithin(std::shared_ptr<ReceivedInstance> instance, bool by_paper,
                                int input_size) {
  Allowance allowance;
  Decoded decoded = Decode(*instance, by_paper, input_size, allowance);
  if (allowance.full || !allowance.refusal.ok()) {
    return OnRefused(std::move(instance), allowance);
  }
  const int64_t held = instance->bytes() + allowance.bytes;
  // Given back to the budget when they are gone. Nobody else has them: a refused one comes again
  // only after this.
  std::string().swap(instance->dicom);
  instance->hu_slice.reset();
  OnDecoded(instance->number, held, std::move(decoded));
}

StudySession::Decoded StudySession::Decode(const ReceivedInstance& instance, bool by_paper,
                                           int input_size, Allowance& allowance) {
  const absl::Time start = env_.clock.Now();
  Decoded decoded;
  if (instance.too_large) {
    decoded.slices = SkipError(
        SkipReason::kTooLarge,
        absl::StrCat("has more than ", env_.limits.instance_bytes(), " bytes, the server's limit"));
  } else if (instance.hu_slice.has_value()) {
    if (absl::Status admitted = Admit({.frames = 1, .bytes = instance.bytes()}, allowance);
        !admitted.ok()) {
      decoded.slices = std::move(admitted);
      return decoded;
    }
    decoded.slices = std::vector<StudySlice>{FromHuSlice(instance.number, *instance.hu_slice)};
    decoded.header.sop_instance_uid = instance.hu_slice->sop_instance_uid();
  } else {
    DecodeLimits limits = ToDecodeLimits(env_.limits);
    limits.admit = [this, &allowance](const MemoryNeed& need) { return Admit(need, allowance); };
    decoded.slices = ReadInstance(instance.number, instance.dicom, limits);
    if (allowance.full || !allowance.refusal.ok()) return decoded;
    if (decoded.slices.ok()) {
      decoded.header.sop_instance_uid = decoded.slices->front().summary.header.sop_instance_uid;
    } else {
      decoded.header = PeekHeader(instance.dicom);
    }
  }
  const absl::Time ready = env_.clock.Now();
  decoded.decode_time = ready - start;
  if (by_paper && decoded.slices.ok()) {
    for (StudySlice& slice : *decoded.slices) MakeNetworkInputByPaper(input_size, slice);
    decoded.crop_time = env_.clock.Now() - ready;
  }
  return decoded;
}

int64_t StudySession::Decoded::bytes() const {
  int64_t sum = 0;
  if (slices.ok()) {
    for (const StudySlice& slice : *slices) sum += slice.bytes();
  }
  return sum;
}

int64_t StudySession::Decoded::coarse_bytes() const {
  int64_t sum = 0;
  if (slices.ok()) {
    for (const StudySlice& slice : *slices) sum += slice.coarse_bytes();
  }
  return sum;
}

void StudySession::OnDecoded(int instance, int64_t held_bytes, Decoded decoded) {
  absl::MutexLock lock(&mu_);
  --decoding_;
  const int64_t coarse = decoded.coarse_bytes();
  if (state_ == State::kDone || !Hold(decoded.bytes() + coarse - held_bytes)) return;
  coarse_bytes_ += coarse;
  tried_alone_ = false;
  decoded_.emplace(instance, std::move(decoded));
  AddInOrder();
  TryWaitingWork();
  ReadNextWithinCredit();
}

}  // namespace m3lung
