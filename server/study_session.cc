#include "server/study_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/skip_reason.h"
#include "server/patient_result.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

constexpr char kStudyRejected[] = "the study was rejected, and its slices were not scored";

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace

std::shared_ptr<StudySession> StudySession::Create(const SessionEnvironment& environment,
                                                   StudySink& sink, uint64_t number) {
  return std::shared_ptr<StudySession>(new StudySession(environment, sink, number));
}

StudySession::StudySession(const SessionEnvironment& environment, StudySink& sink, uint64_t number)
    : env_(environment),
      sink_(sink),
      number_(number),
      started_(environment.clock.Now()),
      intake_(environment.limits) {}

void StudySession::Start() {
  absl::MutexLock lock(&mu_);
  ReadNextWithinCredit();
}

// --- Receiving -------------------------------------------------------------

void StudySession::OnRequest(v1::AnalyzeStudyRequest request) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  const int64_t bytes_before = intake_.bytes();
  std::optional<ReceivedInstance> finished;
  const ApiError error = intake_.Take(std::move(request), finished);
  env_.metrics.BytesReceived(static_cast<double>(intake_.bytes() - bytes_before));
  if (!error.status.ok()) return Fail(error.status, error.reason);
  if (state_ == State::kHeader) Open();
  if (finished.has_value()) DecodeLater(*std::move(finished));
  ReadNextWithinCredit();
}

void StudySession::Open() {
  const v1::StudyHeader& header = intake_.header();
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      env_.models.Find(header.model_name(), header.model_version());
  if (!model.ok()) return Fail(model.status(), v1::MODEL_UNKNOWN);
  model_ = *std::move(model);
  by_paper_ = header.crop_mode() == v1::PAPER ||
              (header.crop_mode() == v1::CROP_MODE_UNSPECIFIED &&
               ToProtoCropMode(model_->bundle->manifest.crop_mode) == v1::PAPER);
  state_ = State::kReading;
  SendProgress();
}

void StudySession::DecodeLater(ReceivedInstance instance) {
  ++in_work_;
  env_.pool.Run([self = shared_from_this(), instance = std::move(instance), by_paper = by_paper_,
                 input_size = model_->bundle->manifest.input_size] {
    if (self->cancellation_->cancelled()) return;
    self->OnDecoded(instance.number, self->Decode(instance, by_paper, input_size));
  });
}

StudySession::Decoded StudySession::Decode(const ReceivedInstance& instance, bool by_paper,
                                           int input_size) const {
  const absl::Time start = env_.clock.Now();
  Decoded decoded;
  if (instance.too_large) {
    decoded.slices = SkipError(
        SkipReason::kTooLarge,
        absl::StrCat("has more than ", env_.limits.instance_bytes(), " bytes, the server's limit"));
  } else if (instance.hu_slice.has_value()) {
    decoded.slices = std::vector<StudySlice>{FromHuSlice(instance.number, *instance.hu_slice)};
    decoded.sop_instance_uid = instance.hu_slice->sop_instance_uid();
  } else {
    decoded.slices = DecodeSlices(instance.number, instance.dicom, ToDecodeLimits(env_.limits));
    decoded.sop_instance_uid = decoded.slices.ok()
                                   ? decoded.slices->front().summary.header.sop_instance_uid
                                   : PeekSopInstanceUid(instance.dicom);
  }
  const absl::Time ready = env_.clock.Now();
  decoded.decode_time = ready - start;
  if (by_paper && decoded.slices.ok()) {
    for (StudySlice& slice : *decoded.slices) CropByPaper(input_size, slice);
    decoded.crop_time = env_.clock.Now() - ready;
  }
  return decoded;
}

void StudySession::ReadNextWithinCredit() {
  if (read_pending_ || half_closed_) return;
  if (state_ != State::kHeader && state_ != State::kReading) return;
  if (in_work_ >= env_.limits.unanswered_slices()) return;
  read_pending_ = true;
  sink_.ReadNext();
}

