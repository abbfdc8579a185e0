// SPDX-License-Identifier: Apache-2.0
// One call of AnalyzeSlice, whatever carries its messages.
#ifndef M3LUNG_SERVER_STUDY_SLICE_CALL_H_
#define M3LUNG_SERVER_STUDY_SLICE_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "server/conversions.h"
#include "server/ops/memory_budget.h"
#include "server/study/slice_answer.h"
#include "server/study/study_session.h"

namespace m3lung {

// Decoded and cropped on the pool, scored in a batch, answered. Its memory (the request, the pixels
// and what decoding takes beside them, a map of full size) comes out of the budget of studies,
// before it is used; where that has none the call is refused.
//
// Thread safety: all methods may be called from any thread.
class SliceCall final : public std::enable_shared_from_this<SliceCall> {
 public:
  // `end` is called once, without a lock: with OK and the result, or with an error.
  using End = std::function<void(const absl::Status& error, v1::SliceResult result)>;

  // `number` as of a study; nobody waits for the answer after `deadline`.
  // REQUIRES: the environment outlives the call.
  static std::shared_ptr<SliceCall> Create(const SessionEnvironment& environment, uint64_t number,
                                           absl::Time deadline, v1::AnalyzeSliceRequest request,
                                           End end);

  ~SliceCall();

  void Start();
  // The client has gone, or its deadline has passed: ends at once, whatever is under way.
  void OnCancel();
  // Ends it for the server's own reasons.
  void EndWith(const absl::Status& error) { Finish(error, {}); }

 private:
  SliceCall(const SessionEnvironment& environment, uint64_t number, absl::Time deadline,
            v1::AnalyzeSliceRequest request, End end);

  void RunThere(Executor& executor, std::function<void()> work);
  // False, and the call has ended, where the budget lacks the bytes or the call has ended before.
  bool Hold(int64_t bytes);
  void Prepare();
  absl::StatusOr<StudySlice> Decode();
  void Submit(StudySlice slice);
  void OnScored(const StudySlice& slice, absl::StatusOr<SliceScores> scores, SliceCost cost);
  void Answer(const StudySlice& slice, const SliceScores& scores, SliceCost cost);
  void Finish(const absl::Status& error, v1::SliceResult result);

  // Constant after Start().
  const SessionEnvironment& env_;
  const uint64_t number_;
  const absl::Time deadline_;
  const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
  std::shared_ptr<ServedModel> model_;
  v1::LesionMapSize maps_ = v1::GRID;

  v1::AnalyzeSliceRequest request_;  // Prepare()'s once the call has started

  absl::Mutex mu_;
  BudgetShare share_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  End end_ ABSL_GUARDED_BY(mu_);
};

// The calls that are open, for what concerns them all.
//
// Thread safety: all methods may be called from any thread.
class OpenSliceCalls {
 public:
  // Until the call dies.
  void Add(const std::shared_ptr<SliceCall>& call);
  void EndAll(const absl::Status& error);

 private:
  absl::Mutex mu_;
  std::vector<std::weak_ptr<SliceCall>> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_SLICE_CALL_H_
