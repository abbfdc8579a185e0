// One study on its way through the server, whatever carries its messages.
#ifndef M3LUNG_SERVER_STUDY_SESSION_H_
#define M3LUNG_SERVER_STUDY_SESSION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/thread_pool.h"
#include "m3lung/v1/screening.pb.h"
#include "server/batching/slice_batcher.h"
#include "server/config.pb.h"
#include "server/conversions.h"
#include "server/metrics.h"
#include "server/model_registry.h"
#include "server/slice_preparation.h"
#include "server/study_ledger.h"

namespace m3lung {

// What all sessions share. REQUIRES: outlives them.
struct SessionEnvironment {
  const ModelRegistry& models;
  Executor& pool;  // for decoding, cropping and the patient network
  ServerMetrics& metrics;
  Clock& clock;
  const server::Limits limits;
};

// Carries a session's answers. Called with the session's lock held, so an
// implementation must not call back into the session from these.
class StudySink {
 public:
  virtual ~StudySink() = default;
  // Queues a response; OnWritten() follows when it has left.
  virtual void Send(v1::AnalyzeStudyResponse response) = 0;
  // Asks for the next request: OnRequest() or OnHalfClose() follows.
  virtual void ReadNext() = 0;
  // Ends the stream, once, after what was sent before. The last call on a sink.
  virtual void Finish(const ApiError& error) = 0;
};

// kHeader --header--> kReading --half-close--> kScoring --all scored--> kAssessing --> kDone
//    \________________________ cancel or error, any state ___________________________/
//
// At most one request is asked for at a time, and none while the study has
// limits.unanswered_slices instances that were read and not yet answered: the
// memory of a study is bounded whatever its client does.
//
// Thread safety: all methods may be called from any thread.
class StudySession final : public std::enable_shared_from_this<StudySession> {
 public:
  // `number` tells studies apart in the logs and in the batcher.
  // REQUIRES: `sink` lives until its Finish() has been called.
  static std::shared_ptr<StudySession> Create(const SessionEnvironment& environment,
                                              StudySink& sink, uint64_t number);

  // Asks for the first request.
  void Start();
  void OnRequest(v1::AnalyzeStudyRequest request);
  void OnHalfClose();
  void OnWritten(const v1::AnalyzeStudyResponse& response);
  // The client has gone, or its deadline has passed.
  void OnCancel();

 private:
  enum class State { kHeader, kReading, kScoring, kAssessing, kDone };
  // An instance that was decoded before one that was sent earlier.
  struct Decoded {
    absl::StatusOr<PreparedSlice> slice;
    std::string sop_instance_uid;
  };

  StudySession(const SessionEnvironment& environment, StudySink& sink, uint64_t number);

  void OnHeader(const v1::StudyHeader& header) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnChunk(v1::DicomChunk chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnHuSlice(v1::HuSlice slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool CountBytes(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool BeginInstance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReadNextWithinCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void OnDecoded(int instance, Decoded decoded);
  void AdmitInOrder() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SubmitSlice(int instance, PreparedSlice slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnScored(int instance, const PreparedSlice& slice, absl::StatusOr<SliceScores> scores,
                SliceCost cost);
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Assess();
  void OnAssessed(absl::StatusOr<ClassProbabilities> probabilities, absl::Duration duration);

  bool UploadAdmitted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return state_ != State::kReading && ledger_.admitted() == instances_;
  }
  void SendProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendPatient(const ClassProbabilities& probabilities) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Fail(absl::Status status, v1::ErrorReason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const std::string& outcome, const ApiError& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const SessionEnvironment& env_;
  StudySink& sink_;
  const uint64_t number_;
  const absl::Time started_;
  const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();

  absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kHeader;
  v1::StudyHeader header_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<ServedModel> model_ ABSL_GUARDED_BY(mu_);

  // The instance that is being received.
  std::string bytes_ ABSL_GUARDED_BY(mu_);
  bool in_instance_ ABSL_GUARDED_BY(mu_) = false;
  bool too_large_ ABSL_GUARDED_BY(mu_) = false;

  int instances_ ABSL_GUARDED_BY(mu_) = 0;  // received whole
  int64_t study_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int unanswered_ ABSL_GUARDED_BY(mu_) = 0;
  bool read_pending_ ABSL_GUARDED_BY(mu_) = false;

  std::map<int, Decoded> decoded_ ABSL_GUARDED_BY(mu_);  // waiting for earlier ones
  StudyLedger ledger_ ABSL_GUARDED_BY(mu_);
  std::map<int, int> index_of_ ABSL_GUARDED_BY(mu_);  // filled when all are admitted
  bool sent_a_slice_ ABSL_GUARDED_BY(mu_) = false;
  v1::StageTimings timings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_SESSION_H_