void StudySession::OnHalfClose() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  half_closed_ = true;
  if (const ApiError error = intake_.CheckEnd(); !error.status.ok()) {
    return Fail(error.status, error.reason);
  }
  AssembleWhenComplete();
}

void StudySession::OnWritten(const v1::AnalyzeStudyResponse& response) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
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
  if (state_ == State::kDone) return;
  End("CANCELLED", {absl::CancelledError("the client has gone"), v1::ERROR_REASON_UNSPECIFIED});
}

// --- Deciding what is used -------------------------------------------------

void StudySession::OnDecoded(int instance, Decoded decoded) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  decoded_.emplace(instance, std::move(decoded));
  AddInOrder();
  ReadNextWithinCredit();
}

// In the order sent, so that the answer does not depend on which was decoded first.
void StudySession::AddInOrder() {
  while (state_ != State::kDone && !decoded_.empty() &&
         decoded_.begin()->first == ledger_.instances()) {
    const int instance = decoded_.begin()->first;
    Decoded decoded = std::move(decoded_.begin()->second);
    decoded_.erase(decoded_.begin());
    if (decoded.slices.ok()) {
      timings_.set_decode_ms(timings_.decode_ms() + Milliseconds(decoded.decode_time));
      timings_.set_crop_ms(timings_.crop_ms() + Milliseconds(decoded.crop_time));
      env_.metrics.StageTook(Stage::kDecode, decoded.decode_time);
      if (by_paper_) env_.metrics.StageTook(Stage::kCrop, decoded.crop_time);
      ledger_.AddDecoded(*std::move(decoded.slices), decoded.sop_instance_uid);
    } else {
      ledger_.AddSkipped(decoded.slices.status(), decoded.sop_instance_uid);
    }
    if (by_paper_) {
      AdmitAsItCame(instance);
    } else {
      HoldForStudy(instance);
    }
  }
  AssembleWhenComplete();
}

void StudySession::AdmitAsItCame(int instance) {
  const std::vector<SliceNumber> admitted = ledger_.AdmitAsItCame();
  SendReceipt(instance);
  if (admitted.empty()) return;
  in_work_ += static_cast<int>(admitted.size()) - 1;
  to_score_ += static_cast<int>(admitted.size());
  for (const SliceNumber slice : admitted) {
    if (state_ != State::kDone) SubmitSlice(slice);
  }
}

void StudySession::HoldForStudy(int instance) {
  --in_work_;
  if (!ledger_.IsDecoded(instance)) return SendReceipt(instance);
  held_bytes_ += ledger_.HeldBytes(instance);
  if (held_bytes_ <= env_.limits.held_bytes()) return;
  Fail(absl::ResourceExhaustedError(
           absl::StrCat("the study's pixels take more than ", env_.limits.held_bytes(),
                        " bytes, the server's limit; send its series as studies of their own")),
       v1::STUDY_TOO_LARGE);
}

void StudySession::AssembleWhenComplete() {
  if (state_ != State::kReading || !half_closed_) return;
  if (ledger_.instances() < intake_.instances()) return;
  state_ = State::kAssembling;
  env_.pool.Run([self = shared_from_this()] { self->Assemble(); });
}

void StudySession::Assemble() {
  std::vector<SliceSummary> summaries;
  std::optional<std::vector<SliceNumber>> pinned;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kDone) return;
    summaries = ledger_.Summaries();
    pinned = ledger_.pinned();
  }
  const absl::Time start = env_.clock.Now();
  AssembledStudy study = env_.assemble(summaries, pinned);
  OnAssembled(std::move(study), env_.clock.Now() - start);
}

