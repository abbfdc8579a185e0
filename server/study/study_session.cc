// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"
#include "server/study/patient_result.h"
#include "server/study/slice_answer.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

// Pixels of an instance that was announced and has not come: 512 x 512, int16.
constexpr int64_t kTypicalInstanceBytes = 512 << 10;

}  // namespace

std::shared_ptr<StudySession> StudySession::Create(const SessionEnvironment& environment,
                                                   StudySink& sink, uint64_t number,
                                                   absl::Time deadline) {
  return std::shared_ptr<StudySession>(new StudySession(environment, sink, number, deadline));
}

StudySession::StudySession(const SessionEnvironment& environment, StudySink& sink, uint64_t number,
                           absl::Time deadline)
    : env_(environment),
      sink_(sink),
      number_(number),
      started_(environment.clock.Now()),
      deadline_(deadline),
      intake_(environment.limits),
      share_(environment.admission.budget()),
      last_heard_(started_) {}

void StudySession::Start() {
  absl::MutexLock lock(&mu_);
  ReadNextWithinCredit();
}

// --- Receiving -------------------------------------------------------------

void StudySession::OnRequest(v1::AnalyzeStudyRequest request) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  last_heard_ = env_.clock.Now();
  const int64_t bytes_before = intake_.bytes(), kept_before = intake_.bytes_kept();
  std::optional<ReceivedInstance> finished;
  const absl::Status error = intake_.Take(std::move(request), finished);
  env_.metrics.BytesReceived(static_cast<double>(intake_.bytes() - bytes_before));
  if (!error.ok()) return Fail(error);
  if (state_ == State::kHeader) Open();
  const int64_t kept = intake_.bytes_kept() + (finished.has_value() ? finished->bytes() : 0);
  if (state_ == State::kDone || !Hold(kept - kept_before)) return;
  if (finished.has_value()) {
    ++in_work_;
    DecodeLater(std::make_shared<ReceivedInstance>(*std::move(finished)));
  }
  ReadNextWithinCredit();
}

void StudySession::Open() {
  const v1::StudyHeader& header = intake_.header();
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      env_.models.Find(header.model_name(), header.model_version());
  if (!model.ok()) return Fail(CallError(model.status(), v1::MODEL_UNKNOWN));
  if (header.priority() != v1::URGENT) {
    if (const absl::Status error = env_.admission.OpenRoutine(); !error.ok()) {
      return Fail(error);
    }
    is_routine_ = true;
  }
  model_ = *std::move(model);
  by_paper_ =
      header.crop_mode() == v1::PAPER || (header.crop_mode() == v1::CROP_MODE_UNSPECIFIED &&
                                          model_->bundle->manifest.crop_mode == CropMode::kPaper);
  // Refused before it is sent, where what was announced has no room.
  const int64_t announced =
      by_paper_
          ? 0
          : std::min(header.expected_instances() * kTypicalInstanceBytes, env_.limits.held_bytes());
  if (!share_.SetAside(announced)) return Fail(env_.admission.Full());
  ledger_.Expect(header.study_instance_uid(), header.expected_instances());
  state_ = State::kReading;
  SendProgress();
}

void StudySession::ReadNextWithinCredit() {
  if (read_pending_ || half_closed_) return;
  if (state_ != State::kHeader && state_ != State::kReading) return;
  if (in_work_ >= env_.limits.unanswered_slices() || (in_work_ > 0 && !HasRoomForMore())) return;
  read_pending_ = true;
  last_heard_ = env_.clock.Now();
  sink_.ReadNext();
}

bool StudySession::HasRoomForMore() const {
  if (!by_paper_) return true;  // The pixels wait for the study's end: waiting gives none back.
  const MemoryBudget& budget = env_.admission.budget();
  // An instance as it comes, its pixels, and what decoding them takes.
  return budget.bytes() - budget.taken() >= 8 * kTypicalInstanceBytes;
}

void StudySession::OnHalfClose() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  half_closed_ = true;
  last_heard_ = env_.clock.Now();
  if (const absl::Status error = intake_.CheckEnd(); !error.ok()) return Fail(error);
  AssembleWhenComplete();
}

void StudySession::OnWritten(const v1::AnalyzeStudyResponse& response) {
  absl::MutexLock lock(&mu_);
  last_heard_ = env_.clock.Now();
  const int64_t map_bytes =
      response.has_slice() ? MapBytesOf(response.slice(), intake_.header().lesion_maps()) : 0;
  if (map_bytes > 0 && unwritten_maps_ > 0) {
    --unwritten_maps_;
    unwritten_map_bytes_ -= map_bytes;
    TryHold(-map_bytes);
  }
  if (state_ == State::kDone) return;
  if (map_bytes > 0) TryWaitingWork();
  --unwritten_;
  // The last word about a slice that was counted when it was read or prepared.
  const bool scored = response.has_slice() && response.slice().scored();
  const bool skipped =
      by_paper_ && response.has_receipt() && response.receipt().status() == v1::SKIPPED;
  if (scored || skipped) --in_work_;
  ReadNextWithinCredit();
  PrepareWithinWindow();
}

