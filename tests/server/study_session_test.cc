#include "server/study_session.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/testing/fake_assembler.h"
#include "tests/testing/fake_runner.h"
#include "tests/testing/manual_executor.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeAssembler;
using ::m3lung::testing::FakeRunner;
using ::m3lung::testing::ManualExecutor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keeps what a session sends.
class RecordingSink final : public StudySink {
 public:
  void Send(v1::AnalyzeStudyResponse response) override {
    absl::MutexLock lock(&mu_);
    sent_.push_back(std::move(response));
  }
  void ReadNext() override {
    absl::MutexLock lock(&mu_);
    ++reads_;
  }
  void Finish(const ApiError& error) override {
    absl::MutexLock lock(&mu_);
    ended_.push_back(error);
  }

  int reads() const {
    absl::MutexLock lock(&mu_);
    return reads_;
  }
  bool ended() const {
    absl::MutexLock lock(&mu_);
    return !ended_.empty();
  }
  ApiError WaitForEnd() {
    absl::MutexLock lock(&mu_);
    const auto ended = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !ended_.empty(); };
    mu_.Await(absl::Condition(&ended));
    EXPECT_EQ(ended_.size(), 1);
    return ended_.front();
  }
  // Blocks until `count` slice results have been sent.
  void WaitForSlices(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::count_if(sent_.begin(), sent_.end(),
                           [](const auto& response) { return response.has_slice(); }) >= count;
    };
    mu_.Await(absl::Condition(&enough));
  }
  std::vector<v1::AnalyzeStudyResponse> sent() const {
    absl::MutexLock lock(&mu_);
    return sent_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<v1::AnalyzeStudyResponse> sent_ ABSL_GUARDED_BY(mu_);
  std::vector<ApiError> ended_ ABSL_GUARDED_BY(mu_);
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
};

class StudySessionTest : public ::testing::Test {
 protected:
  StudySessionTest() {
    auto bundle = std::make_shared<Bundle>();
    bundle->manifest.input_size = 4;
    bundle->manifest.crop_mode = "paper";
    auto runner = std::make_unique<FakeRunner>();
    runner_ = runner.get();
    bundle->runner = std::move(runner);
    auto model = std::make_shared<ServedModel>();
    model->bundle = bundle;
    model->reference.set_name("fake");
    model->reference.set_notice("made of nothing");
    model->batcher = *SliceBatcher::Create({.sizes = {1}, .max_wait = absl::ZeroDuration()},
                                           *runner_, Clock::Real(), [](const BatchReport&) {});
    models_.Add(std::move(model));
    limits_.set_unanswered_slices(2);
    limits_.set_instances_per_study(6);
    limits_.set_instance_bytes(1024);
    limits_.set_study_bytes(4096);
    limits_.set_frames_per_instance(6);
    limits_.set_held_bytes(1 << 20);
  }

  // From here on the batch thread finds the session ended and its sink unused.
  ~StudySessionTest() override { session_->OnCancel(); }

  void Begin() { Begin(sink_); }
  void Begin(StudySink& sink) {
    environment_ = std::make_unique<SessionEnvironment>(
        SessionEnvironment{models_, executor_, metrics_, Clock::Real(), limits_, assembler_});
    session_ = StudySession::Create(*environment_, sink, 1);
    session_->Start();
  }
  void SendHeader(const v1::StudyHeader& header = {}) {
    v1::AnalyzeStudyRequest request;
    *request.mutable_header() = header;
    session_->OnRequest(request);
  }
  void SendHu(int16_t pixel, double position_mm) {
    v1::AnalyzeStudyRequest request;
    v1::HuSlice& slice = *request.mutable_hu_slice();
    slice.set_rows(4);
    slice.set_columns(4);
    slice.set_row_spacing_mm(1);
    slice.set_column_spacing_mm(1);
    slice.set_position_mm(position_mm);
    for (int i = 0; i < 16; ++i) {
      slice.mutable_hu()->push_back(static_cast<char>(pixel & 0xff));
      slice.mutable_hu()->push_back(static_cast<char>(pixel >> 8));
    }
    session_->OnRequest(request);
  }
  void SendChunk(const std::string& bytes, bool last) {
    v1::AnalyzeStudyRequest request;
    request.mutable_dicom()->set_data(bytes);
    request.mutable_dicom()->set_last(last);
    session_->OnRequest(request);
  }
  // Plays the client that reads: everything sent so far has been written.
  void WriteAll() {
    const auto sent = sink_.sent();
    for (; written_ < sent.size(); ++written_) session_->OnWritten(sent[written_]);
  }
  void ExpectError(absl::StatusCode code, v1::ErrorReason reason, const std::string& message) {
    const ApiError error = sink_.WaitForEnd();
    EXPECT_EQ(error.status.code(), code) << error.status;
    EXPECT_EQ(error.reason, reason) << v1::ErrorReason_Name(error.reason);
    EXPECT_THAT(std::string(error.status.message()), HasSubstr(message));
  }