void StudySession::OnAssembled(AssembledStudy study, absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  timings_.set_assemble_ms(Milliseconds(duration));
  env_.metrics.StageTook(Stage::kAssemble, duration);
  ledger_.SetAssembled(std::move(study));
  findings_ = FindingsOf(ledger_, intake_.header().expected_instances());
  const std::vector<SliceNumber>& ordered = ledger_.HeadToFeet();
  for (size_t i = 0; i < ordered.size(); ++i) index_of_[ordered[i]] = static_cast<int>(i);
  state_ = State::kScoring;
  if (!by_paper_) {
    for (int instance = 0; instance < ledger_.instances(); ++instance) {
      if (ledger_.IsDecoded(instance)) SendReceipt(instance);
    }
    ledger_.ReleaseUnusedPixels();
  }
  SendProgress();
  if (!by_paper_) {
    const bool rejected = WorstVerdict(findings_) == Verdict::kRejected;
    for (const SliceNumber slice : ordered) {
      if (rejected || ledger_.LungMaskOf(slice).empty()) {
        AnswerUnscored(slice, rejected);
      } else {
        to_prepare_.push_back(slice);
      }
    }
    to_score_ = static_cast<int>(to_prepare_.size());
  }
  PrepareWithinWindow();
  AssessWhenScored();
}

// --- Scoring ---------------------------------------------------------------

