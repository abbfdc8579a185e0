// SPDX-License-Identifier: Apache-2.0
// The first half of a study's way: received, decoded, and put together.
#include "server/study/study_session.h"

#include <utility>

#include "server/call_error.h"
#include "server/study/exception_barrier.h"

namespace m3lung {
namespace {

constexpr char kStudyRejected[] = "the study was rejected, and its slices were not scored";

int64_t MaskBytes(const AssembledStudy& study) {
  int64_t bytes = 0;
  if (study.chosen() == nullptr) return bytes;
  for (const cv::Mat& mask : study.chosen()->lungs.masks) {
    bytes += static_cast<int64_t>(mask.total() * mask.elemSize());
  }
  return bytes;
}

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
      flow_(environment.limits, environment.admission, environment.metrics, environment.clock) {}

void StudySession::Start() {
  absl::MutexLock lock(&mu_);
  ReadNextWithinCredit();
}

void StudySession::RunThere(Executor& executor, std::function<void()> work) {
  RunOn(executor, env_.admission, std::move(work),
        [self = shared_from_this()](const absl::Status& error) { self->EndWith(error); });
}

bool StudySession::GoesOn(const absl::Status& error) {
  if (!error.ok()) Fail(error);
  return error.ok();
}

// --- Receiving -------------------------------------------------------------

void StudySession::OnRequest(v1::AnalyzeStudyRequest request) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  flow_.OnRequest();
  const int64_t bytes_before = intake_.bytes(), kept_before = intake_.bytes_kept();
  std::optional<ReceivedInstance> finished;
  const absl::Status error = intake_.Take(std::move(request), finished);
  env_.metrics.BytesReceived(static_cast<double>(intake_.bytes() - bytes_before));
  if (!error.ok()) return Fail(error);
  if (state_ == State::kHeader) Open();
  const int64_t kept = intake_.bytes_kept() + (finished.has_value() ? finished->bytes() : 0);
  if (state_ == State::kDone || !GoesOn(flow_.Hold(kept - kept_before))) return;
  if (finished.has_value()) {
    flow_.BeginInstance();
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
  if (!GoesOn(flow_.Open(by_paper_, header.expected_instances()))) return;
  ledger_.Expect(header.study_instance_uid(), header.expected_instances());
  state_ = State::kReading;
  SendProgress();
}

void StudySession::ReadNextWithinCredit() {
  if (flow_.TakeReadCredit()) sink_.ReadNext();
}

void StudySession::OnHalfClose() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  flow_.OnHalfClose();
  if (GoesOn(intake_.CheckEnd())) AssembleWhenComplete();
}

// --- Decoding --------------------------------------------------------------

void StudySession::DecodeLater(std::shared_ptr<ReceivedInstance> instance) {
  flow_.BeginDecoding();
  const std::optional<int> paper_input_size =
      by_paper_ ? std::optional<int>(model_->bundle->manifest.input_size) : std::nullopt;
  RunThere(env_.pool, [this, instance = std::move(instance), paper_input_size] {
    if (!cancellation_->cancelled()) Decode(instance, paper_input_size);
  });
}

void StudySession::Decode(const std::shared_ptr<ReceivedInstance>& instance,
                          std::optional<int> paper_input_size) {
  FlowControl::Grant grant;
  absl::StatusOr<InstanceSlices> decoded = DecodeReceived(*instance, env_.limits, paper_input_size,
                                                          env_.clock, [&](const MemoryNeed& need) {
                                                            absl::MutexLock lock(&mu_);
                                                            return flow_.Admit(need, grant);
                                                          });
  const int64_t encoded_bytes = instance->bytes();
  if (decoded.ok()) {
    // Given back to the budget when they are gone. Nobody else has them: a refused one comes again
    // only after this.
    std::string().swap(instance->dicom);
    instance->hu_slice.reset();
  }

  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  if (grant.full) return OnFull(instance, grant);
  if (!decoded.ok()) return Fail(decoded.status());
  if (!GoesOn(flow_.OnDecoded(encoded_bytes, grant, decoded->bytes(), decoded->coarse_bytes()))) {
    return;
  }
  decoded_.emplace(instance->number, *std::move(decoded));
  AddInOrder();
  TryWaitingWork();
  ReadNextWithinCredit();
}

void StudySession::OnFull(std::shared_ptr<ReceivedInstance> instance,
                          const FlowControl::Grant& grant) {
  switch (flow_.OnFull(instance, grant)) {
    case FlowControl::Turn::kNow:
      return DecodeLater(std::move(instance));
    case FlowControl::Turn::kLater:
      return;
    case FlowControl::Turn::kNever:
      return Fail(flow_.Full());
  }
}

void StudySession::TryWaitingWork() {
  const FlowControl::Retry retry = flow_.TakeWaiting();
  if (retry.answers) AnswerLater();
  if (retry.instance != nullptr) DecodeLater(retry.instance);
}

// --- Putting together ------------------------------------------------------

// In the order sent, so that the answer does not depend on which was decoded first.
void StudySession::AddInOrder() {
  while (state_ != State::kDone && !decoded_.empty() &&
         decoded_.begin()->first == ledger_.instances()) {
    InstanceSlices decoded = std::move(decoded_.begin()->second);
    decoded_.erase(decoded_.begin());
    Add(std::move(decoded));
  }
  AssembleWhenComplete();
}

void StudySession::Add(InstanceSlices decoded) {
  const int instance = ledger_.instances();
  const int64_t bytes = decoded.bytes();
  if (decoded.slices.ok()) {
    timings_.set_decode_ms(timings_.decode_ms() + absl::ToDoubleMilliseconds(decoded.decode_time));
    timings_.set_crop_ms(timings_.crop_ms() + absl::ToDoubleMilliseconds(decoded.crop_time));
    env_.metrics.StageTook(Stage::kDecode, decoded.decode_time);
    if (by_paper_) env_.metrics.StageTook(Stage::kCrop, decoded.crop_time);
    ledger_.AddDecoded(*std::move(decoded.slices), decoded.header.sop_instance_uid);
  } else {
    ledger_.AddSkipped(decoded.slices.status(), decoded.header.sop_instance_uid,
                       decoded.header.identity);
  }
  if (by_paper_) {
    AdmitAsItCame(instance, bytes);
  } else {
    KeepForStudy(instance, bytes);
  }
}

void StudySession::AdmitAsItCame(int instance, int64_t bytes) {
  const std::vector<SliceNumber> admitted = ledger_.AdmitAsItCame();
  for (const SliceNumber slice : admitted) bytes -= ledger_.slice(slice).bytes();
  flow_.GiveBack(bytes);
  SendReceipt(instance);
  if (admitted.empty()) return;
  flow_.SplitInstance(static_cast<int>(admitted.size()));
  to_score_ += static_cast<int>(admitted.size());
  for (const SliceNumber slice : admitted) {
    if (state_ != State::kDone) SubmitSlice(slice);
  }
}

void StudySession::KeepForStudy(int instance, int64_t bytes) {
  const bool skipped = !ledger_.IsDecoded(instance);
  if (skipped) flow_.GiveBack(bytes);
  if (!GoesOn(flow_.KeepInstance(skipped ? 0 : bytes))) return;
  if (skipped) SendReceipt(instance);
}

void StudySession::AssembleWhenComplete() {
  if (state_ != State::kReading || !flow_.half_closed()) return;
  if (ledger_.instances() < intake_.instances()) return;
  state_ = State::kAssembling;
  RunThere(env_.pool, [this] { Assemble(); });
}

void StudySession::Assemble() {
  std::vector<SliceSummary> summaries;
  std::optional<std::vector<SliceNumber>> pinned;
  bool several = false;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kDone || !GoesOn(flow_.BeginAssembling())) return;
    summaries = ledger_.Summaries();
    pinned = ledger_.pinned();
    several = ledger_.census().IsSeveral();
  }
  const absl::Time start = env_.clock.Now();
  // Slices that were answered as they came keep their places all the same.
  AssembledStudy study = several && !pinned.has_value() ? RefuseAll(summaries.size())
                                                        : env_.assemble(summaries, pinned);
  OnAssembled(std::move(study), env_.clock.Now() - start);
}

