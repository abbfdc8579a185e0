// SPDX-License-Identifier: Apache-2.0
#include "client/report/figure.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/notice.h"
#include "client/study_words.h"
#include "report/html.h"

namespace m3lung::client {
namespace {

constexpr int kMargin = 40;
constexpr int kColumnGap = 12;
constexpr int kTitleHeight = 150;
constexpr int kNoticeLine = 36;
constexpr int kFooterHeight = 330;
static_assert(2 * kMargin + kFigureColumns * kTileWidth + (kFigureColumns - 1) * kColumnGap ==
              kFigureWidth);

constexpr double kBody = 20;
constexpr TextStyle kPlain = {kBody, StyleColour::kInk, false};
constexpr TextStyle kBold = {kBody, StyleColour::kInk, true};
constexpr TextStyle kRemark = {kBody - 3, StyleColour::kFaint, false};
constexpr TextStyle kNotice = {kBody, StyleColour::kWarning, true};

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

// The first line's base line begins at `base`, the next ones `step` below each.
void AddLines(Drawing& figure, const std::vector<std::string>& lines, cv::Point2d base, double step,
              const TextStyle& style) {
  for (const std::string& line : lines) {
    figure.Add(Text{line, base, style});
    base.y += step;
  }
}

void AddScale(Drawing& figure, const cv::Point2d& corner) {
  figure.Add(Text{"Location map", corner + cv::Point2d(0, 30), kBold});
  figure.Add(ColourScale(), corner + cv::Point2d(0, 56));
  AddLines(
      figure,
      {"Warmer: more probably part of a lesion.", "On a slice called lesion-free the map shows",
       "what speaks for that: most of it is warm."},
      corner + cv::Point2d(0, 152), 32, kRemark);
}

// The verdict's reasons by name; the page has them in words.
void AddReasons(Drawing& figure, const v1::PatientResult& patient, const cv::Point2d& base) {
  if (patient.reasons().empty()) return;
  AddLines(figure,
           WrapText(absl::StrCat(NameOf(patient.verdict()), ": ", ReasonNames(patient)),
                    kFigureWidth - kMargin - static_cast<int>(base.x), kRemark),
           base, 28, kRemark);
}

void AddPatient(Drawing& figure, const v1::PatientResult& patient, const cv::Point2d& corner) {
  figure.Add(Text{"Patient", corner + cv::Point2d(0, 30), kBold});
  const cv::Point2d below = corner + cv::Point2d(0, 48);
  if (patient.probabilities().empty()) {
    figure.Add(Text{"No label is given.", below + cv::Point2d(0, 32), kBold});
    AddReasons(figure, patient, below + cv::Point2d(0, 72));
    return;
  }
  const Drawing bars = ProbabilityBars(patient);
  figure.Add(bars, below);
  AddReasons(figure, patient, below + cv::Point2d(0, bars.size.height + 20));
}

}  // namespace

Drawing StudyFigure(const v1::PatientResult& patient, const std::vector<SampledSlice>& samples) {
  const std::vector<std::string> notice =
      WrapText(absl::StrCat(kResearchUseOnly, " ", NoticeText(patient.model())),
               kFigureWidth - 2 * kMargin, kNotice);
  const int rows = (static_cast<int>(samples.size()) + kFigureColumns - 1) / kFigureColumns;
  const int grid_top = kTitleHeight + kNoticeLine * static_cast<int>(notice.size()) + 12;
  const int footer_top = grid_top + rows * kFigureRowHeight;
  Drawing figure = {cv::Size(kFigureWidth, footer_top + kFooterHeight), "Study report", {}};

  figure.Add(Text{"M3Lung-Sys: pneumonia screening from chest CT",
                  {kMargin, 78},
                  {30, StyleColour::kInk, true}});
  figure.Add(Text{Headline(patient), {kMargin, 128}, kPlain});
  AddLines(figure, notice, {kMargin, kTitleHeight + 20}, kNoticeLine, kNotice);
  for (size_t i = 0; i < samples.size(); ++i) {
    const int row = static_cast<int>(i) / kFigureColumns;
    const int column = static_cast<int>(i) % kFigureColumns;
    figure.Add(SliceFigure(samples[i]), cv::Point(kMargin + column * (kTileWidth + kColumnGap),
                                                  grid_top + row * kFigureRowHeight));
  }
  AddScale(figure, cv::Point(kMargin, footer_top + 20));
  AddPatient(figure, patient, cv::Point(kFigureWidth / 2 - 250, footer_top + 20));
  return figure;
}

}  // namespace m3lung::client
