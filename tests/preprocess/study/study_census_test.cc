// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/study_census.h"

#include <string>

#include "gmock/gmock.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

StudyIdentity Identity(const std::string& study, const std::string& id = "",
                       const std::string& name = "") {
  return {.study = IdentityDigest(study),
          .patient_id = IdentityDigest(id),
          .patient_name = IdentityDigest(ComparableName(name))};
}

TEST(IdentityDigestTest, TellsValuesApartAndNotTheirPadding) {
  EXPECT_EQ(IdentityDigest(""), 0);
  EXPECT_EQ(IdentityDigest(absl::string_view(" \0 ", 3)), 0);
  EXPECT_EQ(IdentityDigest("1.2.3"), IdentityDigest(absl::string_view("1.2.3\0", 6)));
  EXPECT_NE(IdentityDigest("1.2.3"), IdentityDigest("1.2.30"));
}

TEST(ComparableNameTest, OneNameInSeveralSpellingsIsOne) {
  for (const char* spelling : {"Doe^John", "DOE^JOHN^^^", " doe^john ", "Doe, John", "DOE JOHN",
                               "Doe^John=\x1b$B;3ED\x1b(B^...=x"}) {
    EXPECT_EQ(ComparableName(spelling), "DOE JOHN") << spelling;
  }
  // In Latin-1 and in UTF-8.
  EXPECT_EQ(ComparableName("M\xfcller^Ida"), ComparableName("M\xc3\xbcller^Ida"));
  EXPECT_NE(ComparableName("Doe^John"), ComparableName("Doe^Jane"));
  EXPECT_NE(ComparableName("\xe5\xbc\xa0"), ComparableName("\xe6\x9d\x8e"));
  EXPECT_EQ(ComparableName("^^^^"), "");
  EXPECT_EQ(ComparableName(" "), "");
  EXPECT_EQ(ComparableName("=\xe5\xbc\xa0"), ComparableName("\xe5\xbc\xa0"));
}

TEST(StudyCensusTest, AnythingNamedTwiceDifferentlyIsSeveral) {
  const StudyIdentity first = Identity("1.2", "7", "Doe^John");
  const StudyIdentity others[] = {
      Identity("1.3", "7", "Doe^John"), Identity("1.2", "8", "Doe^John"),
      Identity("1.2", "7", "Roe^Jane"), Identity("", "8"), Identity("", "", "Roe^Jane")};
  for (const StudyIdentity& other : others) {
    StudyCensus census;
    census.AddImage(first, "s");
    EXPECT_FALSE(census.ContradictsItself());
    census.Add(other);  // a report is enough
    EXPECT_TRUE(census.ContradictsItself());
    EXPECT_TRUE(census.IsSeveral());
    EXPECT_EQ(census.Describe().reason, StudyReason::kSeveralStudies);
    EXPECT_EQ(census.Describe().verdict, Verdict::kRejected);
  }
}

TEST(StudyCensusTest, CountsAndNamesNobody) {
  StudyCensus census;
  census.AddImage(Identity("1.2", "7", "Doe^John"), "s");
  census.AddImage(Identity("1.3", "8", "Roe^Jane"), "t");
  census.AddImage(Identity("1.4", "8", "Roe^Jane"), "u");
  EXPECT_THAT(census.Describe().detail,
              AllOf(HasSubstr("3 studies of 2 patients"), HasSubstr("study_instance_uid"),
                    Not(HasSubstr("1.2")), Not(HasSubstr("Doe")), Not(HasSubstr("DOE"))));
}

// De-identified data: what is not said tells nothing apart.
TEST(StudyCensusTest, WhatIsNotSaidIsNoOtherStudy) {
  StudyCensus nameless;
  for (const char* series : {"", "s", "t"}) nameless.AddImage(Identity(""), series);
  EXPECT_FALSE(nameless.IsSeveral());

  StudyCensus in_part;
  in_part.AddImage(Identity("6F9619FF-8B86-D011-B42D-00CF4FC964FF"), "s");
  in_part.AddImage(Identity(""), "s");       // of its series
  in_part.AddImage(Identity("", "7"), "s");  // likewise
  in_part.Add(Identity(""));                 // no image
  EXPECT_FALSE(in_part.IsSeveral());
}

TEST(StudyCensusTest, AnImageThatSharesNothingWithTheStudyMayBeAnyones) {
  StudyCensus census;
  census.AddImage(Identity(""), "other");
  census.AddImage(Identity("1.2", "7"), "s");
  EXPECT_FALSE(census.ContradictsItself());
  EXPECT_EQ(census.Strangers(), 1);
  EXPECT_TRUE(census.IsSeveral());
  EXPECT_THAT(census.Describe().detail, HasSubstr("1 image that names neither"));

  StudyCensus same_patient;
  same_patient.AddImage(Identity("", "7"), "other");
  same_patient.AddImage(Identity("1.2", "7"), "s");
  EXPECT_FALSE(same_patient.IsSeveral());
}

}  // namespace
}  // namespace m3lung
