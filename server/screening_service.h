// ScreeningService: studies and single slices.
#ifndef M3LUNG_SERVER_SCREENING_SERVICE_H_
#define M3LUNG_SERVER_SCREENING_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "m3lung/v1/screening.grpc.pb.h"
#include "server/conversions.h"
#include "server/study_session.h"

namespace m3lung {

// Thread safety: all methods may be called from any thread.
// REQUIRES: the environment outlives the service, and all calls have ended before
// the service dies.
class ScreeningService final : public v1::ScreeningService::CallbackService {
 public:
  explicit ScreeningService(const SessionEnvironment& environment) : env_(environment) {}

  // New calls are refused with UNAVAILABLE while it does not serve. Starts so.
  void SetServing(bool serving) {
    absl::MutexLock lock(&mu_);
    serving_ = serving;
  }

  // Blocks until no call is open or the clock reaches `deadline`; true for the
  // former.
  bool AwaitIdle(absl::Time deadline);

  grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>* AnalyzeStudy(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* AnalyzeSlice(grpc::CallbackServerContext* context,
                                         const v1::AnalyzeSliceRequest* request,
                                         v1::SliceResult* response) override;

 private:
  // Counts a call in, or says why it is refused.
  std::optional<ApiError> OpenStudy();
  std::optional<ApiError> OpenSlice();
  void CloseStudy();
  void CloseSlice();
  bool IsIdle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return open_studies_ == 0 && open_slices_ == 0;
  }

  const SessionEnvironment& env_;
  std::atomic<uint64_t> next_number_ = 1;

  absl::Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = false;
  int open_studies_ ABSL_GUARDED_BY(mu_) = 0;
  int open_slices_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_SCREENING_SERVICE_H_
