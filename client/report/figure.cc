// SPDX-License-Identifier: Apache-2.0
#include "client/report/figure.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/label_colours.h"
#include "client/report/lesion_overlay.h"
#include "client/report/notice.h"
#include "client/study_words.h"
#include "opencv2/imgproc.hpp"
#include "page/text_drawing.h"

namespace m3lung::client {
namespace {

constexpr int kMargin = 40;
constexpr int kColumnGap = 12;
constexpr int kTileGap = 4;
constexpr int kTitleHeight = 150;
constexpr int kNoticeLine = 36;
constexpr int kFooterHeight = 330;
static_assert(2 * kMargin + kFigureColumns * kTileWidth + (kFigureColumns - 1) * kColumnGap ==
              kFigureWidth);

const cv::Scalar kInk = cv::Scalar::all(30);
const cv::Scalar kFaintInk = cv::Scalar::all(110);
const cv::Scalar kPale = cv::Scalar::all(235);
const cv::Scalar kNoticeInk(20, 20, 170);

constexpr double kBody = 20;
constexpr double kOnPicture = 15;

std::string Headline(const v1::PatientResult& patient) {
  const std::string label = patient.label() == v1::LABEL_UNSPECIFIED
                                ? "No label"
                                : absl::StrCat("Label ", LabelName(patient.label()));
  std::string line = absl::StrCat("Verdict ", NameOf(patient.verdict()), "     ", label, "     ",
                                  patient.slices_used(), " slices used, every ", kSampleStep,
                                  "th shown, head to feet");
  if (patient.has_affected_lung()) {
    absl::StrAppend(&line, absl::StrFormat("     about %.1f %% of lung affected",
                                           patient.affected_lung().whole() * 100));
  }
  return line;
}

void DrawHeader(cv::Mat& figure, const v1::PatientResult& patient,
                const std::vector<std::string>& notice) {
  DrawText(figure, "M3Lung-Sys: pneumonia screening from chest CT", {kMargin, 78},
           {30, kInk, true});
  DrawText(figure, Headline(patient), {kMargin, 128}, {kBody, kInk, false});
  int y = kTitleHeight + 20;
  for (const std::string& line : notice) {
    DrawText(figure, line, {kMargin, y}, {kBody, kNoticeInk, true});
    y += kNoticeLine;
  }
}

// A tile with words where a picture would be.
cv::Mat WordTile(absl::string_view words) {
  cv::Mat tile(kTileHeight, kTileWidth, CV_8UC3, kPale);
  const TextStyle style{kOnPicture, kFaintInk, false};
  int y = kTileHeight / 2 - 20;
  for (const std::string& line : WrapText(words, kTileWidth - 40, style)) {
    DrawText(tile, line, {20, y}, style);
    y += 28;
  }
  return tile;
}

void DrawSample(cv::Mat& figure, const SampledSlice& sample, cv::Point corner) {
  const v1::SliceResult& slice = sample.result;
  const cv::Scalar white = cv::Scalar::all(255);
  cv::Mat ct = sample.ct.empty() ? WordTile(sample.note) : sample.ct.clone();
  DrawPlate(ct, absl::StrFormat("%d   z %.1f mm", slice.index(), slice.position_mm()),
            Corner::kTopLeft, {kOnPicture, white, false});
  cv::Mat map = !sample.overlay.empty() ? sample.overlay.clone()
                                        : WordTile(sample.ct.empty() ? "" : sample.note);
  if (slice.scored()) {
    const int label = slice.label() - 1;
    const float probability =
        label >= 0 && label < slice.probabilities_size() ? slice.probabilities(label) : 0.0F;
    cv::Scalar colour = ColourOf(slice.label()).Bgr();
    // Lightened, since the plate is dark.
    colour = colour * 0.6 + cv::Scalar::all(0.4 * 255);
    DrawPlate(map, absl::StrFormat("%s %.2f", std::string(LabelName(slice.label())), probability),
              Corner::kTopRight, {kOnPicture + 2, colour, true});
    if (!sample.overlay.empty() && !MapShowsLesion(slice)) {
      DrawPlate(map, "no lesion: warm speaks for none", Corner::kBottomLeft,
                {kOnPicture - 2, white, false});
    }
  }
  ct.copyTo(figure(cv::Rect(corner, ct.size())));
  map.copyTo(figure(cv::Rect(corner + cv::Point(0, kTileHeight + kTileGap), map.size())));
}

void DrawColourScale(cv::Mat& figure, cv::Point corner) {
  const cv::Size size(520, 26);
  cv::Mat ramp(1, 256, CV_8UC1);
  for (int i = 0; i < 256; ++i) ramp.at<uint8_t>(0, i) = static_cast<uint8_t>(i);
  cv::Mat colours;
  cv::applyColorMap(ramp, colours, cv::COLORMAP_JET);
  cv::resize(colours, colours, size, 0, 0, cv::INTER_LINEAR);
  DrawText(figure, "Location map", corner + cv::Point(0, 30), {kBody, kInk, true});
  colours.copyTo(figure(cv::Rect(corner + cv::Point(0, 56), size)));
  const TextStyle style{kBody - 3, kInk, false};
  DrawText(figure, "0", corner + cv::Point(0, 112), style);
  DrawText(figure, "1", corner + cv::Point(size.width - 14, 112), style);
  int y = 152;
  for (const absl::string_view line :
       {"Warmer: more probably part of a lesion.", "On a slice called lesion-free the map shows",
        "what speaks for that: most of it is warm."}) {
    DrawText(figure, line, corner + cv::Point(0, y), {kBody - 3, kFaintInk, false});
    y += 32;
  }
}

// The verdict's reasons by name; the page has them in words.
void DrawReasons(cv::Mat& figure, const v1::PatientResult& patient, cv::Point left_base) {
  if (patient.reasons().empty()) return;
  const TextStyle style{kBody - 3, kFaintInk, false};
  const std::vector<std::string> lines =
      WrapText(absl::StrCat(NameOf(patient.verdict()), ": ", ReasonNames(patient)),
               figure.cols - kMargin - left_base.x, style);
  for (const std::string& line : lines) {
    DrawText(figure, line, left_base, style);
    left_base.y += 28;
  }
}

void DrawProbabilities(cv::Mat& figure, const v1::PatientResult& patient, cv::Point corner) {
  constexpr int kBarLeft = 200;
  constexpr int kBarWidth = 900;
  DrawText(figure, "Patient", corner + cv::Point(0, 30), {kBody, kInk, true});
  if (patient.probabilities().empty()) {
    DrawText(figure, "No label is given.", corner + cv::Point(0, 80), {kBody, kInk, true});
    DrawReasons(figure, patient, corner + cv::Point(0, 120));
    return;
  }
  for (int i = 0; i < patient.probabilities_size() && i < static_cast<int>(kLabels.size()); ++i) {
    const v1::Label label = kLabels[static_cast<size_t>(i)];
    const float probability = std::clamp(patient.probabilities(i), 0.0F, 1.0F);
    const int y = 80 + 52 * i;
    const TextStyle style{kBody, kInk, label == patient.label()};
    DrawText(figure, absl::StrCat(i, ": ", LabelName(label)), corner + cv::Point(0, y), style);
    const cv::Rect bar(corner + cv::Point(kBarLeft, y - 24), cv::Size(kBarWidth, 30));
    cv::rectangle(figure, bar, kPale, cv::FILLED);
    const int length = static_cast<int>(std::lround(probability * kBarWidth));
    if (length > 0) {
      cv::rectangle(figure, cv::Rect(bar.tl(), cv::Size(length, bar.height)), ColourOf(label).Bgr(),
                    cv::FILLED);
    }
    DrawText(figure, absl::StrFormat("%.3f", probability),
             corner + cv::Point(kBarLeft + kBarWidth + 24, y), style);
  }
  DrawReasons(figure, patient,
              corner + cv::Point(0, 80 + 52 * static_cast<int>(kLabels.size()) - 10));
}

}  // namespace

cv::Mat DrawFigure(const v1::PatientResult& patient, const std::vector<SampledSlice>& samples) {
  const std::vector<std::string> notice =
      WrapText(absl::StrCat(kResearchUseOnly, " ", NoticeText(patient.model())),
               kFigureWidth - 2 * kMargin, {kBody, kNoticeInk, true});
  const int rows = (static_cast<int>(samples.size()) + kFigureColumns - 1) / kFigureColumns;
  const int grid_top = kTitleHeight + kNoticeLine * static_cast<int>(notice.size()) + 12;
  const int footer_top = grid_top + rows * kFigureRowHeight;
  cv::Mat figure(footer_top + kFooterHeight, kFigureWidth, CV_8UC3, cv::Scalar::all(255));

  DrawHeader(figure, patient, notice);
  for (size_t i = 0; i < samples.size(); ++i) {
    const int row = static_cast<int>(i) / kFigureColumns;
    const int column = static_cast<int>(i) % kFigureColumns;
    DrawSample(figure, samples[i],
               {kMargin + column * (kTileWidth + kColumnGap), grid_top + row * kFigureRowHeight});
  }
  DrawColourScale(figure, {kMargin, footer_top + 20});
  DrawProbabilities(figure, patient, {kFigureWidth / 2 - 250, footer_top + 20});
  return figure;
}

}  // namespace m3lung::client
