#include "server/study_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/skip_reason.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

constexpr int kMaxStudyIdBytes = 128;
constexpr int kMaxChunkBytes = 1 << 20;

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

// Whether a response is the last about its instance.
bool EndsInstance(const v1::AnalyzeStudyResponse& response) {
  return response.has_slice() ||
         (response.has_receipt() && response.receipt().status() == v1::SKIPPED);
}

}  // namespace

std::shared_ptr<StudySession> StudySession::Create(const SessionEnvironment& environment,
                                                   StudySink& sink, uint64_t number) {
  return std::shared_ptr<StudySession>(new StudySession(environment, sink, number));
}

StudySession::StudySession(const SessionEnvironment& environment, StudySink& sink, uint64_t number)
    : env_(environment), sink_(sink), number_(number), started_(environment.clock.Now()) {}

void StudySession::Start() {
  absl::MutexLock lock(&mu_);
  ReadNextWithinCredit();
}

// --- Receiving -------------------------------------------------------------

void StudySession::OnRequest(v1::AnalyzeStudyRequest request) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  switch (request.message_case()) {
    case v1::AnalyzeStudyRequest::kHeader:
      OnHeader(request.header());
      break;
    case v1::AnalyzeStudyRequest::kDicom:
      OnChunk(std::move(*request.mutable_dicom()));
      break;
    case v1::AnalyzeStudyRequest::kHuSlice:
      OnHuSlice(std::move(*request.mutable_hu_slice()));
      break;
    case v1::AnalyzeStudyRequest::MESSAGE_NOT_SET:
      Fail(absl::InvalidArgumentError("a request must hold header, dicom or hu_slice"),
           v1::EMPTY_REQUEST);
      break;
  }
  ReadNextWithinCredit();
}

void StudySession::OnHeader(const v1::StudyHeader& header) {
  if (state_ != State::kHeader) {
    return Fail(absl::InvalidArgumentError("the header came twice; it is the first message, once"),
                v1::HEADER_MISPLACED);
  }
  if (header.client_study_id().size() > kMaxStudyIdBytes) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("header: client_study_id has ",
                                                        header.client_study_id().size(),
                                                        " bytes; at most ", kMaxStudyIdBytes)),
                v1::HEADER_INVALID);
  }
  if (header.expected_instances() < 0) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat(
            "header: expected_instances must not be negative; was ", header.expected_instances())),
        v1::HEADER_INVALID);
  }
  if (!v1::CropMode_IsValid(header.crop_mode()) ||
      !v1::LesionMapSize_IsValid(header.lesion_maps()) ||
      !v1::Priority_IsValid(header.priority())) {
    return Fail(absl::InvalidArgumentError(
                    "header: crop_mode, lesion_maps or priority has a value that this version of "
                    "the API does not know"),
                v1::HEADER_INVALID);
  }
  if (header.crop_mode() == v1::VOLUME) {
    return Fail(absl::UnimplementedError(
                    "crop mode VOLUME is not available in this version; ask for PAPER"),
                v1::CROP_MODE_UNAVAILABLE);
  }
  absl::StatusOr<std::shared_ptr<ServedModel>> model =
      env_.models.Find(header.model_name(), header.model_version());
  if (!model.ok()) return Fail(model.status(), v1::MODEL_UNKNOWN);
  model_ = *std::move(model);
  header_ = header;
  state_ = State::kReading;
  SendProgress();
}

void StudySession::OnChunk(v1::DicomChunk chunk) {
  if (state_ != State::kReading) {
    return Fail(absl::InvalidArgumentError("the first message must be the header"),
                v1::HEADER_MISPLACED);
  }
  if (chunk.data().size() > kMaxChunkBytes) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("dicom: a chunk has ", chunk.data().size(),
                                                        " bytes; at most ", kMaxChunkBytes)),
                v1::CHUNK_TOO_LARGE);
  }
  if (!in_instance_ && !BeginInstance()) return;
  if (!CountBytes(chunk.data().size())) return;
  if (bytes_.size() + chunk.data().size() > static_cast<size_t>(env_.limits.instance_bytes())) {
    too_large_ = true;  // Read on to its end, and keep none of it.
    std::string().swap(bytes_);
  }
  if (!too_large_) bytes_.append(chunk.data());
  if (!chunk.last()) return;

  in_instance_ = false;
  const int instance = instances_++;
  ++unanswered_;
  if (std::exchange(too_large_, false)) {
    decoded_.emplace(instance,
                     Decoded{SkipError(SkipReason::kTooLarge,
                                       absl::StrCat("has more than ", env_.limits.instance_bytes(),
                                                    " bytes, the server's limit")),
                             ""});
    return AdmitInOrder();
  }
  env_.pool.Run([self = shared_from_this(), instance, bytes = std::exchange(bytes_, {}),
                 input_size = model_->bundle->manifest.input_size] {
    if (self->cancellation_->cancelled()) return;
    absl::StatusOr<PreparedSlice> slice =
        PrepareDicom(bytes, ToDecodeLimits(self->env_.limits), input_size, self->env_.clock);
    std::string uid = slice.ok() ? slice->sop_instance_uid : PeekSopInstanceUid(bytes);
    self->OnDecoded(instance, {std::move(slice), std::move(uid)});
  });
}

