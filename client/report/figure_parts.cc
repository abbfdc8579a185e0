// SPDX-License-Identifier: Apache-2.0
#include "client/report/figure_parts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/label_colours.h"
#include "client/report/lesion_overlay.h"
#include "report/chart_parts.h"

namespace m3lung::client {
namespace {

constexpr double kText = 14;
constexpr double kWordLine = 28;
constexpr size_t kMostWordLines = 8;  // in a tile

// Words where a picture would be, in the middle of `tile`; what does not fit is its hint.
void AddWords(Drawing& drawing, const std::string& words, const cv::Rect2d& tile) {
  const TextStyle style = {kText, StyleColour::kFaint, false};
  std::vector<std::string> lines = WrapText(words, static_cast<int>(tile.width) - 40, style);
  const bool cut = lines.size() > kMostWordLines;
  drawing.Add(Box{tile, StyleColour::kTrack, 1, cut ? words : ""});
  if (cut) {
    lines.resize(kMostWordLines);
    lines.back() = "...";
  }
  const double height = kWordLine * static_cast<double>(lines.size());
  cv::Point2d base(tile.x + tile.width / 2,
                   tile.y + (tile.height - height + kWordLine + kText) / 2);
  for (const std::string& line : lines) {
    drawing.Add(Text{line, base, style, Anchor::kMiddle});
    base.y += kWordLine;
  }
}

void AddPicture(Drawing& drawing, const SampledSlice& sample, const cv::Mat& pixels,
                const std::string& alternative, const cv::Rect2d& tile) {
  drawing.Add(Picture{pixels, tile, alternative});
  if (!sample.sides_known) return;
  const TextStyle style = {kText - 1, kWhite, true};
  AddPlate(drawing, "R", tile, Corner::kMiddleLeft, style);
  AddPlate(drawing, "L", tile, Corner::kMiddleRight, style);
}

float ProbabilityOfLabel(const v1::SliceResult& slice) {
  const int i = slice.label() - 1;
  return i >= 0 && i < slice.probabilities_size() ? slice.probabilities(i) : 0.0F;
}

// Lightened, since the plate is dark.
Colour OnPlate(const Colour& colour) {
  const auto lighten = [](uint8_t value) {
    return static_cast<uint8_t>(std::lround(value * 0.6 + 0.4 * 255));
  };
  return {lighten(colour.red), lighten(colour.green), lighten(colour.blue)};
}

}  // namespace

Drawing SliceFigure(const SampledSlice& sample) {
  const v1::SliceResult& slice = sample.result;
  const std::string name = absl::StrCat("slice ", slice.index());
  const cv::Rect2d upper(0, 0, kTileWidth, kTileHeight);
  const cv::Rect2d lower = upper + cv::Point2d(0, kTileHeight + kTileGap);
  Drawing drawing = {lower.br(), absl::StrCat("CT and location map, ", name), {}};
  if (sample.ct.empty()) {
    AddWords(drawing, sample.note, upper);
  } else {
    AddPicture(drawing, sample, sample.ct, absl::StrCat("CT, ", name), upper);
  }
  AddPlate(drawing, absl::StrCat(name, absl::StrFormat(", z %.1f mm", slice.position_mm())), upper,
           Corner::kTopLeft, {kText, kWhite});
  if (sample.overlay.empty()) {
    AddWords(drawing, sample.ct.empty() ? "no map" : sample.note, lower);
  } else {
    AddPicture(drawing, sample, sample.overlay, absl::StrCat("Location map, ", name), lower);
    if (!MapShowsLesion(slice)) {
      AddPlate(drawing, "no lesion: warm speaks for none", lower, Corner::kBottomLeft,
               {kText - 1, kWhite});
    }
  }
  if (slice.scored()) {
    const std::string label =
        absl::StrCat(LabelName(slice.label()), absl::StrFormat(" %.2f", ProbabilityOfLabel(slice)));
    AddPlate(drawing, label, lower, Corner::kTopRight,
             {kText + 2, OnPlate(ColourOf(slice.label())), true});
  }
  return drawing;
}

Drawing ProbabilityBars(const v1::PatientResult& patient) {
  std::vector<Bar> bars;
  for (int i = 0; i < patient.probabilities_size() && i < static_cast<int>(kLabels.size()); ++i) {
    const v1::Label label = kLabels[static_cast<size_t>(i)];
    bars.push_back({absl::StrCat(i, ": ", LabelName(label)), patient.probabilities(i),
                    ColourOf(label), absl::StrFormat("%.3f", patient.probabilities(i)),
                    label == patient.label()});
  }
  return BarChart("Probabilities", bars, BarLayout());
}

Drawing ColourScale() {
  constexpr double kScaleWidth = 520;
  constexpr double kScaleHeight = 26;
  constexpr double kScaleBase = 56;
  cv::Mat levels(1, 256, CV_8UC1);
  for (int i = 0; i < levels.cols; ++i) levels.at<uint8_t>(0, i) = static_cast<uint8_t>(i);
  Drawing drawing = {
      {kScaleWidth, kScaleBase + 4}, "The colours of location maps, from 0 to 1", {}};
  drawing.Add(Picture{MapColours(levels), {0, 0, kScaleWidth, kScaleHeight}, "from blue to red"});
  const TextStyle style = {17, StyleColour::kInk, false};
  drawing.Add(Text{"0", {0, kScaleBase}, style});
  drawing.Add(Text{"1", {kScaleWidth, kScaleBase}, style, Anchor::kEnd});
  return drawing;
}

}  // namespace m3lung::client