void StudySession::OnAssembled(AssembledStudy study, absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) return;
  timings_.set_assemble_ms(absl::ToDoubleMilliseconds(duration));
  env_.metrics.StageTook(Stage::kAssemble, duration);
  ledger_.SetAssembled(std::move(study));
  // The coarse slices have served; of the lungs the masks are kept.
  ledger_.ReleaseCoarse();
  if (!GoesOn(flow_.EndAssembling(MaskBytes(ledger_.study())))) return;
  state_ = State::kScoring;
  if (!by_paper_) {
    for (int instance = 0; instance < ledger_.instances(); ++instance) {
      if (ledger_.IsDecoded(instance)) SendReceipt(instance);
    }
    flow_.GiveBack(ledger_.ReleaseUnusedPixels());
  }
  SendProgress();
  if (!by_paper_) ChooseSlices();
  PrepareWithinCredit();
  AssessWhenScored();
}

void StudySession::ChooseSlices() {
  const bool rejected = ledger_.verdict() == Verdict::kRejected;
  for (const SliceNumber slice : ledger_.HeadToFeet()) {
    if (!rejected && !ledger_.LungMaskOf(slice).empty()) {
      to_prepare_.push_back(slice);
      continue;
    }
    flow_.GiveBack(ledger_.ReleasePixels(slice));
    v1::SliceResult result = MakeUnscoredResult(ledger_.slice(slice), model_->reference);
    if (rejected) result.add_warnings(kStudyRejected);
    result.set_index(*ledger_.IndexOf(slice));
    SendSlice(std::move(result));
  }
  to_score_ = static_cast<int>(to_prepare_.size());
}

}  // namespace m3lung
