// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/screening_service.h"

#include <functional>
#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/study_reactor.h"

namespace m3lung {
namespace {

// Carries a SliceCall's messages. Deletes itself when gRPC is done with it.
class SliceReactor final : public grpc::ServerUnaryReactor {
 public:
  SliceReactor(const SessionEnvironment& environment, grpc::CallbackServerContext& context,
               v1::SliceResult& response, std::function<void()> on_done)
      : env_(environment),
        context_(context),
        response_(response),
        started_(environment.clock.Now()),
        on_done_(std::move(on_done)) {}

  // Separate, since the call may end in there and gRPC then delete this object.
  void Start(std::shared_ptr<SliceCall> call) {
    {
      absl::MutexLock lock(&mu_);
      call_ = call;
    }
    call->Start();
  }

  // Once; the last use of this object.
  void End(const absl::Status& error, v1::SliceResult result) {
    env_.metrics.CallEnded("AnalyzeSlice", CodeName(error.code()), env_.clock.Now() - started_);
    response_.Swap(&result);
    Finish(ToGrpcStatus(error, context_));
  }

  void OnCancel() override {
    std::shared_ptr<SliceCall> call;
    {
      absl::MutexLock lock(&mu_);
      call = call_;
    }
    if (call != nullptr) call->OnCancel();
  }

  void OnDone() override {
    on_done_();
    delete this;
  }

 private:
  const SessionEnvironment& env_;
  grpc::CallbackServerContext& context_;
  v1::SliceResult& response_;
  const absl::Time started_;
  const std::function<void()> on_done_;
  absl::Mutex mu_;
  std::shared_ptr<SliceCall> call_ ABSL_GUARDED_BY(mu_);  // none for one that was refused
};

}  // namespace

grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>*
ScreeningService::AnalyzeStudy(grpc::CallbackServerContext* context) {
  if (const absl::Status refusal = env_.admission.OpenStudy(); !refusal.ok()) {
    env_.metrics.StudyFailed(CodeName(refusal.code()));
    return new RefusedStudy(*context, refusal);
  }
  env_.metrics.StudyOpened();
  auto* reactor = new StudyReactor(*context, env_, next_number_.fetch_add(1), [this] {
    env_.metrics.StudyClosed();
    env_.admission.CloseStudy();
  });
  sessions_.Add(reactor->session());
  reactor->Start();
  return reactor;
}

grpc::ServerUnaryReactor* ScreeningService::AnalyzeSlice(grpc::CallbackServerContext* context,
                                                         const v1::AnalyzeSliceRequest* request,
                                                         v1::SliceResult* response) {
  const absl::Status refusal = env_.admission.OpenSlice();
  auto* reactor = new SliceReactor(env_, *context, *response, [this, admitted = refusal.ok()] {
    if (admitted) env_.admission.CloseSlice();
  });
  if (!refusal.ok()) {
    reactor->End(refusal, {});
    return reactor;
  }
  // gRPC keeps the request until the call is finished, and looks at it no more: taken out, it can
  // outlive a call that is cancelled while its slice is decoded, and is not there twice.
  v1::AnalyzeSliceRequest taken;
  taken.Swap(const_cast<v1::AnalyzeSliceRequest*>(request));
  const auto call = SliceCall::Create(
      env_, next_number_.fetch_add(1), env_.clock.WhenWallShows(context->deadline()),
      std::move(taken), [reactor](const absl::Status& error, v1::SliceResult result) {
        reactor->End(error, std::move(result));
      });
  slice_calls_.Add(call);
  reactor->Start(call);
  return reactor;
}

}  // namespace m3lung
