// SPDX-License-Identifier: Apache-2.0
// ScreeningService: studies and single slices.
#ifndef M3LUNG_SERVER_RPC_SCREENING_SERVICE_H_
#define M3LUNG_SERVER_RPC_SCREENING_SERVICE_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "m3lung/v1/screening.grpc.pb.h"
#include "server/conversions.h"
#include "server/study/open_sessions.h"
#include "server/study/slice_call.h"
#include "server/study/study_session.h"

namespace m3lung {

// Thread safety: all methods may be called from any thread.
// REQUIRES: the environment outlives the service, and all calls have ended before
// the service dies.
class ScreeningService final : public v1::ScreeningService::CallbackService {
 public:
  explicit ScreeningService(const SessionEnvironment& environment)
      : env_(environment),
        sessions_(environment.clock, absl::Seconds(environment.limits.idle_seconds())) {}

  // Ends the studies and the calls for one slice that are open.
  void EndAll(const absl::Status& error) {
    sessions_.EndAll(error);
    slice_calls_.EndAll(error);
  }

  grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>* AnalyzeStudy(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* AnalyzeSlice(grpc::CallbackServerContext* context,
                                         const v1::AnalyzeSliceRequest* request,
                                         v1::SliceResult* response) override;

 private:
  const SessionEnvironment& env_;
  OpenSessions sessions_;
  OpenSliceCalls slice_calls_;
  std::atomic<uint64_t> next_number_ = 1;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_RPC_SCREENING_SERVICE_H_