void StudySession::PrepareWithinWindow() {
  if (state_ != State::kScoring) return;
  while (!to_prepare_.empty() && in_work_ < env_.limits.unanswered_slices()) {
    const SliceNumber slice = to_prepare_.front();
    to_prepare_.pop_front();
    ++in_work_;
    env_.pool.Run([self = shared_from_this(), slice, box = ledger_.study().chosen()->lungs.box,
                   input_size = model_->bundle->manifest.input_size] {
      if (!self->cancellation_->cancelled()) self->Prepare(slice, box, input_size);
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
  const absl::Time start = env_.clock.Now();
  CropByVolume(box, input_size, slice);
  const absl::Duration duration = env_.clock.Now() - start;

  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  timings_.set_crop_ms(timings_.crop_ms() + Milliseconds(duration));
  env_.metrics.StageTook(Stage::kCrop, duration);
  ledger_.slice(number) = std::move(slice);
  SubmitSlice(number);
}

void StudySession::SubmitSlice(SliceNumber slice) {
  SliceTask task;
  task.study = number_;
  task.urgent = intake_.header().priority() == v1::URGENT;
  task.hu = std::exchange(ledger_.slice(slice).input, {});
  task.cancellation = cancellation_;
  task.done = [self = shared_from_this(), slice](absl::StatusOr<SliceScores> scores,
                                                 SliceCost cost) {
    self->OnScored(slice, std::move(scores), cost);
  };
  if (absl::Status status = model_->batcher->Submit(std::move(task)); !status.ok()) {
    Fail(std::move(status), v1::NOT_READY);
  }
}

void StudySession::OnScored(SliceNumber slice, absl::StatusOr<SliceScores> scores, SliceCost cost) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (!scores.ok()) return Fail(scores.status(), v1::MODEL_FAILED);
  timings_.set_queue_ms(timings_.queue_ms() + Milliseconds(cost.queued));
  timings_.set_slice_model_ms(timings_.slice_model_ms() + Milliseconds(cost.scored));
  env_.metrics.StageTook(Stage::kQueue, cost.queued);
  env_.metrics.StageTook(Stage::kSliceModel, cost.scored);
  v1::SliceResult result = MakeSliceResult(ledger_.slice(slice), *scores,
                                           intake_.header().lesion_maps(), model_->reference);
  env_.metrics.SliceScored(NameOf(result.label()));
  ledger_.AddScores(slice, *std::move(scores));
  SendSlice(slice, std::move(result));
  AssessWhenScored();
}

void StudySession::AssessWhenScored() {
  if (state_ != State::kScoring || ledger_.scored() < to_score_) return;
  // A verdict that forbids a label needs no patient network.
  if (ledger_.scored() == 0 || WorstVerdict(findings_) >= Verdict::kAbstained) {
    return SendPatient(std::nullopt);
  }
  state_ = State::kAssessing;
  env_.pool.Run([self = shared_from_this()] { self->Assess(); });
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
  absl::StatusOr<ClassProbabilities> probabilities = runner->AssessPatient(features);
  OnAssessed(std::move(probabilities), env_.clock.Now() - start);
}

void StudySession::OnAssessed(absl::StatusOr<ClassProbabilities> probabilities,
                              absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (!probabilities.ok()) return Fail(probabilities.status(), v1::MODEL_FAILED);
  timings_.set_patient_model_ms(Milliseconds(duration));
  env_.metrics.StageTook(Stage::kPatientModel, duration);
  SendPatient(*probabilities);
}

// --- Answering -------------------------------------------------------------

void StudySession::SendReceipt(int instance) {
  v1::AnalyzeStudyResponse response;
  *response.mutable_receipt() = ledger_.ReceiptOf(instance);
  const v1::InstanceReceipt& receipt = response.receipt();
  env_.metrics.InstanceEnded(receipt.status() == v1::USED ? "USED" : NameOf(receipt.reason()));
  sink_.Send(std::move(response));
}

void StudySession::AnswerUnscored(SliceNumber slice, bool rejected) {
  v1::SliceResult result = MakeUnscoredResult(ledger_.slice(slice), model_->reference);
  if (rejected) result.add_warnings(kStudyRejected);
  SendSlice(slice, std::move(result));
}

void StudySession::SendSlice(SliceNumber slice, v1::SliceResult result) {
  v1::AnalyzeStudyResponse response;
  *response.mutable_slice() = std::move(result);
  if (const auto index = index_of_.find(slice); index != index_of_.end()) {
    response.mutable_slice()->set_index(index->second);
    if (const std::optional<float> share = AffectedShareOf(ledger_, slice)) {
      response.mutable_slice()->set_affected_lung_share(*share);
    }
  }
  if (!std::exchange(sent_a_slice_, true)) env_.metrics.FirstResult(env_.clock.Now() - started_);
  sink_.Send(std::move(response));
}

void StudySession::SendProgress() {
  v1::AnalyzeStudyResponse response;
  v1::StudyProgress& progress = *response.mutable_progress();
  progress.set_instances_received(intake_.instances());
  progress.set_slices_used(ledger_.used());
  progress.set_slices_scored(ledger_.scored());
  progress.set_upload_ended(state_ != State::kReading);
  sink_.Send(std::move(response));
}

void StudySession::SendPatient(const std::optional<ClassProbabilities>& probabilities) {
  timings_.set_total_ms(Milliseconds(env_.clock.Now() - started_));
  v1::AnalyzeStudyResponse response;
  v1::PatientResult& patient = *response.mutable_patient();
  patient = MakePatientResult(ledger_, findings_, probabilities,
                              model_->bundle->manifest.healthy_share_threshold);
  *patient.mutable_model() = model_->reference;
  *patient.mutable_timings() = timings_;
  patient.set_client_study_id(intake_.header().client_study_id());
  const std::string verdict = NameOf(patient.verdict());
  sink_.Send(std::move(response));
  End(verdict, {absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED});
}

void StudySession::Fail(absl::Status status, v1::ErrorReason reason) {
  const std::string outcome = CodeName(status.code());
  End(outcome, {std::move(status), reason});
}

void StudySession::End(const std::string& outcome, const ApiError& error) {
  state_ = State::kDone;
  cancellation_->Cancel();
  const absl::Duration duration = env_.clock.Now() - started_;
  env_.metrics.StudyEnded(outcome, duration);
  // The message of an error may quote what a client sent, so only its name is logged.
  spdlog::info("study {}: {}{}{}, {} instances, {} slices used, {:.0f} ms", number_, outcome,
               error.reason == v1::ERROR_REASON_UNSPECIFIED ? "" : " ",
               error.reason == v1::ERROR_REASON_UNSPECIFIED ? std::string()
                                                            : v1::ErrorReason_Name(error.reason),
               intake_.instances(), ledger_.used(), Milliseconds(duration));
  sink_.Finish(error);
}

}  // namespace m3lung
