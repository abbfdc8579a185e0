// SPDX-License-Identifier: Apache-2.0
// The second half of a study's way: which slices are used, and what the networks
// say to them.
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/call_error.h"
#include "server/study/exception_barrier.h"
#include "server/study/slice_answer.h"
#include "server/study/study_session.h"

namespace m3lung {
namespace {

// Bytes that finding the lungs takes for each byte of the coarse slices: they once more as a stack,
// and masks and labels of every element.
constexpr int64_t kAssemblyFactor = 8;

int64_t MaskBytes(const AssembledStudy& study) {
  int64_t bytes = 0;
  if (study.chosen() == nullptr) return bytes;
  for (const cv::Mat& mask : study.chosen()->lungs.masks) {
    bytes += static_cast<int64_t>(mask.total() * mask.elemSize());
  }
  return bytes;
}

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

constexpr char kStudyRejected[] = "the study was rejected, and its slices were not scored";

}  // namespace

// --- Deciding what is used -------------------------------------------------

// In the order sent, so that the answer does not depend on which was decoded first.
void StudySession::AddInOrder() {
  while (state_ != State::kDone && !decoded_.empty() &&
         decoded_.begin()->first == ledger_.instances()) {
    const int instance = decoded_.begin()->first;
    Decoded decoded = std::move(decoded_.begin()->second);
    decoded_.erase(decoded_.begin());
    const int64_t bytes = decoded.bytes();
    if (decoded.slices.ok()) {
      timings_.set_decode_ms(timings_.decode_ms() +
                             absl::ToDoubleMilliseconds(decoded.decode_time));
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
      HoldForStudy(instance, bytes);
    }
  }
  AssembleWhenComplete();
}

void StudySession::AdmitAsItCame(int instance, int64_t bytes) {
  const std::vector<SliceNumber> admitted = ledger_.AdmitAsItCame();
  for (const SliceNumber slice : admitted) bytes -= ledger_.slice(slice).bytes();
  Hold(-bytes);
  SendReceipt(instance);
  if (admitted.empty()) return;
  in_work_ += static_cast<int>(admitted.size()) - 1;
  to_score_ += static_cast<int>(admitted.size());
  for (const SliceNumber slice : admitted) {
    if (state_ != State::kDone) SubmitSlice(slice);
  }
}

void StudySession::HoldForStudy(int instance, int64_t bytes) {
  --in_work_;
  if (!ledger_.IsDecoded(instance)) {
    Hold(-bytes);
    return SendReceipt(instance);
  }
  held_bytes_ += bytes;
  if (held_bytes_ <= env_.limits.held_bytes()) return;
  Fail(CallError(absl::ResourceExhaustedError(absl::StrCat(
                     "the study's pixels take more than ", env_.limits.held_bytes(),
                     " bytes, the server's limit; send its series as studies of their own")),
                 v1::STUDY_TOO_LARGE));
}

void StudySession::AssembleWhenComplete() {
  if (state_ != State::kReading || !half_closed_) return;
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
    if (state_ == State::kDone || !Hold(kAssemblyFactor * coarse_bytes_)) return;
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
  Hold(MaskBytes(ledger_.study()) - (1 + kAssemblyFactor) * coarse_bytes_);
  state_ = State::kScoring;
  if (!by_paper_) {
    for (int instance = 0; instance < ledger_.instances(); ++instance) {
      if (ledger_.IsDecoded(instance)) SendReceipt(instance);
    }
    Hold(-ledger_.ReleaseUnusedPixels());
    share_.SetAside(0);
  }
  SendProgress();
  if (!by_paper_) {
    const bool rejected = ledger_.verdict() == Verdict::kRejected;
    for (const SliceNumber slice : ledger_.HeadToFeet()) {
      if (rejected || ledger_.LungMaskOf(slice).empty()) {
        Hold(-ledger_.ReleasePixels(slice));
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

void StudySession::AnswerUnscored(SliceNumber slice, bool rejected) {
  v1::SliceResult result = MakeUnscoredResult(ledger_.slice(slice), model_->reference);
  if (rejected) result.add_warnings(kStudyRejected);
  result.set_index(*ledger_.IndexOf(slice));
  SendSlice(std::move(result));
}

// --- Scoring ---------------------------------------------------------------

void StudySession::PrepareWithinWindow() {
  if (state_ != State::kScoring) return;
  while (!to_prepare_.empty() && in_work_ < env_.limits.unanswered_slices()) {
    const SliceNumber slice = to_prepare_.front();
    to_prepare_.pop_front();
    ++in_work_;
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
  if (!Hold(slice.bytes() - bytes_before)) return;
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
  ++scoring_;
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
    answer = AnswerOf(scored->slice);
    model = model_;
    if (!TryHold(answer.MapBytes())) {
      if (decoding_ > 0 || unwritten_maps_ > 0) {
        answers_wait_ = true;
        scored_.PutBack(std::move(scored));
        return false;
      }
      Fail(env_.admission.Full());
      return true;
    }
  }
  v1::SliceResult result = answer.Make(*scored->scores, model->reference);

  absl::MutexLock lock(&mu_);
  if (state_ == State::kDone) {
    env_.metrics.SliceInVain();
    return true;
  }
  --scoring_;
  if (answer.MapBytes() > 0) {
    ++unwritten_maps_;
    unwritten_map_bytes_ += answer.MapBytes();
  }
  const SliceCost& cost = scored->cost;
  const int64_t input_size = model->bundle->manifest.input_size;
  if (!Hold(BytesOf(*scored->scores) -
            static_cast<int64_t>(sizeof(int16_t)) * input_size * input_size)) {
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

SliceAnswer StudySession::AnswerOf(SliceNumber slice) const {
  SliceAnswer answer;
  answer.slice = ledger_.slice(slice);
  answer.maps = intake_.header().lesion_maps();
  answer.index = ledger_.IndexOf(slice);
  answer.lung_mask = ledger_.LungMaskOf(slice);
  return answer;
}

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

}  // namespace m3lung
