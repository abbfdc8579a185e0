// SPDX-License-Identifier: Apache-2.0
#include "server/screening_service.h"

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/study_reactor.h"
#include "server/study_slice.h"

namespace m3lung {
namespace {

// One call of AnalyzeSlice. Deletes itself when gRPC is done with it.
class SliceReactor final : public grpc::ServerUnaryReactor {
 public:
  SliceReactor(const SessionEnvironment& environment, grpc::CallbackServerContext& context,
               const v1::AnalyzeSliceRequest& request_message, v1::SliceResult& response_message,
               std::function<void()> on_done)
      : env(environment),
        request(request_message),
        response(response_message),
        context_(context),
        started_(environment.clock.Now()),
        on_done_(std::move(on_done)) {}

  // Once; the last use of this object.
  void End(const ApiError& error) {
    env.metrics.CallEnded("AnalyzeSlice", CodeName(error.status.code()),
                          env.clock.Now() - started_);
    Finish(ToGrpcStatus(error, context_));
  }

  absl::Time deadline() const { return absl::FromChrono(context_.deadline()); }

  void OnDone() override {
    on_done_();
    delete this;
  }

  const SessionEnvironment& env;
  const v1::AnalyzeSliceRequest& request;
  v1::SliceResult& response;

 private:
  grpc::CallbackServerContext& context_;
  const absl::Time started_;
  const std::function<void()> on_done_;
};

// A slice alone gives no volume: it is cropped by the paper's box, whatever the
// bundle was trained with.
absl::StatusOr<StudySlice> Prepare(const SliceReactor& call, int input_size) {
  const DecodeLimits limits = ToDecodeLimits(call.env.limits);
  StudySlice slice;
  if (call.request.has_dicom()) {
    absl::StatusOr<std::vector<StudySlice>> slices = DecodeSlices(0, call.request.dicom(), limits);
    if (!slices.ok()) return slices.status();
    if (slices->size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the instance holds ", slices->size(), " frames; send it to AnalyzeStudy"));
    }
    slice = std::move(slices->front());
  } else {
    if (absl::Status status = CheckHuSlice(call.request.hu_slice(), limits); !status.ok()) {
      return status;
    }
    slice = FromHuSlice(0, call.request.hu_slice());
  }
  CropByPaper(input_size, slice);
  return slice;
}

void AnalyzeOneSlice(SliceReactor& call, uint64_t number) {
  if (call.request.slice_case() == v1::AnalyzeSliceRequest::SLICE_NOT_SET) {
    return call.End(
        {absl::InvalidArgumentError("the request must hold dicom or hu_slice"), v1::EMPTY_REQUEST});
  }
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      call.env.models.Find(call.request.model_name(), call.request.model_version());
  if (!model.ok()) return call.End({model.status(), v1::MODEL_UNKNOWN});
  absl::StatusOr<StudySlice> slice = Prepare(call, (*model)->bundle->manifest.input_size);
  if (!slice.ok()) return call.End({slice.status(), v1::SLICE_UNUSABLE});

  SliceTask task;
  task.study = number;
  task.deadline = call.deadline();
  task.hu = std::exchange(slice->input, {});
  task.done = [&call, model = *model, slice = *std::move(slice)](absl::StatusOr<SliceScores> scores,
                                                                 SliceCost cost) {
    if (!scores.ok()) return call.End(ScoringError(scores.status()));
    call.env.metrics.StageTook(Stage::kSliceModel, cost.scored);
    call.response = MakeSliceResult(slice, *scores, call.request.lesion_maps(), model->reference);
    call.response.set_index(0);
    call.env.metrics.SliceScored(NameOf(call.response.label()));
    call.End({absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED});
  };
  if (absl::Status status = (*model)->batcher->Submit(std::move(task)); !status.ok()) {
    call.End({std::move(status), v1::NOT_READY});
  }
}

}  // namespace

grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>*
ScreeningService::AnalyzeStudy(grpc::CallbackServerContext* context) {
  if (const ApiError refusal = env_.admission.OpenStudy(); !refusal.status.ok()) {
    env_.metrics.StudyEnded(CodeName(refusal.status.code()), absl::ZeroDuration());
    return new RefusedStudy(*context, refusal);
  }
  env_.metrics.StudyOpened();
  const absl::Time opened = env_.clock.Now();
  auto* reactor = new StudyReactor(*context, env_, next_number_.fetch_add(1), [this, opened] {
    env_.metrics.StudyClosed();
    env_.admission.CloseStudy(env_.clock.Now() - opened);
  });
  sessions_.Add(reactor->session());
  reactor->Start();
  return reactor;
}

grpc::ServerUnaryReactor* ScreeningService::AnalyzeSlice(grpc::CallbackServerContext* context,
                                                         const v1::AnalyzeSliceRequest* request,
                                                         v1::SliceResult* response) {
  const ApiError refusal = env_.admission.OpenSlice();
  auto* call =
      new SliceReactor(env_, *context, *request, *response, [this, admitted = refusal.status.ok()] {
        if (admitted) env_.admission.CloseSlice();
      });
  if (!refusal.status.ok()) {
    call->End(refusal);
  } else {
    env_.pool.Run([call, number = next_number_.fetch_add(1)] { AnalyzeOneSlice(*call, number); });
  }
  return call;
}

}  // namespace m3lung
