// SPDX-License-Identifier: Apache-2.0
// Flow control of one study: how much of it may be under way, and be held, at a time.
#ifndef M3LUNG_SERVER_STUDY_FLOW_CONTROL_H_
#define M3LUNG_SERVER_STUDY_FLOW_CONTROL_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "preprocess/dicom_decoder.h"
#include "server/config.pb.h"
#include "server/ops/admission.h"
#include "server/ops/memory_budget.h"
#include "server/ops/metrics.h"
#include "server/study/study_intake.h"

namespace m3lung {

// At most one request is asked for at a time, and none while limits.unanswered_slices slices are in
// work; pixels that wait for the study's end are bounded by limits.held_bytes, and all that the
// study holds by the server's budget: its memory is bounded whatever its client does. Memory is
// taken from the budget before it is used; work that finds none waits for other work of its study
// to give some back, and ends the study where nothing of it is under way. A client that lets the
// study wait for limits.idle_seconds loses it.
//
// It is told what happens and answers what may happen next; an error that it returns is what the
// study must end with. In bytes throughout.
//
// Thread safety: none; the session's lock guards it.
// REQUIRES: what it is given outlives it. After End() only what says so may be called.
class FlowControl {
 public:
  // When work that asked for memory may go on; kNever: the study must end, the server being full.
  enum class Turn { kNow, kLater, kNever };
  // What the decoding of one instance was given of the budget.
  struct Grant {
    int64_t bytes = 0;
    bool full = false;  // It was refused more, for want of memory.
  };
  // What waited for memory and may be tried again.
  struct Retry {
    bool answers = false;
    std::shared_ptr<ReceivedInstance> instance = nullptr;
  };

  FlowControl(const server::Limits& limits, Admission& admission, ServerMetrics& metrics,
              const Clock& clock);

  // --- Credit for reading. Instances and slices are in work until the client has read what became
  // of them, or until they wait for the study's end.

  // The header has come. `as_they_come`: slices are answered while others are read, else the pixels
  // of so many instances as are announced, if they are, are set aside before they are sent.
  // RESOURCE_EXHAUSTED (SERVER_FULL) where there is no room for them.
  absl::Status Open(bool as_they_come, int expected_instances);
  // Whether the next request may be asked for; it then counts as asked for. Also after End().
  bool TakeReadCredit();
  // What was asked for has come.
  void OnRequest();
  void OnHalfClose();
  bool half_closed() const { return half_closed_; }

  // An instance has been received whole, and is in work.
  void BeginInstance() { ++in_work_; }
  // It is so many slices in work from here on. REQUIRES: slices >= 1.
  void SplitInstance(int slices) { in_work_ += slices - 1; }
  // It is no longer in work, its pixels wait for the study's end. RESOURCE_EXHAUSTED
  // (STUDY_TOO_LARGE) where they are too many.
  absl::Status KeepInstance(int64_t pixel_bytes);
  // Whether another slice that waited for the study's end may be taken into work; it then is.
  bool TakeSliceCredit();

  // --- Memory

  // So many more, or fewer where negative. RESOURCE_EXHAUSTED (SERVER_FULL), and nothing changes,
  // where there are no more.
  absl::Status Hold(int64_t bytes);
  void GiveBack(int64_t bytes);

  // --- Work, which gives memory back when it ends.

  void BeginDecoding() { ++decoding_; }
  // Whether the decoding may take so much, which it is then granted; the error, where it must stop.
  // RESOURCE_EXHAUSTED: SERVER_FULL, or STUDY_TOO_LARGE for more slices than a study may have.
  // CANCELLED after End().
  absl::Status Admit(const MemoryNeed& need, Grant& grant);
  // An instance that took `encoded_bytes` and what it was granted has been decoded.
  absl::Status OnDecoded(int64_t encoded_bytes, const Grant& grant, int64_t pixel_bytes,
                         int64_t coarse_bytes);
  // One was refused memory, and what it had been granted is given back. kNow: it may be tried
  // again at once, all that it was decoded beside having ended; kLater: it waits.
  Turn OnFull(std::shared_ptr<ReceivedInstance> instance, const Grant& grant);

  // Assembling holds the coarse slices once more, and several times over; then the masks alone.
  absl::Status BeginAssembling();
  absl::Status EndAssembling(int64_t mask_bytes);

  void BeginScoring() { ++scoring_; }
  // Whether a scored slice's map (0: it has none of full size) may be made, which then is held.
  Turn HoldForAnswer(int64_t map_bytes);
  // The slice's answer has been made; its map is held until OnWritten().
  void EndScoring(int64_t map_bytes);

  // To be called when memory may have been given back: what may be tried again, once.
  Retry TakeWaiting();

  // --- The client

  void OnSent();
  // It has read an answer with such a map. `ends_work`: the last about what was in work. Also after
  // End().
  void OnWritten(int64_t map_bytes, bool ends_work);
  // DEADLINE_EXCEEDED (CLIENT_IDLE) where the study, or after End() its end, has waited too long
  // for the client. Also after OnClosed().
  absl::Status CheckClient() const;

  // --- The end

  // Nothing waits any more, and nothing is held but, where the study was answered, the maps that
  // the client has yet to read.
  void End(bool answered);
  // Those neither. Also after End().
  void ReleaseAll();
  // The stream has closed. Also after End().
  void OnClosed();

  // What work that never has its turn ends the study with.
  absl::Status Full() const { return admission_.Full(); }

 private:
  bool HasRoomForMore() const;
  bool TryHold(int64_t bytes);

  const server::Limits& limits_;
  Admission& admission_;
  ServerMetrics& metrics_;
  const Clock& clock_;

  bool as_they_come_ = false;
  bool read_pending_ = false;
  bool half_closed_ = false;
  bool ended_ = false;
  bool closed_ = false;
  int in_work_ = 0;

  BudgetShare share_;
  int slices_ = 0;            // see limits.slices_per_study
  int64_t kept_bytes_ = 0;    // see limits.held_bytes
  int64_t coarse_bytes_ = 0;  // of all decoded slices
  int decoding_ = 0;          // instances
  int scoring_ = 0;           // slices, until they are answered
  int unread_maps_ = 0;       // of full size
  int64_t unread_map_bytes_ = 0;

  std::deque<std::shared_ptr<ReceivedInstance>> waiting_;
  bool tried_alone_ = false;  // the instance refused last
  bool answers_wait_ = false;

  int unread_ = 0;  // responses
  // When the client last sent or read, or was last given something to.
  absl::Time last_heard_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_FLOW_CONTROL_H_
