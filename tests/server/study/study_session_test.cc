// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_session.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::RecordingSink;
using ::m3lung::testing::StudySessionTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  EXPECT_TRUE(sink_.WaitForEnd().ok());

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
  EXPECT_TRUE(sink_.WaitForEnd().ok());
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
  EXPECT_TRUE(sink_.WaitForEnd().ok());
  EXPECT_EQ(sink_.sent().back().patient().verdict(), v1::REJECTED);
}

TEST_F(StudySessionTest, AnEmptyStudyIsRejectedNotScored) {
  Begin();
  SendHeader();
  session_->OnHalfClose();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().ok());
  EXPECT_EQ(sink_.sent().back().patient().verdict(), v1::REJECTED);
  EXPECT_THAT(sink_.sent().back().patient().detail(), HasSubstr("no instance came"));
}

TEST_F(StudySessionTest, RefusesAStreamAgainstTheRules) {
  const auto refuses = [this](const std::function<void()>& send, v1::ErrorReason reason,
                              const std::string& message) {
    RecordingSink sink;
    Begin(sink);
    send();
    const absl::Status error = sink.WaitForEnd();
    EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument) << error;
    EXPECT_EQ(ErrorReasonOf(error), reason) << v1::ErrorReason_Name(ErrorReasonOf(error));
    EXPECT_THAT(std::string(error.message()), HasSubstr(message));
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
  EXPECT_EQ(sink_.WaitForEnd().code(), absl::StatusCode::kCancelled);
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

TEST_F(StudySessionTest, AFailedDeviceEndsTheStudyAsUnavailable) {
  runner_->FailDevice(absl::UnavailableError("fell off the bus"));
  Begin();
  SendHeader();
  SendHu(1, 1);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kUnavailable, v1::DEVICE_FAILED, "device");
}

TEST_F(StudySessionTest, AStudyIsNotScoredAfterItsDeadline) {
  deadline_ = clock_.Now() - absl::Seconds(1);
  Begin();
  SendHeader();
  SendHu(1, 1);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_UNSPECIFIED, "deadline");
  EXPECT_TRUE(runner_->batches().empty());
}

TEST_F(StudySessionTest, RoutineStudiesLeaveAPlaceForUrgentOnes) {
  limits_.set_open_studies(2);
  limits_.set_places_kept_for_urgent_studies(1);
  ASSERT_THAT(admission_.OpenRoutine(), IsOk());  // another study
  Begin();
  SendHeader();
  ExpectError(absl::StatusCode::kResourceExhausted, v1::TOO_MANY_STUDIES, "1 routine studies");

  RecordingSink urgent;
  Begin(urgent);
  v1::StudyHeader header;
  header.set_priority(v1::URGENT);
  SendHeader(header);
  EXPECT_FALSE(urgent.ended());
  session_->OnCancel();
  admission_.CloseRoutine();
}

TEST_F(StudySessionTest, HoldsWhatWaitsForDecodingAndForTheNetworkAndNoMore) {
  limits_.set_unanswered_slices(100);
  Begin();
  SendHeader();
  SendChunk(std::string(100, 'x'), /*last=*/false);
  EXPECT_EQ(budget_.taken(), 100);
  SendChunk(std::string(100, 'x'), /*last=*/true);
  EXPECT_EQ(budget_.taken(), 200);
  executor_.RunFirst();  // It is no DICOM file.
  EXPECT_EQ(budget_.taken(), 0);
  runner_->Hold(true);
  SendHu(1, 1);
  SendHu(2, 1);  // the same place again
  EXPECT_EQ(budget_.taken(), 2 * 32);
  executor_.RunFirst();
  executor_.RunFirst();
  constexpr int kCoarseBytes = 2 * 2 * 2;  // for assembling, also of the slice that is skipped
  EXPECT_EQ(budget_.taken(), 32 + 2 * kCoarseBytes);
  runner_->Hold(false);
  sink_.WaitForSlices(1);
  constexpr int kScoreBytes = 5 * 4;  // a map of 2 x 2 and one feature, for the patient
  EXPECT_EQ(budget_.taken(), 2 * kCoarseBytes + kScoreBytes);
}

TEST_F(StudySessionTest, ReadsNoFurtherWhileTheServerHasNoRoomAndItsOwnWorkWillGiveSome) {
  limits_.set_unanswered_slices(100);
  ASSERT_TRUE(budget_.Take(budget_.bytes() - 1000));  // other studies
  Begin();
  SendHeader();
  const int reads = sink_.reads();
  SendHu(1, 1);
  EXPECT_EQ(sink_.reads(), reads);
  executor_.RunFirst();
  sink_.WaitForSlices(1);
  EXPECT_EQ(sink_.reads(), reads);
  WriteAll();
  EXPECT_EQ(sink_.reads(), reads + 1);  // Nothing of its own is in work any more.
  budget_.Give(budget_.bytes() - 1000);
}

