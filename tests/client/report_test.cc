#include "client/report/report.h"

#include <algorithm>
#include <string>

#include "base/files.h"
#include "client/file_discovery.h"
#include "client/report/figure.h"
#include "client/report/notice.h"
#include "client/report/page.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "opencv2/imgcodecs.hpp"
#include "temporary_folder.h"
#include "tests/testing/status_matchers.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"

namespace m3lung::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t CountOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Lung everywhere, and in the lung box of FakeSlice() a block as dense as bone.
absl::StatusOr<cv::Mat> SyntheticHu(int /*instance*/) {
  cv::Mat hu(64, 64, CV_16SC1, cv::Scalar(-900));
  hu(cv::Rect(8, 4, 10, 30)).setTo(1000);
  return hu;
}

absl::StatusOr<cv::Mat> NoHu(int /*instance*/) {
  return absl::InvalidArgumentError("transfer syntax <1.2.3> is not decoded");
}

TEST(SampleSlicesTest, TakesEveryFifthFromTheFirstOn) {
  for (const int slices : {0, 1, 5, 6, 23}) {
    const v1::StudyAnswer answer = FakeAnswer(slices);
    const std::vector<SampledSlice> samples = SampleSlices(answer.slices(), SyntheticHu);
    ASSERT_EQ(samples.size(), static_cast<size_t>((slices + 4) / 5));
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(samples[i].result.index(), static_cast<int>(5 * i));
    }
  }
}

TEST(RenderSliceTest, ShowsTheBoxInTheLungWindow) {
  const SampledSlice sample = RenderSlice(FakeSlice(0, 1), SyntheticHu(0));
  ASSERT_EQ(sample.ct.size(), cv::Size(kTileWidth, kTileHeight));
  ASSERT_EQ(sample.overlay.size(), cv::Size(kTileWidth, kTileHeight));
  // The box is 40 x 30, as wide as a tile for its height: it fills it. Bone is
  // its left quarter; -900 HU lies a quarter up the window.
  EXPECT_EQ(sample.ct.at<cv::Vec3b>(135, 40), cv::Vec3b(255, 255, 255));
  EXPECT_NEAR(sample.ct.at<cv::Vec3b>(135, 300)[0], 64, 1);
  EXPECT_EQ(sample.note, "");
}

TEST(RenderSliceTest, SaysWhyAPictureIsMissing) {
  EXPECT_THAT(RenderSlice(FakeSlice(0, 1), NoHu(0)).note, HasSubstr("is not decoded"));

  v1::SliceResult slice = FakeSlice(0, 1);
  slice.clear_lesion_map();
  EXPECT_THAT(RenderSlice(slice, SyntheticHu(0)).note, HasSubstr("none was asked for"));
  slice.set_scored(false);
  EXPECT_THAT(RenderSlice(slice, SyntheticHu(0)).note, HasSubstr("not scored"));
  slice.mutable_lung_box()->set_width(1000);
  EXPECT_THAT(RenderSlice(slice, SyntheticHu(0)).note, HasSubstr("outside the image"));
  slice.mutable_lung_box()->set_x(2147483647);  // its right edge does not fit 32 bits
  EXPECT_THAT(RenderSlice(slice, SyntheticHu(0)).note, HasSubstr("outside the image"));
}

TEST(WriteReportTest, WritesAPageAndAFigureOfEveryFifthSlice) {
  const TemporaryFolder folder;
  M3L_ASSERT_OK_AND_ASSIGN(const ReportFiles files, WriteReport(FakeAnswer(33), SyntheticHu, {},
                                                                folder.path() / "new" / "report"));
  M3L_ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile(files.page));
  EXPECT_EQ(CountOf("<figure>", page), 7U);
  EXPECT_EQ(CountOf("src=\"data:image/jpeg;base64,", page), 14U);
  EXPECT_EQ(CountOf("<img ", page), 14U);

  const cv::Mat figure = cv::imread(files.figure.string());
  M3L_ASSERT_OK_AND_ASSIGN(const ReportFiles smaller,
                           WriteReport(FakeAnswer(30), SyntheticHu, {}, folder.path()));
  const cv::Mat one_row = cv::imread(smaller.figure.string());
  EXPECT_EQ(one_row.size(), cv::Size(kFigureWidth, 528 + kFigureRowHeight));
  EXPECT_EQ(figure.size(), cv::Size(kFigureWidth, 528 + 2 * kFigureRowHeight));
}

