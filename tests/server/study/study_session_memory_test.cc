// SPDX-License-Identifier: Apache-2.0
// Memory is taken from the budget before it is used, and waited for where the study itself will
// give some back.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "server/study/study_session.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StudySessionTest;

constexpr int kSlice = 32;               // bytes of 4 x 4 pixels
constexpr int kFullMap = 2 * 4 * 4 * 4;  // as floats, twice
constexpr int kCoarse = 8;               // of 2 x 2 elements
constexpr int kScores = 20;

class StudyMemoryTest : public StudySessionTest {
 protected:
  StudyMemoryTest() { limits_.set_unanswered_slices(9); }

  // Other studies leave so many bytes.
  void LeaveRoom(int64_t bytes) {
    others_ = budget_.bytes() - bytes;
    ASSERT_TRUE(budget_.Take(others_));
  }
  void OthersEnd() { budget_.Give(std::exchange(others_, 0)); }
  int64_t taken() const { return budget_.taken() - others_; }

  void BeginWith(v1::CropMode mode, v1::LesionMapSize maps = v1::NO_MAP) {
    Begin();
    v1::StudyHeader header;
    header.set_crop_mode(mode);
    header.set_lesion_maps(maps);
    SendHeader(header);
  }
  int SlicesSent() const {
    const auto sent = sink_.sent();
    return static_cast<int>(
        std::count_if(sent.begin(), sent.end(), [](const auto& one) { return one.has_slice(); }));
  }

 private:
  int64_t others_ = 0;
};

TEST_F(StudyMemoryTest, PixelsAreCountedBeforeTheyAreDecoded) {
  for (const v1::CropMode mode : {v1::PAPER, v1::VOLUME}) {
    LeaveRoom(2 * kSlice - 1);
    m3lung::testing::RecordingSink sink;
    Begin(sink);
    v1::StudyHeader header;
    header.set_crop_mode(mode);
    SendHeader(header);
    SendHu(1, 1);  // as it came
    executor_.RunFirst();
    const absl::Status error = sink.WaitForEnd();
    EXPECT_EQ(error.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ErrorReasonOf(error), v1::SERVER_FULL);
    EXPECT_EQ(taken(), 0);
    OthersEnd();
  }
}

TEST_F(StudyMemoryTest, DecodingWaitsForMemoryThatTheStudysOwnSlicesGiveBack) {
  LeaveRoom(100);
  BeginWith(v1::PAPER);
  runner_->Hold(true);
  SendHu(1, 1);
  SendHu(2, 2);
  executor_.RunFirst();
  EXPECT_EQ(taken(), 2 * kSlice + kCoarse);
  executor_.RunFirst();  // There is no room for its pixels.
  EXPECT_EQ(taken(), 2 * kSlice + kCoarse);
  EXPECT_FALSE(sink_.ended());
  EXPECT_EQ(executor_.queued(), 0);
  runner_->Hold(false);
  sink_.WaitForSlices(1);
  executor_.RunFirst();  // again
  sink_.WaitForSlices(2);
  EXPECT_EQ(taken(), 2 * (kCoarse + kScores));
  OthersEnd();
  session_->OnHalfClose();
  executor_.RunFirst();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().ok());
}

TEST_F(StudyMemoryTest, AStudyNoneOfWhoseWorkGivesMemoryBackIsRefused) {
  LeaveRoom(100);
  BeginWith(v1::VOLUME);
  SendHu(1, 1);
  SendHu(2, 2);
  executor_.RunFirst();  // Its pixels are held to the end.
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  EXPECT_EQ(taken(), 0);
  OthersEnd();
}

TEST_F(StudyMemoryTest, RefusesAStudyOfTooManySlicesBeforeTheyAreDecoded) {
  limits_.set_slices_per_study(2);
  BeginWith(v1::VOLUME);
  for (int16_t i = 0; i < 3; ++i) {
    SendHu(i, i);
    executor_.RunFirst();
  }
  ExpectError(absl::StatusCode::kResourceExhausted, v1::STUDY_TOO_LARGE, "more than 2 slices");
}

TEST_F(StudyMemoryTest, FullMapsAreCountedUntilTheClientHasReadThem) {
  BeginWith(v1::PAPER, v1::FULL_SIZE);
  SendHu(1, 1);
  SendHu(2, 2);
  executor_.RunFirst();
  executor_.RunFirst();
  sink_.WaitForSlices(2);
  EXPECT_EQ(taken(), 2 * (kFullMap + kCoarse + kScores));
  WriteAll();
  EXPECT_EQ(taken(), 2 * (kCoarse + kScores));
}

TEST_F(StudyMemoryTest, FullMapsOfAStudyThatHasEndedAreCountedUntilTheyAreRead) {
  BeginWith(v1::PAPER, v1::FULL_SIZE);
  SendHu(1, 1);
  SendHu(2, 2);
  session_->OnHalfClose();
  executor_.RunFirst();
  executor_.RunFirst();
  sink_.WaitForSlices(2);
  executor_.RunFirst();
  executor_.RunFirst();
  EXPECT_TRUE(sink_.WaitForEnd().ok());
  EXPECT_EQ(taken(), 2 * kFullMap);
  for (const auto& response : sink_.sent()) {
    session_->OnWritten(response);
    if (response.has_slice()) break;
  }
  EXPECT_EQ(taken(), kFullMap);
  session_->OnClosed();
  EXPECT_EQ(taken(), 0);
}

TEST_F(StudyMemoryTest, AnAnswerWaitsForMapsThatTheClientHasNotRead) {
  answering_ = &answers_;
  BeginWith(v1::PAPER, v1::FULL_SIZE);
  SendHu(1, 1);
  SendHu(2, 2);
  SendHu(3, 3);
  runner_->Hold(true);
  for (int i = 0; i < 3; ++i) executor_.RunFirst();
  LeaveRoom(taken() + kFullMap);
  runner_->Hold(false);
  WaitUntilScored();
  for (int sent = 1; sent <= 3; ++sent) {
    answers_.RunFirst();
    EXPECT_EQ(SlicesSent(), sent);
    EXPECT_EQ(answers_.queued(), 0);
    EXPECT_FALSE(sink_.ended());
    WriteAll();  // The map is read, and the next one can be made.
  }
  OthersEnd();
  std::vector<int> instances;
  for (const auto& response : sink_.sent()) {
    if (response.has_slice()) instances.push_back(response.slice().instance());
  }
  EXPECT_THAT(instances, ::testing::ElementsAre(0, 1, 2));
}

TEST_F(StudyMemoryTest, AMapForWhichThereIsNoMemoryEndsTheStudy) {
  BeginWith(v1::PAPER, v1::FULL_SIZE);
  SendHu(1, 1);
  runner_->Hold(true);
  executor_.RunFirst();
  LeaveRoom(taken() + kFullMap - 1);
  runner_->Hold(false);
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  OthersEnd();
}

TEST_F(StudyMemoryTest, AssemblingIsCountedBeforeItBegins) {
  BeginWith(v1::VOLUME);
  SendHu(1, 1);
  session_->OnHalfClose();
  executor_.RunFirst();
  LeaveRoom(taken() + kCoarse);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  OthersEnd();
}

}  // namespace
}  // namespace m3lung
