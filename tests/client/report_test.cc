// SPDX-License-Identifier: Apache-2.0
#include "client/report/report.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/files.h"
#include "client/file_discovery.h"
#include "client/report/figure.h"
#include "client/report/figure_parts.h"
#include "client/report/notice.h"
#include "client/report/page.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "opencv2/imgcodecs.hpp"
#include "report/drawing.h"
#include "tests/testing/count_of.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"
#include "volume_answer.h"

namespace m3lung::client {
namespace {

using ::m3lung::testing::CountOf;
using ::m3lung::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Lung everywhere, and in the lung box of FakeSlice() a block as dense as bone.
// Says nothing about how it lies.
HuSlice SyntheticSlice(int frame = 0) {
  HuSlice slice;
  slice.frame = frame;
  slice.hu = cv::Mat(64, 64, CV_16SC1, cv::Scalar(-900));
  slice.hu(cv::Rect(8, 4, 10, 30)).setTo(1000);
  return slice;
}

absl::StatusOr<DecodedInstance> SyntheticInstance(int /*instance*/) {
  DecodedInstance instance;
  instance.slices.push_back(SyntheticSlice());
  return instance;
}

absl::Status NotDecoded() {
  return absl::InvalidArgumentError("transfer syntax <1.2.3> is not decoded");
}

bool IsWhite(const cv::Mat& tile, int x, int y) {
  return tile.at<cv::Vec3b>(y, x) == cv::Vec3b(255, 255, 255);
}

TEST(SampleSlicesTest, TakesEveryFifthFromTheFirstOn) {
  for (const int slices : {0, 1, 5, 6, 23}) {
    const v1::StudyAnswer answer = FakeAnswer(slices);
    const std::vector<SampledSlice> samples = SampleSlices(answer.slices(), SyntheticInstance);
    ASSERT_EQ(samples.size(), static_cast<size_t>((slices + 4) / 5));
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(samples[i].result.index(), static_cast<int>(5 * i));
    }
  }
}

TEST(RenderSliceTest, ShowsTheBoxInTheLungWindow) {
  const SampledSlice sample = RenderSlice(FakeSlice(0, 1), SyntheticSlice());
  ASSERT_EQ(sample.ct.size(), cv::Size(kTileWidth, kTileHeight));
  ASSERT_EQ(sample.overlay.size(), cv::Size(kTileWidth, kTileHeight));
  // The box is 40 x 30, as wide as a tile for its height: it fills it. Bone is
  // its left quarter; -900 HU lies a quarter up the window.
  EXPECT_EQ(sample.ct.at<cv::Vec3b>(135, 40), cv::Vec3b(255, 255, 255));
  EXPECT_NEAR(sample.ct.at<cv::Vec3b>(135, 300)[0], 64, 1);
  EXPECT_EQ(sample.note, "");
}

// The same picture stored in four ways: the bone lies at the patient's right,
// towards the front.
TEST(RenderSliceTest, ShowsThePatientTheUsualWayUp) {
  struct Stored {
    std::array<double, 3> row_direction;
    std::array<double, 3> column_direction;
    cv::Rect bone;
  };
  const std::vector<Stored> ways = {
      {{1, 0, 0}, {0, 1, 0}, {8, 4, 10, 10}},      // on the back
      {{-1, 0, 0}, {0, -1, 0}, {38, 24, 10, 10}},  // on the face
      {{-1, 0, 0}, {0, 1, 0}, {38, 4, 10, 10}},    // mirrored
      {{0, 1, 0}, {1, 0, 0}, {8, 4, 10, 10}},      // rows and columns exchanged
  };
  for (const Stored& way : ways) {
    HuSlice image;
    image.hu = cv::Mat(64, 64, CV_16SC1, cv::Scalar(-900));
    image.hu(way.bone).setTo(1000);
    image.geometry.row_direction = way.row_direction;
    image.geometry.column_direction = way.column_direction;
    // Of its map, only the element at the bone is lesion.
    v1::SliceResult slice = FakeSlice(0, 1);
    slice.mutable_lesion_map()->clear_values();
    for (int i = 0; i < 16; ++i) {
      const cv::Point2f centre(8 + 40 * (static_cast<float>(i % 4) + 0.5F) / 4,
                               4 + 30 * (static_cast<float>(i / 4) + 0.5F) / 4);
      slice.mutable_lesion_map()->add_values(way.bone.contains(centre) ? 1 : 0);
    }
    const SampledSlice sample = RenderSlice(slice, image);
    EXPECT_EQ(sample.turned, way.row_direction[0] != 1);
    // Upright the tile is filled; exchanged, it is 30 wide to 40 high: 202 pixels.
    const int left = way.row_direction[1] == 1 ? (kTileWidth - 202) / 2 : 0;
    EXPECT_TRUE(IsWhite(sample.ct, left + 35, 30)) << way.bone;
    EXPECT_FALSE(IsWhite(sample.ct, kTileWidth - left - 35, 30)) << way.bone;
    EXPECT_FALSE(IsWhite(sample.ct, left + 35, kTileHeight - 30)) << way.bone;
    const auto lesion = sample.overlay.at<cv::Vec3b>(25, left + 30);
    const auto other = sample.overlay.at<cv::Vec3b>(kTileHeight - 30, kTileWidth - left - 40);
    EXPECT_GT(lesion[2], lesion[0]) << way.bone;
    EXPECT_GT(other[0], other[2]) << way.bone;
  }
}

TEST(RenderSliceTest, MarksSidesOnlyWhereTheyAreKnown) {
  HuSlice image;
  image.hu = cv::Mat(64, 64, CV_16SC1, cv::Scalar(-3000));  // black
  // Below the plate with the slice's place.
  const auto slice_shown = [&image] {
    const cv::Mat shown = Rasterise(SliceFigure(RenderSlice(FakeSlice(0, 1), image)));
    return cv::Mat(shown.rowRange(60, kTileHeight).clone().reshape(1));
  };
  EXPECT_EQ(cv::countNonZero(slice_shown()), 0);
  image.geometry.row_direction = {1, 0, 0};
  image.geometry.column_direction = {0, 1, 0};
  const cv::Mat marked = slice_shown();
  const int edge = 3 * 30;  // three channels a pixel
  EXPECT_GT(cv::countNonZero(marked.colRange(0, edge)), 0);
  EXPECT_GT(cv::countNonZero(marked.colRange(marked.cols - edge, marked.cols)), 0);
  EXPECT_EQ(cv::countNonZero(marked.colRange(edge, marked.cols - edge)), 0);
}

TEST(RenderSliceTest, KeepsTheProportionsOfTheBody) {
  HuSlice image = SyntheticSlice();
  image.hu.setTo(1000);
  image.geometry.row_spacing_mm = 2;  // the box of 40 x 30 pixels is 40 x 60 mm
  image.geometry.column_spacing_mm = 1;
  const SampledSlice sample = RenderSlice(FakeSlice(0, 1), image);
  EXPECT_TRUE(IsWhite(sample.ct, 180, 2));
  EXPECT_TRUE(IsWhite(sample.ct, 92, 135));  // 180 wide in a tile of 360
  EXPECT_FALSE(IsWhite(sample.ct, 88, 135));
}

TEST(SampleSlicesTest, DecodesEachInstanceOnceAndFindsTheFrame) {
  std::vector<int> loaded;
  const auto load = [&](int instance) -> absl::StatusOr<DecodedInstance> {
    loaded.push_back(instance);
    DecodedInstance decoded;
    // Frames in another order than that of their numbers; 4 is not there.
    for (const int frame : {14, 19, 9, 0}) {
      HuSlice slice = SyntheticSlice(frame);
      slice.hu.setTo(frame == 9 ? 1000 : -3000);
      decoded.slices.push_back(slice);
    }
    return decoded;
  };
  const v1::StudyAnswer answer = VolumeAnswer();
  const std::vector<SampledSlice> samples = SampleSlices(answer.slices(), load);
  // Slices 0 and 5 are the instances 9 and 4; the others frames of instance 10.
  EXPECT_THAT(loaded, ElementsAre(4, 9, 10));
  ASSERT_EQ(samples.size(), 6U);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(samples[i].result.index(), static_cast<int>(5 * i));
  EXPECT_TRUE(IsWhite(samples[4].ct, 180, 135));  // slice 20 is frame 9
  EXPECT_FALSE(IsWhite(samples[3].ct, 180, 135));
  EXPECT_THAT(samples[5].note, HasSubstr("the local file has no frame 4"));
  EXPECT_EQ(samples[0].note, "no lung: not scored");
  EXPECT_FALSE(samples[0].ct.empty());
  EXPECT_TRUE(samples[0].overlay.empty());
}

TEST(RenderSliceTest, SaysWhyAPictureIsMissing) {
  EXPECT_THAT(RenderSlice(FakeSlice(0, 1), NotDecoded()).note, HasSubstr("is not decoded"));

  v1::SliceResult slice = FakeSlice(0, 1);
  slice.clear_lesion_map();
  EXPECT_THAT(RenderSlice(slice, SyntheticSlice()).note, HasSubstr("none was asked for"));
  slice.set_scored(false);
  EXPECT_THAT(RenderSlice(slice, SyntheticSlice()).note, HasSubstr("not scored"));
  slice.mutable_lung_box()->set_width(1000);
  EXPECT_THAT(RenderSlice(slice, SyntheticSlice()).note, HasSubstr("outside the image"));
  slice.mutable_lung_box()->set_x(2147483647);  // its right edge does not fit 32 bits
  EXPECT_THAT(RenderSlice(slice, SyntheticSlice()).note, HasSubstr("outside the image"));
}

TEST(WriteReportTest, WritesAPageAndAFigureOfEveryFifthSlice) {
  const TemporaryFolder folder;
  M3L_ASSERT_OK_AND_ASSIGN(
      const ReportFiles files,
      WriteReport(FakeAnswer(33), SyntheticInstance, {}, folder.path() / "new" / "report"));
  M3L_ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile(files.page));
  EXPECT_EQ(CountOf("<figure>", page), 7U);
  EXPECT_EQ(CountOf(" href=\"data:image/jpeg;base64,", page), 14U + 1U);
  EXPECT_EQ(CountOf("<image ", page), 14U + 1U);  // and the scale of colours