TEST(MakePageTest, RepeatsTheNoticeAndIsSelfContained) {
  const v1::StudyAnswer answer = FakeAnswer(10);
  const std::string page = MakePage(answer, SampleSlices(answer.slices(), SyntheticHu), {});
  EXPECT_GE(CountOf("Research use only.", page), 3U);
  EXPECT_GE(CountOf("Weights are &lt;random&gt; &amp; mean nothing.", page), 4U);
  EXPECT_THAT(page, HasSubstr("1: COVID-19"));
  EXPECT_THAT(page, HasSubstr("width:75.0%"));
  // FakeAnswer(10): slices 0 to 4 have a lesion probability below one half.
  EXPECT_EQ(CountOf("warm speaks for none", page), 1U);
  for (const std::string outside : {"http:", "https:", "<script", "<link", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

TEST(NoticeTextTest, DoesNotSayResearchUseTwice) {
  v1::ModelReference model;
  model.set_notice("Research use only. The weights are random.");
  EXPECT_EQ(NoticeText(model), "Not a medical device, not for diagnosis. The weights are random.");
  model.set_notice("Trained on research data.");
  EXPECT_EQ(NoticeText(model),
            "Not a medical device, not for diagnosis. Trained on research data.");
}

TEST(MakePageTest, EscapesWhatCameFromElsewhere) {
  const std::string hostile = "<script>alert('x')</script>\"&";
  const std::string escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;";
  v1::StudyAnswer answer = FakeAnswer(2);
  answer.mutable_receipts(0)->set_detail(hostile);
  answer.mutable_receipts(1)->add_warnings(hostile);
  answer.mutable_slices(0)->add_warnings(hostile);
  answer.mutable_patient()->set_detail(hostile);
  answer.mutable_patient()->mutable_model()->set_name(hostile);
  answer.mutable_patient()->mutable_model()->set_version(hostile);
  answer.mutable_patient()->mutable_model()->set_digest(hostile);
  const auto hostile_hu = [&](int) -> absl::StatusOr<cv::Mat> {
    return absl::InvalidArgumentError(hostile);
  };
  const std::string page =
      MakePage(answer, SampleSlices(answer.slices(), hostile_hu), {hostile, "b.dcm"});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_EQ(CountOf(escaped, page), 9U);
}

TEST(MakePageTest, CountsSkippedInstancesByReason) {
  v1::StudyAnswer answer = FakeAnswer(2);
  for (const auto reason : {v1::DUPLICATE, v1::DUPLICATE, v1::DUPLICATE, v1::LOCALIZER}) {
    v1::InstanceReceipt& receipt = *answer.add_receipts();
    receipt.set_instance(answer.receipts_size() - 1);
    receipt.set_status(v1::SKIPPED);
    receipt.set_reason(reason);
  }
  const std::string page = MakePage(answer, {}, {"a.dcm", "b.dcm", "c.dcm"});
  EXPECT_THAT(page, HasSubstr("<td>DUPLICATE</td><td class=\"number\">3</td>"));
  EXPECT_THAT(page, HasSubstr("<td>LOCALIZER</td><td class=\"number\">1</td>"));
  EXPECT_THAT(page, HasSubstr("<td class=\"number\">2</td><td>c.dcm</td><td>skipped: DUPLICATE"));
}

TEST(DrawFigureTest, ShowsAStudyThatWasRejected) {
  v1::PatientResult patient;
  patient.set_verdict(v1::REJECTED);
  EXPECT_EQ(DrawFigure(patient, {}).cols, kFigureWidth);
}

TEST(LocalFilesTest, DecodesTheFilesThatWereSent) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "local_files";
  std::filesystem::remove_all(folder);
  const Phantom phantom = MakePhantom({.slices = 2, .size = 64});
  const absl::Span<const HuSlice> sent = absl::MakeSpan(phantom.slices).first(1);
  ASSERT_TRUE(WriteDicomStudy(sent, folder, DicomOptions()).ok());
  M3L_ASSERT_OK_AND_ASSIGN(const auto files, FindInstances({folder}));
  const HuLoader load = LocalFiles(files);
  M3L_ASSERT_OK_AND_ASSIGN(const cv::Mat hu, load(0));
  EXPECT_EQ(cv::norm(hu, sent[0].hu, cv::NORM_INF), 0);
  EXPECT_EQ(load(1).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace m3lung::client