  FakeRunner* runner_ = nullptr;
  ModelRegistry models_;
  ManualExecutor executor_;
  ServerMetrics metrics_;
  server::Limits limits_;
  FakeAssembler assembler_;
  RecordingSink sink_;
  std::unique_ptr<SessionEnvironment> environment_;
  std::shared_ptr<StudySession> session_;
  size_t written_ = 0;
};

TEST_F(StudySessionTest, AnswersEachInstanceEachSliceAndThePatientLast) {
  Begin();
  v1::StudyHeader header;
  header.set_client_study_id("mine");
  SendHeader(header);
  SendHu(1, /*position_mm=*/10);
  SendHu(2, /*position_mm=*/30);
  executor_.RunFirst();
  executor_.RunFirst();
  sink_.WaitForSlices(2);
  WriteAll();
  SendHu(3, /*position_mm=*/20);
  session_->OnHalfClose();
  runner_->Hold(true);
  executor_.RunFirst();  // The last slice; it is scored when the study is assembled.
  executor_.RunFirst();  // The assembler.
  runner_->Hold(false);
  executor_.RunFirst();  // The patient network.
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());

  int progress = 0, receipts = 0, slices = 0;
  const auto sent = sink_.sent();
  for (const auto& response : sent) {
    progress += response.has_progress();
    receipts += response.has_receipt();
    if (!response.has_slice()) continue;
    ++slices;
    EXPECT_EQ(response.slice().label() - 1, (response.slice().instance() + 1) % kClasses);
    EXPECT_EQ(response.slice().model().notice(), "made of nothing");
    // Only the slice that was scored after the study was assembled knows its place.
    EXPECT_EQ(response.slice().has_index(), response.slice().instance() == 2);
    if (response.slice().has_index()) {
      EXPECT_EQ(response.slice().index(), 1);
    }
  }
  EXPECT_EQ(progress, 2);
  EXPECT_EQ(receipts, 3);
  EXPECT_EQ(slices, 3);
  ASSERT_TRUE(sent.back().has_patient());
  const v1::PatientResult& patient = sent.back().patient();
  EXPECT_THAT(patient.instances_head_to_feet(), ElementsAre(1, 2, 0));
  EXPECT_THAT(runner_->patient(), ElementsAre(2, 3, 1));
  EXPECT_EQ(patient.label(), v1::H1N1);
  EXPECT_EQ(patient.client_study_id(), "mine");
  EXPECT_EQ(patient.verdict(), v1::OK);
}

TEST_F(StudySessionTest, DecidesInTheOrderSentWhateverIsDecodedFirst) {
  limits_.set_unanswered_slices(9);
  Begin();
  SendHeader();
  SendHu(1, 1);
  SendChunk("junk", true);
  SendHu(2, 2);
  for (int i = 0; i < 3; ++i) executor_.RunLast();
  std::vector<int> receipts;
  for (const auto& response : sink_.sent()) {
    if (response.has_receipt()) receipts.push_back(response.receipt().instance());
  }
  EXPECT_THAT(receipts, ElementsAre(0, 1, 2));
}

TEST_F(StudySessionTest, ReadsNoFurtherWhileTooMuchIsUnanswered) {
  Begin();
  EXPECT_EQ(sink_.reads(), 1);
  SendHeader();
  SendHu(1, 1);
  EXPECT_EQ(sink_.reads(), 3);
  SendHu(2, 2);
  EXPECT_EQ(sink_.reads(), 3);  // Two are unanswered, the limit.
  executor_.RunFirst();
  sink_.WaitForSlices(1);
  EXPECT_EQ(sink_.reads(), 3);  // Answered, and not yet read by the client.
  WriteAll();
  EXPECT_EQ(sink_.reads(), 4);
}

