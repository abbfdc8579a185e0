// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/study_assembler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace m3lung {
namespace {

// Series of fewer slices are not searched for lungs where another has more, nor
// those beyond the largest ones.
constexpr size_t kFewSlices = 3;
constexpr size_t kMostSearched = 16;
constexpr double kIdealSpacingMm = 2;
constexpr double kAsMuchLung = 0.85;
constexpr double kHardlyTriedBelowYears = 16;
constexpr double kFlaggedTiltDegrees = 1;

// 0 for images as acquired, 1 for derived ones, 2 for projections.
int DerivationOf(const SliceSummary& slice) {
  const std::vector<std::string>& type = slice.header.image_type;
  for (const std::string& value : type) {
    if (value == "PROJECTION IMAGE" || value == "MIP" || value == "MINIP" || value == "MNIP") {
      return 2;
    }
  }
  return !type.empty() && type.front() == "DERIVED" ? 1 : 0;
}

double LungExtentMm(const ExaminedSeries& one) {
  return one.lungs.slices_with_lung * std::max(one.geometry.median_spacing_mm, 1e-3);
}

double MostLungExtentMm(const std::vector<ExaminedSeries>& series) {
  double most = 0;
  for (const ExaminedSeries& one : series) most = std::max(most, LungExtentMm(one));
  return most;
}

// Smaller is better, compared from the first to the last; the rules of the header.
using Rank = std::tuple<bool, Verdict, int, bool, int64_t, int64_t>;

Rank RankOf(const ExaminedSeries& one, double most_lung_mm, absl::Span<const SliceSummary> slices) {
  const double spacing = std::max(one.geometry.median_spacing_mm, 1e-3);
  return {!one.lungs.found,
          WorstVerdict(one.findings),
          DerivationOf(slices[one.series.head_to_feet.front()]),
          LungExtentMm(one) < kAsMuchLung * most_lung_mm,
          std::llround(std::abs(std::log(spacing / kIdealSpacingMm)) / std::log(1.5)),
          -static_cast<int64_t>(one.series.head_to_feet.size())};
}

ExaminedSeries Examine(Series series, absl::Span<const SliceSummary> slices, bool search) {
  ExaminedSeries one;
  one.geometry = GeometryOf(series, slices);
  if (search) {
    one.lungs = FindLungsOf(series, slices);
  } else {
    one.lungs.why_not = "other series have more slices, and this one was not searched";
    one.lungs.masks.resize(series.head_to_feet.size());
  }
  one.findings = CheckSeries(series, slices, one.geometry, one.lungs);
  one.series = std::move(series);
  return one;
}

std::string Describe(const ExaminedSeries& one, absl::Span<const SliceSummary> slices) {
  static constexpr const char* kDerivations[] = {"", ", derived images", ", projections"};
  std::string text = absl::StrCat(one.series.head_to_feet.size(), " slices");
  if (one.geometry.median_spacing_mm > 0) {
    absl::StrAppendFormat(&text, " %.4g mm apart", one.geometry.median_spacing_mm);
  }
  absl::StrAppend(&text, ", ",
                  one.lungs.found ? absl::StrCat("lung in ", one.lungs.slices_with_lung)
                                  : absl::StrCat("no lungs found (", one.lungs.why_not, ")"),
                  kDerivations[DerivationOf(slices[one.series.head_to_feet.front()])]);
  return text;
}

// The series that holds the pinned slices, with exactly these.
Series PinnedSeries(const std::vector<int>& pinned, absl::Span<const SliceSummary> slices) {
  std::vector<SliceSummary> alone;
  alone.reserve(pinned.size());
  for (const int slice : pinned) alone.push_back(slices[slice]);
  Series series;
  series.uid = alone.front().header.series_instance_uid;
  std::vector<int> order(pinned.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return alone[a].position_mm > alone[b].position_mm; });
  for (const int i : order) series.head_to_feet.push_back(pinned[i]);
  return series;
}

void Decide(const AssembledStudy& study, absl::Span<const SliceSummary> slices,
            std::vector<SliceDecision>& decisions) {
  const Series& chosen = study.series.front().series;
  const std::string& uid = chosen.uid;
  for (size_t i = 1; i < study.series.size(); ++i) {
    const Series& other = study.series[i].series;
    const bool same_uid = other.uid == uid;
    const bool by_acquisition = same_uid && other.acquisition_number != chosen.acquisition_number;
    const auto skip = [&](int slice) {
      decisions[slice].reason =
          by_acquisition ? SkipReason::kOtherAcquisition : SkipReason::kOtherSeries;
      decisions[slice].detail =
          by_acquisition
              ? "belongs to another acquisition of the series than the one chosen; the patient's "
                "result says why"
          : same_uid ? "differs in size, spacing or orientation from the slices chosen of its "
                       "series"
                     : "belongs to another series than the one chosen; the patient's result says "
                       "why";
    };
    for (const int slice : other.head_to_feet) skip(slice);
    for (const LeftOut& left_out : other.left_out) skip(left_out.slice);
  }
  for (const LeftOut& left_out : chosen.left_out) {
    decisions[left_out.slice].reason = left_out.reason;
    decisions[left_out.slice].detail = left_out.detail;
  }
  std::unordered_map<std::string, int> by_uid;
  for (const int slice : chosen.head_to_feet) {
    decisions[slice].used = true;
    const auto [same, is_new] = by_uid.emplace(slices[slice].header.sop_instance_uid, slice);
    if (!is_new && ShareUidWrongly(slices[same->second], slices[slice])) {
      decisions[slice].warnings.push_back(
          "another instance of the study has the same SOP instance uid");
    }
  }
}