void StudySession::OnHuSlice(v1::HuSlice slice) {
  if (state_ != State::kReading) {
    return Fail(absl::InvalidArgumentError("the first message must be the header"),
                v1::HEADER_MISPLACED);
  }
  if (in_instance_) {
    return Fail(absl::InvalidArgumentError("a hu_slice came before the last chunk of an instance"),
                v1::INSTANCE_UNFINISHED);
  }
  if (absl::Status status = CheckHuSlice(slice, ToDecodeLimits(env_.limits)); !status.ok()) {
    return Fail(std::move(status), v1::HU_SLICE_INVALID);
  }
  if (!BeginInstance() || !CountBytes(slice.hu().size())) return;
  in_instance_ = false;
  const int instance = instances_++;
  ++unanswered_;
  env_.pool.Run([self = shared_from_this(), instance, slice = std::move(slice),
                 input_size = model_->bundle->manifest.input_size] {
    if (self->cancellation_->cancelled()) return;
    self->OnDecoded(
        instance, {PrepareHuSlice(slice, input_size, self->env_.clock), slice.sop_instance_uid()});
  });
}

bool StudySession::CountBytes(size_t bytes) {
  env_.metrics.BytesReceived(static_cast<double>(bytes));
  study_bytes_ += static_cast<int64_t>(bytes);
  if (study_bytes_ <= env_.limits.study_bytes()) return true;
  Fail(absl::ResourceExhaustedError(
           absl::StrCat("the study has more than ", env_.limits.study_bytes(),
                        " bytes, the server's limit; send its series as studies of their own")),
       v1::STUDY_TOO_LARGE);
  return false;
}

bool StudySession::BeginInstance() {
  if (instances_ < env_.limits.instances_per_study()) return in_instance_ = true;
  Fail(absl::ResourceExhaustedError(
           absl::StrCat("the study has more than ", env_.limits.instances_per_study(),
                        " instances, the server's limit; send its series as studies of their own")),
       v1::STUDY_TOO_LARGE);
  return false;
}

void StudySession::ReadNextWithinCredit() {
  if (read_pending_ || (state_ != State::kHeader && state_ != State::kReading)) return;
  if (unanswered_ >= env_.limits.unanswered_slices()) return;
  read_pending_ = true;
  sink_.ReadNext();
}

void StudySession::OnHalfClose() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  read_pending_ = false;
  if (state_ == State::kHeader) {
    return Fail(absl::InvalidArgumentError("the stream ended before its header"),
                v1::HEADER_MISPLACED);
  }
  if (in_instance_) {
    return Fail(absl::InvalidArgumentError(
                    "the stream ended within an instance; mark its last chunk with `last`"),
                v1::INSTANCE_UNFINISHED);
  }
  state_ = State::kScoring;
  if (UploadAdmitted()) Advance();
}

void StudySession::OnWritten(const v1::AnalyzeStudyResponse& response) {
  absl::MutexLock lock(&mu_);
  if (EndsInstance(response)) --unanswered_;
  ReadNextWithinCredit();
}

void StudySession::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  End("CANCELLED", {absl::CancelledError("the client has gone"), v1::ERROR_REASON_UNSPECIFIED});
}

// --- Working ---------------------------------------------------------------

void StudySession::OnDecoded(int instance, Decoded decoded) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (decoded.slice.ok()) {
    timings_.set_decode_ms(timings_.decode_ms() + Milliseconds(decoded.slice->decode_time));
    timings_.set_crop_ms(timings_.crop_ms() + Milliseconds(decoded.slice->crop_time));
    env_.metrics.StageTook(Stage::kDecode, decoded.slice->decode_time);
    env_.metrics.StageTook(Stage::kCrop, decoded.slice->crop_time);
  }
  decoded_.emplace(instance, std::move(decoded));
  AdmitInOrder();
}

