// SPDX-License-Identifier: Apache-2.0
// A study session on a gRPC stream.
#ifndef M3LUNG_SERVER_RPC_STUDY_REACTOR_H_
#define M3LUNG_SERVER_RPC_STUDY_REACTOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "m3lung/v1/screening.pb.h"
#include "server/conversions.h"
#include "server/study/study_session.h"

namespace m3lung {

// Translates between gRPC's callbacks and StudySession: one read and one write in
// flight at most, the end after the last write. Deletes itself when gRPC is done
// with it.
class StudyReactor final
    : public grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>,
      private StudySink {
 public:
  // `on_done` is called once, last.
  StudyReactor(grpc::CallbackServerContext& context, const SessionEnvironment& environment,
               uint64_t number, std::function<void()> on_done);

  // Asks for the first request. Separate, since it hands `this` to other threads.
  void Start() { session_->Start(); }
  const std::shared_ptr<StudySession>& session() const { return session_; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Send(v1::AnalyzeStudyResponse response) override;
  void ReadNext() override;
  void Finish(const absl::Status& error) override;
  void Abandon() override { context_.TryCancel(); }
  // Ends the stream when all has been written; `mu_` must not be held, since gRPC
  // may delete this object at once.
  void FinishStream();

  grpc::CallbackServerContext& context_;
  const std::function<void()> on_done_;
  absl::Mutex mu_;
  // gRPC's from ReadNext() to OnReadDone(), perhaps on another thread.
  v1::AnalyzeStudyRequest request_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::AnalyzeStudyResponse> outgoing_ ABSL_GUARDED_BY(mu_);  // front: in flight
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mu_);

  const std::shared_ptr<StudySession> session_;
};

// Refuses a study before it has begun.
class RefusedStudy final
    : public grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse> {
 public:
  RefusedStudy(grpc::CallbackServerContext& context, const absl::Status& error);
  void OnDone() override { delete this; }
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_RPC_STUDY_REACTOR_H_