void StudySession::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return ReleaseAll();  // Nobody is there to read what was sent.
  End("CANCELLED", absl::CancelledError("the client has gone"));
}

void StudySession::EndIfIdle() {
  absl::MutexLock lock(&mu_);
  const absl::Duration limit = absl::Seconds(env_.limits.idle_seconds());
  if (closed_ || env_.clock.Now() - last_heard_ < limit) return;
  if (state_ == State::kDone) return sink_.Abandon();
  if (!read_pending_ && unwritten_ == 0) return;  // The client waits for the server.
  last_heard_ = env_.clock.Now();
  Fail(CallError(
      absl::DeadlineExceededError(absl::StrCat(
          "the client has neither sent nor read anything for ", absl::FormatDuration(limit),
          ", the server's limit; half-close the stream after the last instance")),
      v1::CLIENT_IDLE));
}

void StudySession::OnClosed() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
  ReleaseAll();
}

void StudySession::EndWith(const absl::Status& error) {
  absl::MutexLock lock(&mu_);
  if (state_ != State::kDone) Fail(error);
}

// --- Answering -------------------------------------------------------------

void StudySession::Send(v1::AnalyzeStudyResponse response) {
  ++unwritten_;
  last_heard_ = env_.clock.Now();
  sink_.Send(std::move(response));
}

void StudySession::SendReceipt(int instance) {
  v1::AnalyzeStudyResponse response;
  *response.mutable_receipt() = ledger_.ReceiptOf(instance);
  const v1::InstanceReceipt& receipt = response.receipt();
  env_.metrics.InstanceEnded(receipt.status() == v1::USED ? "USED" : NameOf(receipt.reason()));
  Send(std::move(response));
}

void StudySession::SendSlice(v1::SliceResult result) {
  v1::AnalyzeStudyResponse response;
  *response.mutable_slice() = std::move(result);
  if (!std::exchange(sent_a_slice_, true)) env_.metrics.FirstResult(env_.clock.Now() - started_);
  Send(std::move(response));
}

void StudySession::SendProgress() {
  v1::AnalyzeStudyResponse response;
  v1::StudyProgress& progress = *response.mutable_progress();
  progress.set_instances_received(intake_.instances());
  progress.set_slices_used(ledger_.used());
  progress.set_slices_scored(ledger_.scored());
  progress.set_upload_ended(state_ != State::kReading);
  Send(std::move(response));
}

void StudySession::SendPatient(const std::optional<ClassProbabilities>& probabilities) {
  timings_.set_total_ms(absl::ToDoubleMilliseconds(env_.clock.Now() - started_));
  v1::AnalyzeStudyResponse response;
  v1::PatientResult& patient = *response.mutable_patient();
  patient =
      MakePatientResult(ledger_, probabilities, model_->bundle->manifest.healthy_share_threshold);
  *patient.mutable_model() = model_->reference;
  *patient.mutable_timings() = timings_;
  patient.set_client_study_id(intake_.header().client_study_id());
  const std::string verdict = NameOf(patient.verdict());
  Send(std::move(response));
  const absl::Duration took = env_.clock.Now() - started_;
  env_.metrics.StudyAnswered(verdict, took);
  env_.admission.StudyAnswered(took);
  End(verdict, absl::OkStatus());
}

void StudySession::Fail(const absl::Status& error) { End(CodeName(error.code()), error); }

void StudySession::End(const std::string& outcome, const absl::Status& error) {
  state_ = State::kDone;
  cancellation_->Cancel();
  decoded_.clear();
  waiting_instances_.clear();
  last_heard_ = env_.clock.Now();  // The client has as long as ever to read its end.
  if (error.ok()) {
    // Maps that the client has not read yet.
    share_.SetAside(0);
    TryHold(unwritten_map_bytes_ - share_.held());
  } else {
    env_.metrics.StudyFailed(outcome);
    ReleaseAll();
  }
  if (is_routine_) env_.admission.CloseRoutine();
  const absl::Duration duration = env_.clock.Now() - started_;
  const v1::ErrorReason reason = ErrorReasonOf(error);
  // The message of an error may quote what a client sent, so only its name is logged.
  spdlog::info("study {}: {}{}{}, {} instances, {} slices used, {:.0f} ms", number_, outcome,
               reason == v1::ERROR_REASON_UNSPECIFIED ? "" : " ",
               reason == v1::ERROR_REASON_UNSPECIFIED ? "" : v1::ErrorReason_Name(reason),
               intake_.instances(), ledger_.used(), absl::ToDoubleMilliseconds(duration));
  sink_.Finish(error);
}

void StudySession::ReleaseAll() {
  share_.Release();
  unwritten_maps_ = 0;
  unwritten_map_bytes_ = 0;
  env_.metrics.SetStudyBytes(env_.admission.budget().taken());
}

}  // namespace m3lung
