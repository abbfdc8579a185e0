// SPDX-License-Identifier: Apache-2.0
#include "training/data/dataset.h"

#include <filesystem>
#include <string>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest() : folder_(fs::path(::testing::TempDir()) / "dataset_test") {
    fs::remove_all(folder_);
    for (const char* name : {"one", "two", "three", "truth"})
      fs::create_directories(folder_ / name);
  }
  ~DatasetTest() override { fs::remove_all(folder_); }

  absl::StatusOr<std::vector<DatasetStudy>> Read(const std::string& rows) {
    EXPECT_THAT(WriteFile(csv(), rows), IsOk());
    return ReadDataset(csv());
  }
  void ExpectRefused(const std::string& rows, const std::string& message) {
    EXPECT_THAT(Read(rows), StatusIs(absl::StatusCode::kInvalidArgument,
                                     AllOf(HasSubstr("dataset.csv"), HasSubstr(message))));
  }
  fs::path csv() const { return folder_ / "dataset.csv"; }

  const fs::path folder_;
};

TEST_F(DatasetTest, ReadsWhatItWrites) {
  ASSERT_THAT(WriteSliceLabels(folder_ / "one.csv", {{"a.dcm", true}, {"b.dcm", false}}), IsOk());
  const std::vector<DatasetStudy> written = {
      {.name = "one",
       .folder = folder_ / "one",
       .label = Label::kCap,
       .split = Split::kTest,
       .patient = "p, 1",
       .slice_labels = folder_ / "one.csv",
       .truth = folder_ / "truth",
       .lungs = Lungs::kReal},
      {.name = "three",
       .folder = folder_ / "three",
       .patient = "three",
       .lungs = Lungs::kSynthetic},
      {.name = "two", .folder = folder_ / "two", .patient = "two"}};
  ASSERT_THAT(WriteDataset(csv(), written), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<DatasetStudy> read, ReadDataset(csv()));
  ASSERT_EQ(read.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read[i].name, written[i].name);
    EXPECT_EQ(read[i].folder, written[i].folder);
    EXPECT_EQ(read[i].label, written[i].label);
    EXPECT_EQ(read[i].split, written[i].split);
    EXPECT_EQ(read[i].patient, written[i].patient);
    EXPECT_EQ(read[i].slice_labels, written[i].slice_labels);
    EXPECT_EQ(read[i].truth, written[i].truth);
    EXPECT_EQ(read[i].lungs, written[i].lungs);
  }
  M3L_ASSERT_OK_AND_ASSIGN(const auto labels, ReadSliceLabels(folder_ / "one.csv"));
  EXPECT_TRUE(labels.at("a.dcm"));
  EXPECT_FALSE(labels.at("b.dcm"));
}

TEST_F(DatasetTest, WithoutThePatientColumnEachStudyIsAPatient) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<DatasetStudy> read,
                           Read("study,label,split\none,HEALTHY,train\ntwo,COVID_19,validation\n"));
  EXPECT_FALSE(read[0].lungs.has_value());
  EXPECT_EQ(read[0].patient, "one");
  EXPECT_EQ(read[1].patient, "two");
}

TEST_F(DatasetTest, NamesTheLineOfABadRow) {
  const std::string header = "study,label,split,patient,slice_labels,truth\n";
  const std::string good = "one,HEALTHY,train,,,\n";
  ExpectRefused(header + good + "missing,HEALTHY,train,,,\n",
                "line 3: column study: no such folder");
  for (const std::string& outside :
       {(folder_ / "two").string(), std::string("../two"), std::string("one/../../two"),
        std::string("."), std::string()}) {
    ExpectRefused(header + good + outside + ",HEALTHY,train,,,\n",
                  "line 3: column study: must name a folder beneath that of the CSV file");
  }
  ExpectRefused(header + good + "two,Healthy,train,,,\n", "line 3: a label must be HEALTHY");
  ExpectRefused(header + good + "two,CAP,training,,,\n", "line 3: a split must be train");
  ExpectRefused(header + good + "two,CAP,train,,none.csv,\n", "line 3: column slice_labels");
  ExpectRefused(header + good + "two,CAP,train,,,none\n", "line 3: column truth");
  ExpectRefused(header + good + good, "line 3: study one is listed on line 2 already");
  ExpectRefused(header, "lists no study");
  ExpectRefused("study,label,split,lungs\none,HEALTHY,train,\ntwo,CAP,train,Real\n",
                "line 3: column lungs must be real, synthetic or, where it is not known, empty; "
                "was \"Real\"");
}

TEST_F(DatasetTest, ReadsWhatSpreadsheetsWrite) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<DatasetStudy> read,
                           Read("\xef\xbb\xbfstudy;label;split;patient\r\none;CAP;test;p 1\r\n"));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].label, Label::kCap);
  EXPECT_EQ(read[0].patient, "p 1");
}

TEST(MaskNameTest, TakesOffNothingOfAUid) {
  EXPECT_EQ(MaskName("IM0001.dcm"), "IM0001.png");
  EXPECT_EQ(MaskName("series/IM0001.DCM"), "series/IM0001.png");
  EXPECT_EQ(MaskName("1.2.840.7"), "1.2.840.7.png");
  EXPECT_EQ(MaskName("1.2.840.7.dcm"), "1.2.840.7.png");
  EXPECT_EQ(MaskName("IM0001"), "IM0001.png");
}

TEST_F(DatasetTest, KeepsAPatientInOneSplit) {
  ExpectRefused(
      "study,label,split,patient\none,CAP,train,p1\ntwo,CAP,train,p1\nthree,CAP,test,p1\n",
      "line 4: patient p1 is in split test here and in train on line 2");
}

TEST_F(DatasetTest, SliceLabelsAreZeroOrOneAndOnceAFile) {
  ASSERT_THAT(WriteFile(csv(), "file,lesion\na.dcm,yes\n"), IsOk());
  EXPECT_THAT(ReadSliceLabels(csv()), StatusIs(absl::StatusCode::kInvalidArgument,
                                               HasSubstr("line 2: column lesion must be 0 or 1")));
  ASSERT_THAT(WriteFile(csv(), "file,lesion\na.dcm,1\na.dcm,0\n"), IsOk());
  EXPECT_THAT(ReadSliceLabels(csv()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 3: file a.dcm")));
}

}  // namespace
}  // namespace m3lung
