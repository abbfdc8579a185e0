// SPDX-License-Identifier: Apache-2.0
// Sessions to whom instances of several studies come, in both crop modes.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/study/study_session.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::StudySessionTest;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Whose {
  std::string study, patient_id, name = "Doe^John";
};

class StudyIdentityTest : public StudySessionTest,
                          public ::testing::WithParamInterface<v1::CropMode> {
 protected:
  StudyIdentityTest() {
    limits_.set_unanswered_slices(20);
    limits_.set_instances_per_study(20);
    limits_.set_instance_bytes(1 << 14);
    limits_.set_study_bytes(1 << 18);
    limits_.set_image_side(64);
  }
  void BeginStudy(const std::string& named = "") {
    Begin();
    v1::StudyHeader header;
    header.set_crop_mode(GetParam());
    header.set_study_instance_uid(named);
    SendHeader(header);
  }
  DicomBuilder Image(const Whose& whose) {
    ++images_;
    DicomBuilder builder;
    builder.Set(0x00080018, "UI", absl::StrCat("1.2.3.", images_))
        .Set(0x0020000e, "UI", absl::StrCat(whose.study, ".1"))
        .Set(0x00200032, "DS", absl::StrCat("-10\\-20\\", images_ * 5))
        .Set(0x7fe00010, "OW", testing::Words({images_, 1, 2, 3, 4, 5}));
    return Of(whose, builder);
  }
  static DicomBuilder Of(const Whose& whose, DicomBuilder builder) {
    if (!whose.study.empty()) builder.Set(0x0020000d, "UI", whose.study);
    return builder.Set(0x00100020, "LO", whose.patient_id).Set(0x00100010, "PN", whose.name);
  }
  void Send(const DicomBuilder& builder) { SendBytes(builder.Build()); }
  void SendBytes(const std::string& bytes) {
    ++sent_;
    SendChunk(bytes, true);
    executor_.RunFirst();
  }
  v1::PatientResult End() {
    session_->OnHalfClose();
    const absl::Time deadline = absl::Now() + absl::Minutes(1);
    while (!sink_.ended()) {  // The batch thread scores meanwhile.
      if (absl::Now() > deadline) {
        ADD_FAILURE() << "the study has not ended within a minute";
        return {};
      }
      if (executor_.queued() > 0) {
        executor_.RunFirst();
      } else {
        std::this_thread::yield();
      }
    }
    EXPECT_TRUE(sink_.WaitForEnd().ok());
    return sink_.sent().back().patient();
  }
  std::vector<v1::SkipReason> SkipReasons() const {
    std::vector<v1::SkipReason> reasons(sent_);
    for (const auto& response : sink_.sent()) {
      if (response.has_receipt()) {
        reasons[response.receipt().instance()] = response.receipt().reason();
      }
    }
    return reasons;
  }

  const Whose first_ = {"1.2.1", "7"}, second_ = {"1.2.2", "8", "Roe^Jane"};
  int sent_ = 0, images_ = 0;
};

INSTANTIATE_TEST_SUITE_P(CropModes, StudyIdentityTest, ::testing::Values(v1::PAPER, v1::VOLUME),
                         [](const auto& mode) { return v1::CropMode_Name(mode.param); });

TEST_P(StudyIdentityTest, TwoStudiesInOneStreamAreRejected) {
  BeginStudy();
  Send(Image(first_));
  Send(Image(first_));
  Send(Image(second_));
  Send(Image(first_));
  const v1::PatientResult patient = End();
  EXPECT_EQ(patient.verdict(), v1::REJECTED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::SEVERAL_STUDIES));
  EXPECT_THAT(patient.detail(), HasSubstr("2 studies of 2 patients"));
  for (const char* secret : {"1.2.1", "1.2.2", "Doe", "Roe"}) {
    EXPECT_THAT(patient.detail(), Not(HasSubstr(secret)));
  }
  EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_EQ(patient.probabilities_size(), 0);
  const std::vector<v1::SkipReason> reasons = SkipReasons();
  // Nothing of what comes once they are known to be two is used.
  EXPECT_EQ(reasons[2], v1::OTHER_STUDY);
  EXPECT_EQ(reasons[3], v1::OTHER_STUDY);
  const v1::SkipReason before =
      GetParam() == v1::PAPER ? v1::SKIP_REASON_UNSPECIFIED : v1::OTHER_STUDY;
  EXPECT_EQ(reasons[0], before);
  EXPECT_EQ(reasons[1], before);
}

TEST_P(StudyIdentityTest, TheNamedStudyIsAnalysedAlone) {
  BeginStudy("1.2.2");
  Send(Image(first_));
  Send(Image(second_));
  Send(Of(first_, DicomBuilder().Set(0x00080060, "CS", "SR")));
  Send(Image({"", "8"}));
  Send(Image(second_));
  const v1::PatientResult patient = End();
  EXPECT_EQ(patient.verdict(), v1::OK) << patient.detail();
  EXPECT_EQ(patient.slices_used(), 2);
  EXPECT_NE(patient.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_THAT(SkipReasons(),
              ElementsAre(v1::OTHER_STUDY, v1::SKIP_REASON_UNSPECIFIED, v1::OTHER_STUDY,
                          v1::OTHER_STUDY, v1::SKIP_REASON_UNSPECIFIED));
}

TEST_P(StudyIdentityTest, ANamedStudyThatNeverComesIsSaidToBeMissing) {
  BeginStudy("9.9");
  Send(Image(first_));
  Send(Image(second_));
  const v1::PatientResult patient = End();
  EXPECT_EQ(patient.verdict(), v1::REJECTED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::NO_USABLE_INSTANCE));
  EXPECT_THAT(patient.detail(), HasSubstr("none of the 2 instances is of the study"));
  EXPECT_THAT(SkipReasons(), Each(v1::OTHER_STUDY));
}

// The name of a study does not make one patient of two.
TEST_P(StudyIdentityTest, TwoPatientsInTheNamedStudyAreRejected) {
  BeginStudy("1.2.1");
  Send(Image(first_));
  Send(Image({"1.2.1", "8", "Roe^Jane"}));
  const v1::PatientResult patient = End();
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::SEVERAL_STUDIES));
  EXPECT_THAT(patient.detail(), HasSubstr("1 study of 2 patients"));
}

TEST_P(StudyIdentityTest, AReportOfAnotherPatientCountsToo) {
  BeginStudy();
  Send(Image(first_));
  Send(Of(second_, DicomBuilder().Set(0x00080060, "CS", "SR").Remove(0x7fe00010)));
  EXPECT_THAT(End().reasons(), ElementsAre(v1::SEVERAL_STUDIES));
}

// Anonymous data, and what is no DICOM file.
TEST_P(StudyIdentityTest, WhatIsNotSaidIsNoOtherStudy) {
  const std::string guid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
  BeginStudy();
  Send(Image({guid, "", ""}).Set(0x00080018, "UI", ""));
  Send(Image({guid, "", ""}).Set(0x00080018, "UI", ""));
  Send(Image({guid, "", ""}).Remove(0x0020000d));
  SendBytes("junk");
  const v1::PatientResult patient = End();
  EXPECT_EQ(patient.verdict(), v1::OK) << patient.detail();
  EXPECT_EQ(patient.slices_used(), 3);
}

TEST_F(StudySessionTest, AStudysNameHasAnEnd) {
  Begin();
  v1::StudyHeader header;
  header.set_study_instance_uid(std::string(129, '1'));
  SendHeader(header);
  ExpectError(absl::StatusCode::kInvalidArgument, v1::HEADER_INVALID, "study_instance_uid");
}

}  // namespace
}  // namespace m3lung
