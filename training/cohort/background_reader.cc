// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/folder_files.h"
#include "base/status_macros.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/study/pipeline.h"
#include "preprocess/study/study_assembler.h"
#include "training/cohort/background.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr double kBorderHu = -320;  // half way between lung and wall
constexpr double kBorderMm = 2.6;   // the coarse mask's border may be off by this much

// The coarse mask brought to the image's size: certain within, and at its border
// wherever there is air.
cv::Mat FineSides(const cv::Mat& coarse, const cv::Mat& hu, const CoarseGrid& grid) {
  cv::Mat fine(hu.size(), CV_8UC1, cv::Scalar(kNoLung));
  if (coarse.empty()) return fine;
  cv::Mat smooth;
  hu.convertTo(smooth, CV_32F);
  cv::GaussianBlur(smooth, smooth, {5, 5}, 0.8);
  const double pixel_mm = grid.column_mm / grid.column_factor;
  const int border = std::max(1, static_cast<int>(std::lround(kBorderMm / pixel_mm)));
  const cv::Mat element =
      cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * border + 1, 2 * border + 1});
  for (const int side : {kRightLung, kLeftLung}) {
    cv::Mat whole, mask = coarse == side;
    cv::resize(mask, whole, {grid.columns() * grid.column_factor, grid.rows() * grid.row_factor}, 0,
               0, cv::INTER_LINEAR);
    const cv::Mat cut = whole({{0, 0}, hu.size()}) > 127;
    cv::Mat inner, outer;
    cv::erode(cut, inner, element);
    cv::dilate(cut, outer, element);
    const cv::Mat lung = inner | (outer & (smooth < kBorderHu));
    fine.setTo(side, lung & (fine == kNoLung));
  }
  return fine;
}

// Deviation of what is finer than soft tissue has any structure for.
double NoiseOf(const cv::Mat& hu) {
  cv::Mat values, fine, smooth;
  hu.convertTo(values, CV_32F);
  cv::GaussianBlur(values, smooth, {0, 0}, 3);
  fine = values - smooth;
  cv::Mat soft = (smooth > 20) & (smooth < 75);
  cv::erode(soft, soft, cv::Mat::ones(9, 9, CV_8U));
  if (cv::countNonZero(soft) < 2000) return 0;
  cv::Scalar mean, deviation;
  cv::meanStdDev(fine, mean, deviation, soft);
  return deviation[0];
}

}  // namespace

absl::StatusOr<Background> MakeBackground(std::vector<StudySlice> slices) {
  std::vector<SliceSummary> summaries;
  summaries.reserve(slices.size());
  for (const StudySlice& slice : slices) summaries.push_back(slice.summary);
  const AssembledStudy study = AssembleStudy(summaries);
  if (study.chosen() == nullptr) {
    return absl::InvalidArgumentError("there are no CT slices that make up a study");
  }
  const ExaminedSeries& chosen = *study.chosen();
  if (!chosen.lungs.found) {
    return absl::InvalidArgumentError(absl::StrCat("no lungs were found: ", chosen.lungs.why_not));
  }
  Background background;
  std::vector<double> noise;
  for (size_t i = 0; i < chosen.series.head_to_feet.size(); ++i) {
    const int index = chosen.series.head_to_feet[i];
    const SliceSummary& summary = summaries[index];
    if (i == 0) {
      background.row_mm = summary.grid.row_mm / summary.grid.row_factor;
      background.column_mm = summary.grid.column_mm / summary.grid.column_factor;
    }
    cv::Mat hu = ToCommonOrientation(slices[index].hu, summary.orientation).clone();
    background.sides.push_back(FineSides(chosen.lungs.masks[i], hu, summary.grid));
    background.t.push_back(summaries[chosen.series.head_to_feet[0]].position_mm -
                           summary.position_mm);
    const double deviation = NoiseOf(hu);
    if (deviation > 0) noise.push_back(deviation);
    background.hu.push_back(std::move(hu));
    slices[index].hu.release();
  }
  if (!noise.empty()) {
    std::nth_element(noise.begin(), noise.begin() + static_cast<int>(noise.size() / 2),
                     noise.end());
    background.noise_hu = noise[noise.size() / 2];
  }
  return background;
}

absl::StatusOr<Background> ReadBackground(const fs::path& folder) {
  M3L_ASSIGN_OR_RETURN(const FolderFiles found, FilesBeneath(folder));
  if (!found.unreadable.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ",
                                                   found.unreadable.front().path.string(), ": ",
                                                   found.unreadable.front().why));
  }
  std::vector<StudySlice> slices;
  for (size_t i = 0; i < found.files.size(); ++i) {
    M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(found.files[i]));
    absl::StatusOr<std::vector<StudySlice>> read = ReadInstance(static_cast<int>(i), bytes, {});
    if (!read.ok()) continue;
    std::move(read->begin(), read->end(), std::back_inserter(slices));
  }
  absl::StatusOr<Background> background = MakeBackground(std::move(slices));
  if (background.ok()) return background;
  return absl::Status(background.status().code(),
                      absl::StrCat("the background ", folder.string(),
                                   " cannot be used: ", background.status().message()));
}

}  // namespace m3lung
