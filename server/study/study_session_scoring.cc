// SPDX-License-Identifier: Apache-2.0
// The second half of a study's way: scored, assessed, answered, and ended.
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"
#include "server/study/exception_barrier.h"
#include "server/study/patient_result.h"
#include "server/study/slice_answer.h"
#include "server/study/study_session.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

int64_t BytesOf(const SliceScores& scores) {
  return static_cast<int64_t>(sizeof(float) * (scores.map.values.size() + scores.features.size()));
}

// A runner that throws has failed as one that says so.
absl::StatusOr<ClassProbabilities> AssessWith(
    InferenceRunner& runner, const std::vector<const std::vector<float>*>& features) try {
  return runner.AssessPatient(features);
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat("patient network: ", e.what()));
}

}  // namespace

// --- Scoring ---------------------------------------------------------------

void StudySession::PrepareWithinCredit() {
  if (state_ != State::kScoring) return;
  while (!to_prepare_.empty() && flow_.TakeSliceCredit()) {
    const SliceNumber slice = to_prepare_.front();
    to_prepare_.pop_front();
    RunThere(env_.pool, [this, slice, box = ledger_.study().chosen()->lungs.box,
                         input_size = model_->bundle->manifest.input_size] {
      if (!cancellation_->cancelled()) Prepare(slice, box, input_size);
    });
  }
}

void StudySession::Prepare(SliceNumber number, const cv::Rect& box, int input_size) {
  StudySlice slice;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kDone) return;
    slice = std::move(ledger_.slice(number));  // Nobody else looks at it until it is back.
  }
  const int64_t bytes_before = slice.bytes();
  const absl::Time start = env_.clock.Now();
  MakeNetworkInput(box, input_size, slice);
  const absl::Duration duration = env_.clock.Now() - start;

  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  timings_.set_crop_ms(timings_.crop_ms() + absl::ToDoubleMilliseconds(duration));
  env_.metrics.StageTook(Stage::kCrop, duration);
  if (!GoesOn(flow_.Hold(slice.bytes() - bytes_before))) return;
  ledger_.slice(number) = std::move(slice);
  SubmitSlice(number);
}

void StudySession::SubmitSlice(SliceNumber slice) {
  SliceTask task;
  task.study = number_;
  task.urgent = !is_routine_;
  task.deadline = deadline_;
  task.hu = std::exchange(ledger_.slice(slice).input, {});
  task.cancellation = cancellation_;
  task.done = [self = shared_from_this(), slice](absl::StatusOr<SliceScores> scores,
                                                 SliceCost cost) {
    self->OnScored(std::make_unique<ScoredSlice>(
        ScoredSlice{.slice = slice, .scores = std::move(scores), .cost = cost}));
  };
  flow_.BeginScoring();
  if (absl::Status status = model_->batcher->Submit(std::move(task)); !status.ok()) {
    Fail(CallError(std::move(status), v1::NOT_READY));
  }
}

void StudySession::OnScored(std::unique_ptr<ScoredSlice> scored) {
  const absl::Status error = RunBehindBarrier([&] {
    if (scored_.Add(std::move(scored))) AnswerLater();
  });
  if (!error.ok()) EndWith(error);
}

void StudySession::AnswerLater() {
  RunThere(env_.answering, [this] { AnswerScored(); });
}

void StudySession::AnswerScored() {
  while (std::unique_ptr<ScoredSlice> next = scored_.Take()) {
    if (!Answer(next)) return;
  }
}

bool StudySession::Answer(std::unique_ptr<ScoredSlice>& scored) {
  SliceAnswer answer;
  std::shared_ptr<ServedModel> model;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kDone) {
      if (scored->scores.ok()) env_.metrics.SliceInVain();
      return true;
    }
    if (!scored->scores.ok()) {
      Fail(ScoringError(scored->scores.status()));
      return true;
    }
    model = model_;
    answer = {.slice = ledger_.slice(scored->slice),
              .maps = intake_.header().lesion_maps(),
              .index = ledger_.IndexOf(scored->slice),
              .lung_mask = ledger_.LungMaskOf(scored->slice)};
    switch (flow_.HoldForAnswer(answer.MapBytes())) {
      case FlowControl::Turn::kNow:
        break;
      case FlowControl::Turn::kLater:
        scored_.PutBack(std::move(scored));
        return false;
      case FlowControl::Turn::kNever:
        Fail(flow_.Full());
        return true;
    }
  }
  v1::SliceResult result = answer.Make(*scored->scores, model->reference);

  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) {
    env_.metrics.SliceInVain();
    return true;
  }
  flow_.EndScoring(answer.MapBytes());
  const SliceCost& cost = scored->cost;
  const int64_t input_size = model->bundle->manifest.input_size;
  if (!GoesOn(flow_.Hold(BytesOf(*scored->scores) -
                         static_cast<int64_t>(sizeof(int16_t)) * input_size * input_size))) {
    return true;
  }
  timings_.set_queue_ms(timings_.queue_ms() + absl::ToDoubleMilliseconds(cost.queued));
  timings_.set_slice_model_ms(timings_.slice_model_ms() + absl::ToDoubleMilliseconds(cost.scored));
  env_.metrics.StageTook(Stage::kQueue, cost.queued);
  env_.metrics.StageTook(Stage::kSliceModel, cost.scored);
  env_.metrics.SliceScored(NameOf(result.label()));
  ledger_.AddScores(scored->slice, *std::move(scored->scores));
  SendSlice(std::move(result));
  TryWaitingWork();
  AssessWhenScored();
  return true;
}

