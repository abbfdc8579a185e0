// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/findings.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace m3lung {
namespace {

double Share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string Percent(double share) { return absl::StrFormat("%.0f %%", share * 100); }
std::string Millimetres(double mm) { return absl::StrFormat("%.4g mm", mm); }

Finding NotHounsfield(const HounsfieldCounts& counts) {
  return {StudyReason::kNotHounsfield, Verdict::kRejected,
          absl::StrCat(
              "the pixels are not Hounsfield units: ", Percent(Share(counts.air, counts.pixels)),
              " of them are near air or lung, ",
              Percent(Share(counts.tissue, counts.pixels - counts.air)),
              " of the others near water; send the original images with their rescale slope and "
              "intercept")};
}

// From the first slice with lung to the last one.
double LungExtent(const Series& series, absl::Span<const SliceSummary> slices,
                  const LungVolume& lungs) {
  std::vector<double> positions;
  for (size_t i = 0; i < lungs.masks.size(); ++i) {
    if (!lungs.masks[i].empty()) positions.push_back(slices[series.head_to_feet[i]].position_mm);
  }
  return positions.empty() ? 0 : positions.front() - positions.back();
}

void CheckLungs(const LungVolume& lungs, double extent_mm, const GateLimits& limits,
                std::vector<Finding>& findings) {
  if (lungs.slices_with_lung < limits.min_lung_slices) {
    findings.push_back(
        {StudyReason::kTooFewLungSlices, Verdict::kAbstained,
         absl::StrCat(lungs.slices_with_lung, " slices show lung, at least ",
                      limits.min_lung_slices,
                      " are needed for a statement about the patient; send the whole series")});
  }
  const bool cut = lungs.cut_at_head || lungs.cut_at_feet;
  if (!cut && extent_mm >= limits.min_lung_extent_mm) return;
  const bool too_short = extent_mm < limits.min_lung_extent_mm;
  findings.push_back(
      {StudyReason::kLungsNotCovered, too_short ? Verdict::kAbstained : Verdict::kDegraded,
       absl::StrCat("the slices ",
                    lungs.cut_at_head && lungs.cut_at_feet ? "begin and end within the lungs"
                    : lungs.cut_at_head                    ? "begin within the lungs"
                    : lungs.cut_at_feet                    ? "end within the lungs"
                                                           : "show little of the lungs",
                    ", of which they cover ", Millimetres(extent_mm),
                    "; what lies outside is not judged")});
}

void CheckPositions(size_t slices, const SeriesGeometry& geometry, const GateLimits& limits,
                    std::vector<Finding>& findings) {
  if (geometry.missing_slices > 0) {
    const double share =
        Share(geometry.missing_slices, static_cast<int64_t>(slices) + geometry.missing_slices);
    const bool many =
        share > limits.max_missing_share || geometry.widest_gap_mm > limits.max_gap_mm;
    findings.push_back(
        {StudyReason::kSlicesMissing, many ? Verdict::kAbstained : Verdict::kDegraded,
         absl::StrCat("about ", geometry.missing_slices, " slices are missing in ", geometry.gaps,
                      geometry.gaps == 1 ? " gap" : " gaps", " (the widest of ",
                      Millimetres(geometry.widest_gap_mm), ", slices lie ",
                      Millimetres(geometry.median_spacing_mm), " apart); send the whole series")});
  }
  if (geometry.median_spacing_mm > limits.wide_spacing_mm) {
    const bool too_wide = geometry.median_spacing_mm > limits.max_spacing_mm;
    findings.push_back(
        {StudyReason::kSpacingTooWide, too_wide ? Verdict::kAbstained : Verdict::kDegraded,
         absl::StrCat("slices lie ", Millimetres(geometry.median_spacing_mm), " apart, over ",
                      Millimetres(too_wide ? limits.max_spacing_mm : limits.wide_spacing_mm),
                      "; lesions may lie between them; send the series with thin slices")});
  }
  if (geometry.doubled_positions > 0) {
    findings.push_back(
        {StudyReason::kPositionsDoubled, Verdict::kDegraded,
         absl::StrCat(geometry.doubled_positions,
                      " slices were left out because another one of the series lies at the same "
                      "position; send each reconstruction as a series of its own")});
  }
}

}  // namespace

Verdict WorstVerdict(const std::vector<Finding>& findings) {
  Verdict worst = Verdict::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

bool LooksLikeHounsfield(const HounsfieldCounts& counts, const GateLimits& limits) {
  return Share(counts.air, counts.pixels) >= limits.min_air_share &&
         Share(counts.tissue, counts.pixels - counts.air) >= limits.min_tissue_share;
}

std::vector<Finding> CheckSeries(const Series& series, absl::Span<const SliceSummary> slices,
                                 const SeriesGeometry& geometry, const LungVolume& lungs,
                                 const GateLimits& limits) {
  std::vector<Finding> findings;
  HounsfieldCounts counts;
  for (const int slice : series.head_to_feet) counts = counts + slices[slice].counts;
  if (!LooksLikeHounsfield(counts, limits)) {
    findings.push_back(NotHounsfield(counts));
    return findings;  // The others would measure nonsense.
  }
  if (lungs.found) {
    CheckLungs(lungs, LungExtent(series, slices, lungs), limits, findings);
  } else {
    findings.push_back(
        {StudyReason::kNoLungsFound, Verdict::kRejected,
         absl::StrCat("no lungs were found: ", lungs.why_not, "; send a CT of the chest")});
  }
  CheckPositions(series.head_to_feet.size(), geometry, limits, findings);
  return findings;
}

}  // namespace m3lung