  const cv::Mat figure = cv::imread(files.figure.string());
  M3L_ASSERT_OK_AND_ASSIGN(const ReportFiles smaller,
                           WriteReport(FakeAnswer(30), SyntheticInstance, {}, folder.path()));
  const cv::Mat one_row = cv::imread(smaller.figure.string());
  EXPECT_EQ(one_row.size(), cv::Size(kFigureWidth, 528 + kFigureRowHeight));
  EXPECT_EQ(figure.size(), cv::Size(kFigureWidth, 528 + 2 * kFigureRowHeight));
}

TEST(MakePageTest, RepeatsTheNoticeAndIsSelfContained) {
  const v1::StudyAnswer answer = FakeAnswer(10);
  const std::string page = MakePage(answer, SampleSlices(answer.slices(), SyntheticInstance), {});
  EXPECT_GE(CountOf("Research use only.", page), 3U);
  EXPECT_GE(CountOf("Weights are &lt;random&gt; &amp; mean nothing.", page), 4U);
  EXPECT_THAT(page, HasSubstr("1: COVID-19"));
  EXPECT_THAT(page, HasSubstr("width=\"750\" height=\"30\" fill=\"#e04f2b\""));  // of 1000
  // FakeAnswer(10), every fifth slice: 0 has a lesion probability of 0, 5 one of exactly one half,
  // which is not above it.
  EXPECT_EQ(CountOf("warm speaks for none", page), 2U);
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

// Of the hundreds of pictures that a long study has, a browser lays out and decodes those in view;
// on paper all are.
TEST(MakePageTest, FiguresOutOfViewCostNothing) {
  const v1::StudyAnswer answer = FakeAnswer(12);
  const std::string page = MakePage(answer, SampleSlices(answer.slices(), SyntheticInstance), {});
  const size_t slices = page.find("<div class=\"slices\">");
  ASSERT_NE(slices, std::string::npos);
  EXPECT_EQ(CountOf("<figure>", page.substr(slices)), CountOf("<figure>", page));
  const size_t print = page.find("@media print");
  ASSERT_NE(print, std::string::npos);
  EXPECT_THAT(
      page.substr(0, print),
      HasSubstr(".slices figure { content-visibility: auto; contain-intrinsic-size: auto "));
  EXPECT_THAT(page.substr(print), HasSubstr(".slices figure { content-visibility: visible; }"));
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
  v1::SeriesSummary& series = *answer.mutable_patient()->add_series();
  series.set_series_instance_uid(hostile);
  series.set_detail(hostile);
  answer.mutable_patient()->add_warnings(hostile + " of the study");
  v1::InstanceReceipt& skipped = *answer.add_receipts();
  skipped.set_instance(2);
  skipped.set_status(v1::SKIPPED);
  skipped.set_detail(hostile);
  const auto hostile_hu = [&](int) -> absl::StatusOr<DecodedInstance> {
    return absl::InvalidArgumentError(hostile);
  };
  const std::string page =
      MakePage(answer, SampleSlices(answer.slices(), hostile_hu), {hostile, "b.dcm"});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_EQ(CountOf(escaped, page), 15U);
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

TEST(MakePageTest, SaysHowAnOddStudyWasRead) {
  const v1::StudyAnswer answer = VolumeAnswer();
  const std::string page = MakePage(answer, SampleSlices(answer.slices(), SyntheticInstance), {});
  for (const std::string part : {
           "<div class=\"verdict degraded\"><p><strong>DEGRADED</strong> SLICES_MISSING, "
           "POSITIONS_DOUBLED</p>\n<p>2 slices are missing between others",
           "<dt>No lung, not scored</dt><dd>0 to 3, 12, 27 to 29</dd>",
           "gantry tilt 12.5 degrees",
           "<td><strong>chosen</strong></td><td>30 slices, 5.00 mm apart over 155.0 mm, "
           "acquisition 2</td><td>the most slices of a lung kernel</td><td>2.25.1</td>",
           "<td>no</td><td>3 slices, 10.00 mm apart over 20.0 mm</td>",
           "<li><strong>study</strong>: the patient is under 16",
           "<li><strong>11 instances</strong>: SOPInstanceUID is empty</li>",
           ">left</text>",
           "width=\"81\" height=\"20\" fill=\"var(--faint)\"",  // 8.1 % of 1000
           ">24.9 %</text>",
           // Slice 15 is frame 14 of instance 10, which this loader does not have.
           "about 15.0 % of lung affected<br>instance 10, frame 14, box of the study",
           "no lung: not scored<br>instance 9, box of the study",
           "<td>used: 20 frames</td><td class=\"number\">10 to 29</td>"
           "<td>COVID-19 12, Healthy 4, no lung 4</td>",
           "<td>OTHER_SERIES</td><td class=\"number\">3</td><td>such as instance 12: of another",
       }) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(MakePageTest, SaysOfOneSliceOnlyWhatOthersDoNotShare) {
  v1::StudyAnswer answer = VolumeAnswer();
  answer.mutable_slices(5)->add_warnings("of this slice alone");
  const std::string page = MakePage(answer, SampleSlices(answer.slices(), SyntheticInstance), {});
  EXPECT_THAT(page, HasSubstr("instance 4, box of the study<br>of this slice alone</figcaption>"));
  EXPECT_THAT(page, Not(HasSubstr("<br>SOPInstanceUID is empty")));
}

TEST(MakePageTest, ShowsNoEmptyChartOfAStudyThatWasRejected) {
  v1::StudyAnswer answer;
  answer.mutable_patient()->set_verdict(v1::REJECTED);
  answer.mutable_patient()->add_reasons(v1::NOT_HOUNSFIELD);
  const std::string page = MakePage(answer, {}, {});
  EXPECT_THAT(page, HasSubstr("<strong>REJECTED</strong> NOT_HOUNSFIELD"));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
  EXPECT_THAT(page, Not(HasSubstr("Every fifth slice")));
}

TEST(MakePageTest, SaysThatNoLabelIsGiven) {
  const std::string page = MakePage(AbstainedAnswer(), {}, {});
  EXPECT_THAT(page, HasSubstr("<div class=\"verdict abstained\">"));
  EXPECT_THAT(page, HasSubstr("<p class=\"call\">No label</p>"));
  EXPECT_THAT(page, Not(HasSubstr("0: Healthy")));
}

TEST(StudyFigureTest, ShowsAStudyThatWasRejected) {
  v1::PatientResult patient;
  patient.set_verdict(v1::REJECTED);
  EXPECT_EQ(Rasterise(StudyFigure(patient, {})).cols, kFigureWidth);
}

TEST(LocalFilesTest, DecodesTheFilesThatWereSent) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "local_files";
  std::filesystem::remove_all(folder);
  const Phantom phantom = MakePhantom({.slices = 2, .size = 64});
  const absl::Span<const HuSlice> sent = absl::MakeSpan(phantom.slices).first(1);
  ASSERT_TRUE(WriteDicomStudy(sent, folder, DicomOptions()).ok());
  M3L_ASSERT_OK_AND_ASSIGN(const auto files, FindInstances({folder}));
  const InstanceLoader load = LocalFiles(files.files);
  M3L_ASSERT_OK_AND_ASSIGN(const DecodedInstance instance, load(0));
  ASSERT_EQ(instance.slices.size(), 1U);
  EXPECT_EQ(cv::norm(instance.slices[0].hu, sent[0].hu, cv::NORM_INF), 0);
  EXPECT_EQ(load(1).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace m3lung::client