TEST_F(StudySessionTest, RefusesAStudyThatNeedsMoreThanTheServerHas) {
  ASSERT_TRUE(budget_.Take(budget_.bytes() - 100));
  Begin();
  SendHeader();
  SendChunk(std::string(100, 'x'), /*last=*/false);
  EXPECT_FALSE(sink_.ended());
  SendChunk("x", /*last=*/false);
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  EXPECT_GT(RetryAfterOf(sink_.WaitForEnd()), absl::ZeroDuration());
  budget_.Give(budget_.bytes() - 100);
}

TEST_F(StudySessionTest, EndsAStudyWhoseClientSendsNothing) {
  limits_.set_idle_seconds(60);
  Begin();
  SendHeader();
  clock_.Advance(absl::Seconds(59));
  session_->EndIfIdle();
  EXPECT_FALSE(sink_.ended());
  SendHu(1, 1);
  WriteAll();
  clock_.Advance(absl::Seconds(59));
  session_->EndIfIdle();
  EXPECT_FALSE(sink_.ended());
  clock_.Advance(absl::Seconds(1));
  session_->EndIfIdle();
  ExpectError(absl::StatusCode::kDeadlineExceeded, v1::CLIENT_IDLE, "half-close the stream");
}

TEST_F(StudySessionTest, EndsAStudyWhoseClientReadsNothing) {
  limits_.set_idle_seconds(60);
  Begin();
  SendHeader();
  SendHu(1, 1);
  session_->OnHalfClose();
  executor_.RunFirst();
  sink_.WaitForSlices(1);
  clock_.Advance(absl::Seconds(60));
  session_->EndIfIdle();
  ExpectError(absl::StatusCode::kDeadlineExceeded, v1::CLIENT_IDLE, "nor read");
}

TEST_F(StudySessionTest, AbandonsTheStreamOfAClientThatDoesNotReadTheEndEither) {
  limits_.set_idle_seconds(60);
  Begin();
  SendHeader();
  SendHu(1, 1);
  clock_.Advance(absl::Seconds(60));
  session_->EndIfIdle();
  EXPECT_TRUE(sink_.ended());
  clock_.Advance(absl::Seconds(59));
  session_->OnWritten(sink_.sent().front());  // It has begun to read.
  clock_.Advance(absl::Seconds(59));
  session_->EndIfIdle();
  EXPECT_EQ(sink_.abandoned(), 0);
  clock_.Advance(absl::Seconds(1));
  session_->EndIfIdle();
  EXPECT_EQ(sink_.abandoned(), 1);
  session_->OnClosed();
  clock_.Advance(absl::Hours(1));
  session_->EndIfIdle();
  EXPECT_EQ(sink_.abandoned(), 1);
}

TEST_F(StudySessionTest, AStudyThatFailsAfterLongWorkHasAsLongAsAnyToReadItsEnd) {
  limits_.set_idle_seconds(60);
  runner_->FailWith(absl::InternalError("not finite"));
  runner_->Hold(true);
  Begin();
  SendHeader();
  SendHu(1, 1);
  session_->OnHalfClose();
  WriteAll();
  executor_.RunFirst();
  clock_.Advance(absl::Hours(1));
  runner_->Hold(false);
  ASSERT_FALSE(sink_.WaitForEnd().ok());
  session_->EndIfIdle();
  clock_.Advance(absl::Seconds(59));
  session_->EndIfIdle();
  EXPECT_EQ(sink_.abandoned(), 0);
  clock_.Advance(absl::Seconds(1));
  session_->EndIfIdle();
  EXPECT_EQ(sink_.abandoned(), 1);
}

TEST_F(StudySessionTest, OnlyAnsweredStudiesSayWhenToComeAgain) {
  admission_.SetServing(true);
  ASSERT_THAT(admission_.OpenStudy(), IsOk());
  const auto retry = [this] { return RetryAfterOf(admission_.OpenStudy()); };  // has no place
  const absl::Duration at_first = retry();
  Begin();
  SendHeader();
  clock_.Advance(absl::Seconds(50));
  session_->OnCancel();
  EXPECT_EQ(retry(), at_first);
  RecordingSink answered;
  Begin(answered);
  SendHeader();
  clock_.Advance(absl::Seconds(50));
  session_->OnHalfClose();
  executor_.RunFirst();
  EXPECT_TRUE(answered.WaitForEnd().ok());
  EXPECT_GT(retry(), at_first);
  admission_.CloseStudy();
}

TEST_F(StudySessionTest, AClientThatWaitsForTheServerIsNotIdle) {
  limits_.set_idle_seconds(60);
  Begin();
  SendHeader();
  SendHu(1, 1);
  session_->OnHalfClose();
  WriteAll();
  clock_.Advance(absl::Hours(1));
  session_->EndIfIdle();
  EXPECT_FALSE(sink_.ended());
}

}  // namespace
}  // namespace m3lung
