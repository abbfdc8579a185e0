// SPDX-License-Identifier: Apache-2.0
// One study on its way through the server, whatever carries its messages.
#ifndef M3LUNG_SERVER_STUDY_STUDY_SESSION_H_
#define M3LUNG_SERVER_STUDY_STUDY_SESSION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/thread_pool.h"
#include "m3lung/v1/screening.pb.h"
#include "preprocess/study/study_assembler.h"
#include "server/batching/slice_batcher.h"
#include "server/config.pb.h"
#include "server/conversions.h"
#include "server/ops/admission.h"
#include "server/ops/metrics.h"
#include "server/ops/model_registry.h"
#include "server/study/flow_control.h"
#include "server/study/instance_decoder.h"
#include "server/study/scored_slices.h"
#include "server/study/study_intake.h"
#include "server/study/study_ledger.h"
#include "server/study/study_slice.h"

namespace m3lung {

// AssembleStudy(), or a test's stand-in.
using StudyAssembler = std::function<AssembledStudy(
    absl::Span<const SliceSummary>, const std::optional<std::vector<SliceNumber>>& pinned)>;

// What all sessions share. REQUIRES: outlives them.
struct SessionEnvironment {
  const ModelRegistry& models;
  Executor& pool;  // for decoding, cropping, assembling and the patient network
  // For the answers of scored slices, which would wait long behind the decoding of other studies.
  Executor& answering;
  ServerMetrics& metrics;
  Clock& clock;
  const server::Limits limits;
  Admission& admission;
  StudyAssembler assemble = AssembleStudy;
  // The device of a model's networks can no longer compute.
  std::function<void(const absl::Status&)> device_failed = [](const absl::Status&) {};
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
  // Ends the stream, once, after what was sent before.
  virtual void Finish(const absl::Status& error) = 0;
  // After Finish(): ends the stream at once, since the client does not read what was sent.
  virtual void Abandon() = 0;
};

// kHeader --header--> kReading --half-close, all decoded--> kAssembling
//     --slices chosen--> kScoring --all scored--> kAssessing --> kDone
//    \____________ cancel or error, any state ____________________/
//
// In crop mode `paper` each slice is admitted and scored as it comes, already while
// kReading; what the study amounts to is judged when it has ended. In crop mode
// `volume` the pixels wait for the study's end, which chooses the slices and gives
// them their box; then they are cropped and scored, a window of them at a time.
//
// How much of it goes on at a time is flow control's to say (server/study/flow_control.h).
//
// Thread safety: all methods may be called from any thread.
class StudySession final : public std::enable_shared_from_this<StudySession> {
 public:
  // `number` tells studies apart in the logs and in the batcher; nobody waits for the
  // answer after `deadline`.
  // REQUIRES: `sink` lives until OnClosed() has been called.
  static std::shared_ptr<StudySession> Create(const SessionEnvironment& environment,
                                              StudySink& sink, uint64_t number,
                                              absl::Time deadline = absl::InfiniteFuture());

  // Asks for the first request.
  void Start();
  void OnRequest(v1::AnalyzeStudyRequest request);
  void OnHalfClose();
  void OnWritten(const v1::AnalyzeStudyResponse& response);
  // The client has gone, or its deadline has passed.
  void OnCancel();
  // Nothing more can be sent or read.
  void OnClosed();
  // Ends a study whose client has let it wait for too long, and after as long again the stream
  // of one that has ended and whose client does not read the answers.
  void EndIfIdle();
  // Ends the study for the server's own reasons.
  void EndWith(const absl::Status& error);

 private:
  enum class State { kHeader, kReading, kAssembling, kScoring, kAssessing, kDone };

  StudySession(const SessionEnvironment& environment, StudySink& sink, uint64_t number,
               absl::Time deadline);

  // Runs `work` there; what it throws ends the study.
  void RunThere(Executor& executor, std::function<void()> work);
  // Ends the study with the error, if it is one. Whether the study goes on.
  bool GoesOn(const absl::Status& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReadNextWithinCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void DecodeLater(std::shared_ptr<ReceivedInstance> instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Decode(const std::shared_ptr<ReceivedInstance>& instance,
              std::optional<int> paper_input_size);
  void OnFull(std::shared_ptr<ReceivedInstance> instance, const FlowControl::Grant& grant)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Work that had taken memory has given it back: what waits for that may try again.
  void TryWaitingWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void AddInOrder() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Add(InstanceSlices decoded) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AdmitAsItCame(int instance, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void KeepForStudy(int instance, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void AssembleWhenComplete() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Assemble();
  void OnAssembled(AssembledStudy study, absl::Duration duration);
  // Answers the slices that are not scored, and lines up the others.
  void ChooseSlices() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void PrepareWithinCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Prepare(SliceNumber slice, const cv::Rect& box, int input_size);
  void SubmitSlice(SliceNumber slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnScored(std::unique_ptr<ScoredSlice> scored);  // on a batch thread: only hands over
  void AnswerLater();
  void AnswerScored();
  // False where there is no memory for the answer now; then `scored` was put back.
  bool Answer(std::unique_ptr<ScoredSlice>& scored);

  void AssessWhenScored() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Assess();
  void OnAssessed(absl::StatusOr<ClassProbabilities> probabilities, absl::Duration duration);

  void Send(v1::AnalyzeStudyResponse response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendReceipt(int instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendSlice(v1::SliceResult result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendPatient(const std::optional<ClassProbabilities>& probabilities)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Fail(const absl::Status& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const std::string& outcome, const absl::Status& error)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const SessionEnvironment& env_;
  StudySink& sink_;
  const uint64_t number_;
  const absl::Time started_;
  const absl::Time deadline_;
  const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
  ScoredSlices scored_;

  absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kHeader;
  StudyIntake intake_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<ServedModel> model_ ABSL_GUARDED_BY(mu_);  // set when the header has come
  bool by_paper_ ABSL_GUARDED_BY(mu_) = false;               // likewise
  bool is_routine_ ABSL_GUARDED_BY(mu_) = false;             // and counted as such
  FlowControl flow_ ABSL_GUARDED_BY(mu_);

  std::map<int, InstanceSlices> decoded_ ABSL_GUARDED_BY(mu_);  // waiting for earlier ones
  StudyLedger ledger_ ABSL_GUARDED_BY(mu_);
  std::deque<SliceNumber> to_prepare_ ABSL_GUARDED_BY(mu_);  // crop mode volume
  int to_score_ ABSL_GUARDED_BY(mu_) = 0;
  bool sent_a_slice_ ABSL_GUARDED_BY(mu_) = false;
  v1::StageTimings timings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_STUDY_SESSION_H_
