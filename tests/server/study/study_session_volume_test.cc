// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/study/study_session.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StudySessionTest;
using ::testing::ElementsAre;

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
  EXPECT_TRUE(sink_.WaitForEnd().ok());
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
  EXPECT_TRUE(sink_.WaitForEnd().ok());
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
  EXPECT_TRUE(sink_.WaitForEnd().ok());
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
  EXPECT_EQ(sink_.WaitForEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(executor_.queued(), 0);
}

}  // namespace
}  // namespace m3lung