TEST_F(StudySessionTest, GoesOnAfterAnInstanceThatCannotBeUsed) {
  Begin();
  SendHeader();
  SendChunk("not ", false);
  SendChunk("DICOM", true);
  executor_.RunFirst();
  const auto sent = sink_.sent();
  ASSERT_TRUE(sent.back().has_receipt());
  EXPECT_EQ(sent.back().receipt().reason(), v1::NOT_DICOM);
  WriteAll();
  SendHu(3, 1);
  session_->OnHalfClose();
  for (int i = 0; i < 3; ++i) executor_.RunFirst();  // The slice, the assembler, the patient.
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  EXPECT_EQ(sink_.sent().back().patient().label(), v1::CAP);
}

TEST_F(StudySessionTest, SkipsAnInstanceThatIsTooLargeAndKeepsNothingOfIt) {
  Begin();
  SendHeader();
  SendChunk(std::string(1000, 'x'), false);
  SendChunk(std::string(1000, 'x'), false);
  SendChunk("x", true);
  executor_.RunFirst();
  EXPECT_EQ(sink_.sent().back().receipt().reason(), v1::TOO_LARGE);
  session_->OnHalfClose();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  EXPECT_EQ(sink_.sent().back().patient().verdict(), v1::REJECTED);
}

TEST_F(StudySessionTest, AnEmptyStudyIsRejectedNotScored) {
  Begin();
  SendHeader();
  session_->OnHalfClose();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  EXPECT_EQ(sink_.sent().back().patient().verdict(), v1::REJECTED);
  EXPECT_THAT(sink_.sent().back().patient().detail(), HasSubstr("no instance came"));
}

TEST_F(StudySessionTest, RefusesAStreamAgainstTheRules) {
  const auto refuses = [this](const std::function<void()>& send, v1::ErrorReason reason,
                              const std::string& message) {
    RecordingSink sink;
    Begin(sink);
    send();
    const ApiError error = sink.WaitForEnd();
    EXPECT_EQ(error.status.code(), absl::StatusCode::kInvalidArgument) << error.status;
    EXPECT_EQ(error.reason, reason) << v1::ErrorReason_Name(error.reason);
    EXPECT_THAT(std::string(error.status.message()), HasSubstr(message));
  };
  refuses([&] { SendHu(1, 1); }, v1::HEADER_MISPLACED, "must be the header");
  refuses([&] { SendChunk("x", true); }, v1::HEADER_MISPLACED, "must be the header");
  refuses([&] { session_->OnHalfClose(); }, v1::HEADER_MISPLACED, "ended before its header");
  refuses([&] { SendHeader(), SendHeader(); }, v1::HEADER_MISPLACED, "came twice");
  refuses([&] { session_->OnRequest({}); }, v1::EMPTY_REQUEST, "must hold");
  refuses([&] { SendHeader(), SendChunk("x", false), session_->OnHalfClose(); },
          v1::INSTANCE_UNFINISHED, "within an instance");
  refuses([&] { SendHeader(), SendChunk("x", false), SendHu(1, 1); }, v1::INSTANCE_UNFINISHED,
          "before the last chunk");
  refuses([&] { SendHeader(), SendChunk(std::string((1 << 20) + 1, 'x'), true); },
          v1::CHUNK_TOO_LARGE, "1048577 bytes; at most 1048576");
  v1::StudyHeader header;
  header.set_client_study_id(std::string(129, 'x'));
  refuses([&] { SendHeader(header); }, v1::HEADER_INVALID, "129 bytes; at most 128");
  header.Clear();
  header.set_expected_instances(-1);
  refuses([&] { SendHeader(header); }, v1::HEADER_INVALID, "was -1");
  header.Clear();
  header.set_crop_mode(static_cast<v1::CropMode>(77));
  refuses([&] { SendHeader(header); }, v1::HEADER_INVALID, "crop_mode");
  v1::AnalyzeStudyRequest short_slice;
  short_slice.mutable_hu_slice()->set_rows(2);
  short_slice.mutable_hu_slice()->set_columns(2);
  short_slice.mutable_hu_slice()->set_hu("1234567");
  refuses([&] { SendHeader(), session_->OnRequest(short_slice); }, v1::HU_SLICE_INVALID,
          "8 bytes; hu has 7");
  refuses([&] { SendHeader(), SendHu(1, 1e300); }, v1::HU_SLICE_INVALID, "within 1e+06 mm");
}