std::vector<std::string> WarningsOf(const ExaminedSeries& chosen,
                                    absl::Span<const SliceSummary> slices) {
  std::vector<std::string> warnings;
  const SliceSummary& first = slices[chosen.series.head_to_feet.front()];
  if (chosen.geometry.gantry_tilt_degrees > kFlaggedTiltDegrees) {
    warnings.push_back(absl::StrFormat("the gantry was tilted by %.0f degrees",
                                       chosen.geometry.gantry_tilt_degrees));
  }
  if (!first.orientation.is_identity()) {
    warnings.push_back(
        "the images are stored turned or mirrored (a patient on the front or the side, say); they "
        "were brought to the common orientation, and boxes and maps are given as stored");
  }
  if (absl::string_view(first.header.patient_position).substr(0, 2) == "FF") {
    warnings.push_back("the patient was scanned feet first; slices are ordered from the head");
  }
  if (chosen.lungs.unseen_side != kNoLung) {
    warnings.push_back(absl::StrCat(
        "hardly any air is seen in the ", chosen.lungs.unseen_side == kLeftLung ? "left" : "right",
        " lung: the box takes in its place, and the shares of lung affected do not count it"));
  }
  for (const int slice : chosen.series.head_to_feet) {
    const std::optional<double>& age = slices[slice].header.patient_age_years;
    if (age.has_value() && *age < kHardlyTriedBelowYears) {
      warnings.push_back(
          "the patient is under 16, an age at which the method has hardly been tried");
      break;
    }
  }
  return warnings;
}

// Moves the best series to the front; the others follow by their rank.
void SortByRank(std::vector<ExaminedSeries>& series, absl::Span<const SliceSummary> slices) {
  const double most = MostLungExtentMm(series);
  std::stable_sort(series.begin(), series.end(),
                   [&](const ExaminedSeries& a, const ExaminedSeries& b) {
                     return RankOf(a, most, slices) < RankOf(b, most, slices);
                   });
}

std::vector<ExaminedSeries> ExamineAll(std::vector<Series> all,
                                       absl::Span<const SliceSummary> slices) {
  // The largest ones, so that a study of thousands of series costs no more than one
  // of a few.
  std::vector<size_t> by_size(all.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(), [&](size_t a, size_t b) {
    return all[a].head_to_feet.size() > all[b].head_to_feet.size();
  });
  std::vector<bool> searched(all.size(), false);
  for (size_t i = 0; i < std::min(by_size.size(), kMostSearched); ++i) {
    const size_t most = all[by_size.front()].head_to_feet.size();
    searched[by_size[i]] = all[by_size[i]].head_to_feet.size() >= std::min(kFewSlices, most);
  }
  std::vector<ExaminedSeries> examined;
  for (size_t i = 0; i < all.size(); ++i) {
    examined.push_back(Examine(std::move(all[i]), slices, searched[i]));
  }
  return examined;
}

// What is left of `all` without the pinned slices; those at their positions and
// of their series are no series of their own.
std::vector<Series> WithoutPinned(std::vector<Series> all, const std::vector<int>& pinned) {
  std::vector<Series> others;
  for (Series& series : all) {
    const auto is_pinned = [&](int slice) {
      return std::find(pinned.begin(), pinned.end(), slice) != pinned.end();
    };
    if (std::none_of(series.head_to_feet.begin(), series.head_to_feet.end(), is_pinned)) {
      others.push_back(std::move(series));
    }
  }
  return others;
}

}  // namespace

LungVolume FindLungsOf(const Series& series, absl::Span<const SliceSummary> slices) {
  std::vector<cv::Mat> coarse;
  std::vector<double> positions;
  for (const int slice : series.head_to_feet) {
    coarse.push_back(slices[slice].coarse);
    positions.push_back(slices[slice].position_mm);
  }
  return FindLungs(coarse, positions, slices[series.head_to_feet.front()].grid);
}

AssembledStudy AssembleStudy(absl::Span<const SliceSummary> slices,
                             const std::optional<std::vector<int>>& pinned) {
  AssembledStudy study;
  study.decisions.resize(slices.size());
  if (slices.empty() || (pinned.has_value() && pinned->empty())) return study;
  if (pinned.has_value()) {
    ExaminedSeries used = Examine(PinnedSeries(*pinned, slices), slices, /*search=*/true);
    study.series = ExamineAll(WithoutPinned(GroupIntoSeries(slices), *pinned), slices);
    SortByRank(study.series, slices);
    const double most = std::max(LungExtentMm(used), MostLungExtentMm(study.series));
    const bool better = !study.series.empty() &&
                        RankOf(study.series.front(), most, slices) < RankOf(used, most, slices);
    study.findings = used.findings;
    if (better) {
      study.findings.push_back(
          {StudyReason::kBetterSeriesSkipped, Verdict::kDegraded,
           "slices were answered as they came, and so the first series was taken; another one "
           "shows the lungs better; ask for crop mode VOLUME, or send that series alone"});
    }
    study.series.insert(study.series.begin(), std::move(used));
  } else {
    study.series = ExamineAll(GroupIntoSeries(slices), slices);
    SortByRank(study.series, slices);
    study.findings = study.series.front().findings;
  }
  for (size_t i = 0; i < study.series.size(); ++i) {
    study.series[i].detail =
        absl::StrCat(i == 0 ? "chosen: " : "not chosen: ", Describe(study.series[i], slices));
  }
  Decide(study, slices, study.decisions);
  study.warnings = WarningsOf(study.series.front(), slices);
  return study;
}

}  // namespace m3lung