void StudySession::AdmitInOrder() {
  while (state_ != State::kDone && !decoded_.empty() &&
         decoded_.begin()->first == ledger_.admitted()) {
    const int instance = decoded_.begin()->first;
    Decoded decoded = std::move(decoded_.begin()->second);
    decoded_.erase(decoded_.begin());
    v1::AnalyzeStudyResponse response;
    v1::InstanceReceipt& receipt = *response.mutable_receipt();
    receipt = ledger_.Admit(instance, decoded.slice, decoded.sop_instance_uid);
    const bool used = receipt.status() == v1::USED;
    env_.metrics.InstanceEnded(used ? "USED" : NameOf(receipt.reason()));
    sink_.Send(std::move(response));
    if (used) SubmitSlice(instance, *std::move(decoded.slice));
  }
  if (state_ == State::kScoring && UploadAdmitted()) Advance();
}

void StudySession::SubmitSlice(int instance, PreparedSlice slice) {
  SliceTask task;
  task.study = number_;
  task.urgent = header_.priority() == v1::URGENT;
  task.hu = std::exchange(slice.input, {});
  task.cancellation = cancellation_;
  task.done = [self = shared_from_this(), instance, slice = std::move(slice)](
                  absl::StatusOr<SliceScores> scores, SliceCost cost) {
    self->OnScored(instance, slice, std::move(scores), cost);
  };
  if (absl::Status status = model_->batcher->Submit(std::move(task)); !status.ok()) {
    Fail(std::move(status), v1::NOT_READY);
  }
}

void StudySession::OnScored(int instance, const PreparedSlice& slice,
                            absl::StatusOr<SliceScores> scores, SliceCost cost) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (!scores.ok()) return Fail(scores.status(), v1::MODEL_FAILED);
  timings_.set_queue_ms(timings_.queue_ms() + Milliseconds(cost.queued));
  timings_.set_slice_model_ms(timings_.slice_model_ms() + Milliseconds(cost.scored));
  env_.metrics.StageTook(Stage::kQueue, cost.queued);
  env_.metrics.StageTook(Stage::kSliceModel, cost.scored);

  v1::AnalyzeStudyResponse response;
  *response.mutable_slice() =
      MakeSliceResult(slice, *scores, header_.lesion_maps(), model_->reference);
  response.mutable_slice()->set_instance(instance);
  if (const auto index = index_of_.find(instance); index != index_of_.end()) {
    response.mutable_slice()->set_index(index->second);
  }
  env_.metrics.SliceScored(NameOf(response.slice().label()));
  if (!std::exchange(sent_a_slice_, true)) env_.metrics.FirstResult(env_.clock.Now() - started_);
  ledger_.AddScores(instance, *std::move(scores));
  sink_.Send(std::move(response));
  if (state_ == State::kScoring && UploadAdmitted()) Advance();
}

// Called when the upload has ended and every instance is admitted, and after each
// score from then on.
void StudySession::Advance() {
  if (index_of_.empty()) {
    SendProgress();
    const std::vector<int> ordered = ledger_.HeadToFeet();
    for (size_t i = 0; i < ordered.size(); ++i) index_of_[ordered[i]] = static_cast<int>(i);
  }
  if (ledger_.scored() < ledger_.used()) return;
  if (ledger_.used() == 0) return SendPatient({});
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

void StudySession::SendProgress() {
  v1::AnalyzeStudyResponse response;
  v1::StudyProgress& progress = *response.mutable_progress();
  progress.set_instances_received(instances_);
  progress.set_slices_used(ledger_.used());
  progress.set_slices_scored(ledger_.scored());
  progress.set_upload_ended(state_ != State::kReading);
  sink_.Send(std::move(response));
}

void StudySession::SendPatient(const ClassProbabilities& probabilities) {
  timings_.set_total_ms(Milliseconds(env_.clock.Now() - started_));
  v1::AnalyzeStudyResponse response;
  v1::PatientResult& patient = *response.mutable_patient();
  patient =
      ledger_.MakePatientResult(probabilities, model_->bundle->manifest.healthy_share_threshold,
                                header_.expected_instances());
  *patient.mutable_model() = model_->reference;
  *patient.mutable_timings() = timings_;
  patient.set_client_study_id(header_.client_study_id());
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
               instances_, ledger_.used(), Milliseconds(duration));
  sink_.Finish(error);
}

}  // namespace m3lung
