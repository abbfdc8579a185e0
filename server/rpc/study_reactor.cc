// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/study_reactor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/rpc/grpc_status.h"
#include "server/study/exception_barrier.h"

namespace m3lung {

StudyReactor::StudyReactor(grpc::CallbackServerContext& context,
                           const SessionEnvironment& environment, uint64_t number,
                           std::function<void()> on_done)
    : context_(context),
      on_done_(std::move(on_done)),
      session_(StudySession::Create(environment, *this, number,
                                    environment.clock.WhenWallShows(context.deadline()))) {}

void StudyReactor::OnReadDone(bool ok) {
  // The session may end in here and gRPC then delete this object.
  const std::shared_ptr<StudySession> session = session_;
  if (ok) {
    v1::AnalyzeStudyRequest request;
    {
      absl::MutexLock lock(&mu_);
      request.Swap(&request_);
    }
    const absl::Status error = RunBehindBarrier([&] { session->OnRequest(std::move(request)); });
    if (!error.ok()) session->EndWith(error);
  } else if (!context_.IsCancelled()) {  // A cancelled stream has not ended: OnCancel() tells.
    session->OnHalfClose();
  }
}

void StudyReactor::OnWriteDone(bool ok) {
  const std::shared_ptr<StudySession> session = session_;
  v1::AnalyzeStudyResponse written;
  bool finish = false;
  {
    absl::MutexLock lock(&mu_);
    written = std::move(outgoing_.front());
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();  // Nobody is there to read them.
    if (!outgoing_.empty()) StartWrite(&outgoing_.front());
    finish = outgoing_.empty() && finishing_;
  }
  if (finish) return FinishStream();
  if (ok) {
    session->OnWritten(written);
  } else {
    session->OnCancel();
  }
}

void StudyReactor::OnCancel() {
  const std::shared_ptr<StudySession> session = session_;
  session->OnCancel();
}

void StudyReactor::OnDone() {
  session_->OnClosed();
  on_done_();
  delete this;
}

void StudyReactor::Send(v1::AnalyzeStudyResponse response) {
  absl::MutexLock lock(&mu_);
  outgoing_.push_back(std::move(response));
  if (outgoing_.size() == 1) StartWrite(&outgoing_.front());
}

void StudyReactor::ReadNext() {
  absl::MutexLock lock(&mu_);
  StartRead(&request_);
}

void StudyReactor::Finish(const absl::Status& error) {
  {
    absl::MutexLock lock(&mu_);
    finishing_ = true;
    error_ = error;
    // After an error only the message in flight still leaves.
    if (!error.ok() && outgoing_.size() > 1) outgoing_.resize(1);
    if (!outgoing_.empty()) return;
  }
  FinishStream();
}

void StudyReactor::FinishStream() {
  absl::Status error;
  {
    absl::MutexLock lock(&mu_);
    error = error_;
  }
  ServerBidiReactor::Finish(ToGrpcStatus(error, context_));
}

RefusedStudy::RefusedStudy(grpc::CallbackServerContext& context, const absl::Status& error) {
  Finish(ToGrpcStatus(error, context));
}

}  // namespace m3lung