TEST_F(StudySessionTest, RefusesAnUnknownModelAndNamesThoseThereAre) {
  Begin();
  v1::StudyHeader header;
  header.set_model_name("other");
  SendHeader(header);
  ExpectError(absl::StatusCode::kNotFound, v1::MODEL_UNKNOWN, "loaded: fake");
}

TEST_F(StudySessionTest, RefusesAStudyBeyondItsLimits) {
  limits_.set_unanswered_slices(100);
  Begin();
  SendHeader();
  for (int i = 0; i < 7; ++i) SendHu(1, i);
  ExpectError(absl::StatusCode::kResourceExhausted, v1::STUDY_TOO_LARGE, "more than 6 instances");
}

TEST_F(StudySessionTest, RefusesAStudyOfTooManyBytes) {
  Begin();
  SendHeader();
  for (int i = 0; i < 5; ++i) SendChunk(std::string(1000, 'x'), false);
  ExpectError(absl::StatusCode::kResourceExhausted, v1::STUDY_TOO_LARGE, "more than 4096 bytes");
}

TEST_F(StudySessionTest, ACancelledStudyIsNeitherScoredNorAnswered) {
  Begin();
  SendHeader();
  SendHu(1, 1);
  session_->OnCancel();
  const size_t sent = sink_.sent().size();
  executor_.RunFirst();
  session_->OnHalfClose();
  EXPECT_EQ(sink_.WaitForEnd().status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(sink_.sent().size(), sent);
  EXPECT_TRUE(runner_->batches().empty());
  EXPECT_EQ(executor_.queued(), 0);
}

TEST_F(StudySessionTest, AFailingNetworkEndsTheStudyWithItsReason) {
  runner_->FailWith(absl::InternalError("not finite"));
  Begin();
  SendHeader();
  SendHu(1, 1);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInternal, v1::MODEL_FAILED, "not finite");
}

TEST_F(StudySessionTest, AFailingPatientNetworkEndsTheStudyWithItsReason) {
  Begin();
  SendHeader();
  SendHu(1, 1);
  session_->OnHalfClose();
  executor_.RunFirst();
  sink_.WaitForSlices(1);
  runner_->FailWith(absl::InternalError("not finite"));
  executor_.RunFirst();  // The assembler.
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInternal, v1::MODEL_FAILED, "not finite");
}

// --- Crop mode `volume`: nothing is decided before the study's end -----------

class VolumeSessionTest : public StudySessionTest {
 protected:
  void BeginVolume() {
    Begin();
    v1::StudyHeader header;
    header.set_crop_mode(v1::VOLUME);
    SendHeader(header);
  }
  // The kinds of what was sent, in order: "progress", "receipt 0", "slice 1",
  // "patient"; an unscored slice in brackets.
  std::vector<std::string> Sent() const {
    std::vector<std::string> kinds;
    for (const auto& response : sink_.sent()) {
      if (response.has_progress()) kinds.push_back("progress");
      if (response.has_receipt()) {
        kinds.push_back(absl::StrCat("receipt ", response.receipt().instance()));
      }
      if (response.has_slice()) {
        const std::string slice = absl::StrCat("slice ", response.slice().instance());
        kinds.push_back(response.slice().scored() ? slice : absl::StrCat("(", slice, ")"));
      }
      if (response.has_patient()) kinds.push_back("patient");
    }
    return kinds;
  }
};

