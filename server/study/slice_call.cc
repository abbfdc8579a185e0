// SPDX-License-Identifier: Apache-2.0
#include "server/study/slice_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"
#include "server/study/exception_barrier.h"

namespace m3lung {
namespace {

int64_t BytesOf(const v1::AnalyzeSliceRequest& request) {
  return static_cast<int64_t>(request.dicom().size() + request.hu_slice().hu().size());
}

// The error of a call whose slice cannot be used. Too large a slice is no reason to come again:
// its client is to send another.
absl::Status Unusable(const absl::Status& why) {
  return CallError(absl::InvalidArgumentError(why.message()), v1::SLICE_UNUSABLE);
}

}  // namespace

std::shared_ptr<SliceCall> SliceCall::Create(const SessionEnvironment& environment, uint64_t number,
                                             absl::Time deadline, v1::AnalyzeSliceRequest request,
                                             End end) {
  return std::shared_ptr<SliceCall>(
      new SliceCall(environment, number, deadline, std::move(request), std::move(end)));
}

SliceCall::SliceCall(const SessionEnvironment& environment, uint64_t number, absl::Time deadline,
                     v1::AnalyzeSliceRequest request, End end)
    : env_(environment),
      number_(number),
      deadline_(deadline),
      request_(std::move(request)),
      share_(environment.admission.budget()),
      end_(std::move(end)) {}

SliceCall::~SliceCall() {
  share_.Release();
  env_.metrics.SetStudyBytes(env_.admission.budget().taken());
}

void SliceCall::Start() {
  if (request_.slice_case() == v1::AnalyzeSliceRequest::SLICE_NOT_SET) {
    return EndWith(CallError(absl::InvalidArgumentError("the request must hold dicom or hu_slice"),
                             v1::EMPTY_REQUEST));
  }
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      env_.models.Find(request_.model_name(), request_.model_version());
  if (!model.ok()) return EndWith(CallError(model.status(), v1::MODEL_UNKNOWN));
  model_ = *std::move(model);
  maps_ = request_.lesion_maps();
  if (!Hold(BytesOf(request_))) return;
  RunThere(env_.pool, [this] {
    if (!cancellation_->cancelled()) Prepare();
  });
}

void SliceCall::OnCancel() { EndWith(absl::CancelledError("the client has gone")); }

void SliceCall::RunThere(Executor& executor, std::function<void()> work) {
  RunOn(executor, env_.admission, std::move(work),
        [self = shared_from_this()](const absl::Status& error) { self->EndWith(error); });
}

bool SliceCall::Hold(int64_t bytes) {
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return false;
    if (share_.Hold(bytes)) {
      env_.metrics.SetStudyBytes(env_.admission.budget().taken());
      return true;
    }
  }
  EndWith(env_.admission.Full());
  return false;
}

// A slice alone gives no volume: it is cropped by the paper's box, whatever the
// bundle was trained with.
void SliceCall::Prepare() {
  absl::StatusOr<StudySlice> slice = Decode();
  if (!slice.ok()) return EndWith(Unusable(slice.status()));  // unless it has ended already
  MakeNetworkInputByPaper(model_->bundle->manifest.input_size, *slice);
  slice->summary.coarse.release();
  request_.Clear();
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    share_.Hold(slice->bytes() - share_.held());  // is fewer
    env_.metrics.SetStudyBytes(env_.admission.budget().taken());
  }
  Submit(*std::move(slice));
}

absl::StatusOr<StudySlice> SliceCall::Decode() {
  DecodeLimits limits = ToDecodeLimits(env_.limits);
  limits.admit = [this](const MemoryNeed& need) -> absl::Status {
    if (need.frames > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the instance holds ", need.frames, " frames; send it to AnalyzeStudy"));
    }
    return Hold(need.bytes) ? absl::OkStatus() : absl::CancelledError("the call has ended");
  };
  if (request_.has_dicom()) {
    absl::StatusOr<std::vector<StudySlice>> slices = ReadInstance(0, request_.dicom(), limits);
    if (!slices.ok()) return slices.status();
    return std::move(slices->front());
  }
  if (absl::Status status = CheckHuSlice(request_.hu_slice(), limits); !status.ok()) return status;
  if (absl::Status status = limits.admit({.frames = 1, .bytes = BytesOf(request_)}); !status.ok()) {
    return status;
  }
  return FromHuSlice(0, request_.hu_slice());
}

void SliceCall::Submit(StudySlice slice) {
  SliceTask task;
  task.study = number_;
  task.deadline = deadline_;
  task.hu = std::exchange(slice.input, {});
  task.cancellation = cancellation_;
  task.done = [self = shared_from_this(), slice = std::move(slice)](
                  absl::StatusOr<SliceScores> scores, SliceCost cost) {
    self->OnScored(slice, std::move(scores), cost);
  };
  if (absl::Status status = model_->batcher->Submit(std::move(task)); !status.ok()) {
    EndWith(CallError(std::move(status), v1::NOT_READY));
  }
}

void SliceCall::OnScored(const StudySlice& slice, absl::StatusOr<SliceScores> scores,
                         SliceCost cost) {
  const absl::Status error = RunBehindBarrier([&] {
    RunThere(env_.answering, [this, slice, scores = std::move(scores), cost] {
      if (cancellation_->cancelled()) {
        if (scores.ok()) env_.metrics.SliceInVain();
        return;
      }
      if (!scores.ok()) return EndWith(ScoringError(scores.status()));
      Answer(slice, *scores, cost);
    });
  });
  if (!error.ok()) EndWith(error);
}

void SliceCall::Answer(const StudySlice& slice, const SliceScores& scores, SliceCost cost) {
  const SliceAnswer answer = {.slice = slice, .maps = maps_};
  const int64_t side = model_->bundle->manifest.input_size;
  if (!Hold(answer.MapBytes() - side * side * int64_t{sizeof(int16_t)})) return;
  v1::SliceResult result = answer.Make(scores, model_->reference);
  result.set_index(0);
  env_.metrics.StageTook(Stage::kSliceModel, cost.scored);
  env_.metrics.SliceScored(NameOf(result.label()));
  Finish(absl::OkStatus(), std::move(result));
}

void SliceCall::Finish(const absl::Status& error, v1::SliceResult result) {
  End end;
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(ended_, true)) return;
    end = std::move(end_);
    // The answer's map is held until the call dies with its carrier, which is when it is written.
    if (!error.ok()) share_.Release();
    env_.metrics.SetStudyBytes(env_.admission.budget().taken());
  }
  cancellation_->Cancel();
  end(error, std::move(result));
}

void OpenSliceCalls::Add(const std::shared_ptr<SliceCall>& call) {
  absl::MutexLock lock(&mu_);
  calls_.erase(
      std::remove_if(calls_.begin(), calls_.end(), [](const auto& one) { return one.expired(); }),
      calls_.end());
  calls_.push_back(call);
}

void OpenSliceCalls::EndAll(const absl::Status& error) {
  std::vector<std::shared_ptr<SliceCall>> alive;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& call : calls_) {
      if (auto one = call.lock()) alive.push_back(std::move(one));
    }
  }
  for (const auto& call : alive) call->EndWith(error);
}

}  // namespace m3lung
