// ScreeningService: studies and single slices.
#ifndef M3LUNG_SERVER_SCREENING_SERVICE_H_
#define M3LUNG_SERVER_SCREENING_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <optional>

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
  void SetServing(bool serving) { serving_.store(serving); }

  // Streams that are open.
  int open_studies() const { return open_studies_.load(); }

  grpc::ServerBidiReactor<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>* AnalyzeStudy(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* AnalyzeSlice(grpc::CallbackServerContext* context,
                                         const v1::AnalyzeSliceRequest* request,
                                         v1::SliceResult* response) override;

 private:
  // Why a new call is refused, if it is.
  std::optional<ApiError> Refusal() const;
  void EndStudy();

  const SessionEnvironment& env_;
  std::atomic<bool> serving_ = false;
  std::atomic<int> open_studies_ = 0;
  std::atomic<uint64_t> next_number_ = 1;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_SCREENING_SERVICE_H_