TEST_F(VolumeSessionTest, AnswersAfterTheUploadFromHeadToFeetAndSparesSlicesWithoutLung) {
  limits_.set_unanswered_slices(9);
  assembler_.without_lung = {2};
  BeginVolume();
  SendHu(1, /*position_mm=*/10);
  SendHu(2, /*position_mm=*/30);
  SendHu(3, /*position_mm=*/40);
  for (int i = 0; i < 3; ++i) executor_.RunFirst();
  EXPECT_THAT(Sent(), ElementsAre("progress"));
  session_->OnHalfClose();
  for (int i = 0; i < 3; ++i) executor_.RunFirst();  // The assembler, two slices.
  sink_.WaitForSlices(3);
  executor_.RunFirst();  // The patient network.
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  EXPECT_THAT(Sent(), ElementsAre("progress", "receipt 0", "receipt 1", "receipt 2", "progress",
                                  "(slice 2)", "slice 1", "slice 0", "patient"));
  const auto sent = sink_.sent();
  EXPECT_EQ(sent[5].slice().lung_box().method(), "none");
  EXPECT_EQ(sent[5].slice().warnings_size(), 0);
  EXPECT_EQ(sent[5].slice().index(), 0);
  EXPECT_EQ(sent[5].slice().label(), v1::LABEL_UNSPECIFIED);
  EXPECT_EQ(sent[6].slice().lung_box().method(), "volume");
  EXPECT_EQ(sent[6].slice().index(), 1);
  EXPECT_EQ(sent[7].slice().index(), 2);
  EXPECT_THAT(runner_->patient(), ElementsAre(2, 1));
  EXPECT_EQ(sent.back().patient().slices_without_lung(), 1);
}

TEST_F(VolumeSessionTest, AnInstanceThatCannotBeUsedHasItsReceiptAtOnce) {
  BeginVolume();
  SendChunk("junk", true);
  executor_.RunFirst();
  EXPECT_THAT(Sent(), ElementsAre("progress", "receipt 0"));
}

TEST_F(VolumeSessionTest, KeepsNoMoreSlicesInWorkThanAllowed) {
  BeginVolume();  // Two at most.
  for (int i = 0; i < 5; ++i) {
    SendHu(static_cast<int16_t>(i), i);
    executor_.RunFirst();  // Decoded: held, and no longer in work.
  }
  EXPECT_EQ(sink_.reads(), 7);
  session_->OnHalfClose();
  executor_.RunFirst();
  EXPECT_EQ(executor_.queued(), 2);
  executor_.RunFirst();
  executor_.RunFirst();
  sink_.WaitForSlices(2);
  EXPECT_EQ(executor_.queued(), 0);  // Scored, and not yet read by the client.
  WriteAll();
  EXPECT_EQ(executor_.queued(), 2);
}

TEST_F(VolumeSessionTest, RefusesAStudyWhosePixelsTakeTooMuch) {
  limits_.set_held_bytes(100);
  BeginVolume();
  for (int i = 0; i < 4; ++i) {
    SendHu(static_cast<int16_t>(i), i);  // 32 bytes each
    executor_.RunFirst();
  }
  ExpectError(absl::StatusCode::kResourceExhausted, v1::STUDY_TOO_LARGE, "more than 100 bytes");
}

TEST_F(VolumeSessionTest, ARejectedStudyIsAnsweredWithoutScoring) {
  assembler_.findings = {{StudyReason::kNoLungsFound, Verdict::kRejected, "no lungs were found"}};
  BeginVolume();
  SendHu(1, 1);
  session_->OnHalfClose();
  executor_.RunFirst();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  EXPECT_THAT(Sent(), ElementsAre("progress", "receipt 0", "progress", "(slice 0)", "patient"));
  EXPECT_TRUE(runner_->batches().empty());
  const v1::PatientResult patient = sink_.sent().back().patient();
  EXPECT_EQ(patient.verdict(), v1::REJECTED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::NO_LUNGS_FOUND));
  EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
}

TEST_F(VolumeSessionTest, AnAbstainedStudyHasSlicesAndNoPatient) {
  assembler_.findings = {{StudyReason::kSlicesMissing, Verdict::kAbstained, "many are missing"}};
  BeginVolume();
  SendHu(1, 1);
  session_->OnHalfClose();
  for (int i = 0; i < 3; ++i) executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().status.ok());
  const v1::PatientResult patient = sink_.sent().back().patient();
  EXPECT_EQ(patient.verdict(), v1::ABSTAINED);
  EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_TRUE(runner_->patient().empty());
  EXPECT_EQ(runner_->batches().size(), 1);
}

TEST_F(VolumeSessionTest, ACancelledStudyIsNotAssembled) {
  BeginVolume();
  SendHu(1, 1);
  executor_.RunFirst();
  session_->OnHalfClose();
  session_->OnCancel();
  executor_.RunFirst();
  EXPECT_EQ(sink_.WaitForEnd().status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(executor_.queued(), 0);
}

}  // namespace
}  // namespace m3lung