// --- Assessing -------------------------------------------------------------

void StudySession::AssessWhenScored() {
  if (state_ != State::kScoring || ledger_.scored() < to_score_) return;
  // A verdict that forbids a label needs no patient network.
  if (ledger_.scored() == 0 || ledger_.verdict() >= Verdict::kAbstained) {
    return SendPatient(std::nullopt);
  }
  state_ = State::kAssessing;
  RunThere(env_.pool, [this] { Assess(); });
}

void StudySession::Assess() {
  std::vector<const std::vector<float>*> features;
  InferenceRunner* runner = nullptr;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kDone) return;
    // Nothing changes the ledger from here on, so that its features may be used
    // without the lock.
    features = ledger_.Features();
    runner = model_->bundle->runner.get();
  }
  const absl::Time start = env_.clock.Now();
  absl::StatusOr<ClassProbabilities> probabilities = AssessWith(*runner, features);
  if (!probabilities.ok()) {
    if (const absl::Status device = runner->CheckDevice(); !device.ok()) {
      env_.device_failed(device);
      probabilities = device;
    }
  }
  OnAssessed(std::move(probabilities), env_.clock.Now() - start);
}

void StudySession::OnAssessed(absl::StatusOr<ClassProbabilities> probabilities,
                              absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (!probabilities.ok()) return Fail(ScoringError(probabilities.status()));
  timings_.set_patient_model_ms(absl::ToDoubleMilliseconds(duration));
  env_.metrics.StageTook(Stage::kPatientModel, duration);
  SendPatient(*probabilities);
}

// --- Answering -------------------------------------------------------------

void StudySession::Send(v1::AnalyzeStudyResponse response) {
  flow_.OnSent();
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

void StudySession::OnWritten(const v1::AnalyzeStudyResponse& response) {
  absl::MutexLock lock(&mu_);
  const int64_t map_bytes =
      response.has_slice() ? MapBytesOf(response.slice(), intake_.header().lesion_maps()) : 0;
  // The last word about a slice that was counted when it was read or prepared.
  const bool scored = response.has_slice() && response.slice().scored();
  const bool skipped =
      by_paper_ && response.has_receipt() && response.receipt().status() == v1::SKIPPED;
  flow_.OnWritten(map_bytes, /*ends_work=*/scored || skipped);
  if (state_ == State::kDone) return;
  if (map_bytes > 0) TryWaitingWork();
  ReadNextWithinCredit();
  PrepareWithinCredit();
}

// --- The end ---------------------------------------------------------------

void StudySession::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return flow_.ReleaseAll();  // Nobody is there to read what was sent.
  End("CANCELLED", absl::CancelledError("the client has gone"));
}

void StudySession::EndIfIdle() {
  absl::MutexLock lock(&mu_);
  const absl::Status error = flow_.CheckClient();
  if (error.ok()) return;
  if (state_ == State::kDone) return sink_.Abandon();
  Fail(error);
}

void StudySession::OnClosed() {
  absl::MutexLock lock(&mu_);
  flow_.OnClosed();
}

void StudySession::EndWith(const absl::Status& error) {
  absl::MutexLock lock(&mu_);
  if (state_ != State::kDone) Fail(error);
}

void StudySession::Fail(const absl::Status& error) { End(CodeName(error.code()), error); }

void StudySession::End(const std::string& outcome, const absl::Status& error) {
  state_ = State::kDone;
  cancellation_->Cancel();
  decoded_.clear();
  flow_.End(/*answered=*/error.ok());
  if (!error.ok()) env_.metrics.StudyFailed(outcome);
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

}  // namespace m3lung
