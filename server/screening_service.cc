#include "server/screening_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/study_reactor.h"

namespace m3lung {
namespace {

DecodeLimits ToDecodeLimits(const server::Limits& limits) {
  return {.max_rows = limits.image_side(), .max_columns = limits.image_side()};
}

// One call of AnalyzeSlice.
struct SliceCall {
  const SessionEnvironment& env;
  grpc::CallbackServerContext& context;
  grpc::ServerUnaryReactor& reactor;
  const v1::AnalyzeSliceRequest& request;
  v1::SliceResult& response;
  absl::Time started;

  void Finish(const ApiError& error) const {
    env.metrics.CallEnded("AnalyzeSlice", CodeName(error.status.code()), env.clock.Now() - started);
    reactor.Finish(ToGrpcStatus(error, context));
  }
};

absl::StatusOr<PreparedSlice> Prepare(const SliceCall& call, int input_size) {
  const DecodeLimits limits = ToDecodeLimits(call.env.limits);
  if (call.request.has_dicom()) {
    return PrepareDicom(call.request.dicom(), limits, input_size, call.env.clock);
  }
  if (absl::Status status = CheckHuSlice(call.request.hu_slice(), limits); !status.ok()) {
    return status;
  }
  return PrepareHuSlice(call.request.hu_slice(), input_size, call.env.clock);
}

void AnalyzeOneSlice(const SliceCall& call, uint64_t number) {
  if (call.request.slice_case() == v1::AnalyzeSliceRequest::SLICE_NOT_SET) {
    return call.Finish(
        {absl::InvalidArgumentError("the request must hold dicom or hu_slice"), v1::EMPTY_REQUEST});
  }
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      call.env.models.Find(call.request.model_name(), call.request.model_version());
  if (!model.ok()) return call.Finish({model.status(), v1::MODEL_UNKNOWN});
  absl::StatusOr<PreparedSlice> slice = Prepare(call, (*model)->bundle->manifest.input_size);
  if (!slice.ok()) return call.Finish({slice.status(), v1::SLICE_UNUSABLE});

  SliceTask task;
  task.study = number;
  task.hu = std::exchange(slice->input, {});
  task.done = [call, model = *model, slice = *std::move(slice)](absl::StatusOr<SliceScores> scores,
                                                                SliceCost cost) {
    if (!scores.ok()) return call.Finish({scores.status(), v1::MODEL_FAILED});
    call.env.metrics.StageTook(Stage::kSliceModel, cost.scored);
    call.response = MakeSliceResult(slice, *scores, call.request.lesion_maps(), model->reference);
    call.response.set_index(0);
    call.env.metrics.SliceScored(NameOf(call.response.label()));
    call.Finish({absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED});
  };
  if (absl::Status status = (*model)->batcher->Submit(std::move(task)); !status.ok()) {
    call.Finish({std::move(status), v1::NOT_READY});
  }
}

}  // namespace

std::optional<ApiError> ScreeningService::Refusal() const {
  if (serving_.load()) return std::nullopt;
  return ApiError{absl::UnavailableError("the server is loading its models or stopping; try "
                                         "another server, or again later"),
                  v1::NOT_READY};
}

grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>*
ScreeningService::AnalyzeStudy(grpc::CallbackServerContext* context) {
  if (const std::optional<ApiError> refusal = Refusal()) {
    env_.metrics.StudyEnded(CodeName(refusal->status.code()), absl::ZeroDuration());
    return new RefusedStudy(*context, *refusal);
  }
  if (open_studies_.fetch_add(1) >= env_.limits.open_studies()) {
    open_studies_.fetch_sub(1);
    env_.metrics.StudyEnded(CodeName(absl::StatusCode::kResourceExhausted), absl::ZeroDuration());
    return new RefusedStudy(
        *context,
        {absl::ResourceExhaustedError(absl::StrCat("the server has ", env_.limits.open_studies(),
                                                   " studies open, its limit; try again later")),
         v1::TOO_MANY_STUDIES});
  }
  env_.metrics.StudyOpened();
  auto* reactor =
      new StudyReactor(*context, env_, next_number_.fetch_add(1), [this] { EndStudy(); });
  reactor->Start();
  return reactor;
}

void ScreeningService::EndStudy() {
  env_.metrics.StudyClosed();
  open_studies_.fetch_sub(1);
}

grpc::ServerUnaryReactor* ScreeningService::AnalyzeSlice(grpc::CallbackServerContext* context,
                                                         const v1::AnalyzeSliceRequest* request,
                                                         v1::SliceResult* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const SliceCall call = {env_, *context, *reactor, *request, *response, env_.clock.Now()};
  if (const std::optional<ApiError> refusal = Refusal()) {
    call.Finish(*refusal);
    return reactor;
  }
  env_.pool.Run([call, number = next_number_.fetch_add(1)] { AnalyzeOneSlice(call, number); });
  return reactor;
}

}  // namespace m3lung
