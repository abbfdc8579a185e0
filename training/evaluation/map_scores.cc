// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/map_scores.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "opencv2/imgproc.hpp"
#include "training/evaluation/ranking.h"

namespace m3lung {
namespace {

// As large as the mask, row by row.
cv::Mat Enlarged(const LocationMap& map, cv::Size size) {
  cv::Mat grid(map.rows, map.columns, CV_32FC1);
  std::copy(map.values.begin(), map.values.end(), grid.ptr<float>());
  cv::Mat enlarged;
  cv::resize(grid, enlarged, size, 0, 0, cv::INTER_LINEAR);
  return enlarged;
}

bool Hits(const cv::Mat& map, const cv::Mat& mask, int grid_rows) {
  cv::Point peak;
  cv::minMaxLoc(map, nullptr, nullptr, nullptr, &peak);
  const int reach = mask.rows / grid_rows / 2;
  const cv::Rect around(peak.x - reach, peak.y - reach, 2 * reach + 1, 2 * reach + 1);
  return cv::countNonZero(mask(around & cv::Rect({0, 0}, mask.size()))) > 0;
}

// Number of thresholds that `value` reaches.
int ThresholdsReached(float value) {
  int reached = std::clamp(static_cast<int>(value * 100), 0, kMapThresholds);
  // The product is rounded.
  while (reached < kMapThresholds && value >= MapThreshold(reached)) ++reached;
  while (reached > 0 && value < MapThreshold(reached - 1)) --reached;
  return reached;
}

// Sum over results, each as often as its study, of `value(result)`, as a mean.
template <typename Value>
std::optional<double> Mean(const std::vector<MapResult>& results, absl::Span<const int> weights,
                           const Value& value) {
  double sum = 0, count = 0;
  for (const MapResult& result : results) {
    const int weight = weights.empty() ? 1 : weights[static_cast<size_t>(result.study)];
    sum += weight * value(result);
    count += weight;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace

MapResult ScoreMap(const LocationMap& map, const cv::Mat& mask, int study) {
  const cv::Mat enlarged = Enlarged(map, mask.size());
  MapResult result;
  result.study = study;
  result.hit = Hits(enlarged, mask, map.rows);
  result.lesion_share =
      static_cast<double>(cv::countNonZero(mask)) / static_cast<double>(mask.total());

  std::vector<ScoredCase> pixels;
  pixels.reserve(mask.total());
  // Pixels by the number of thresholds that they reach.
  std::array<int64_t, kMapThresholds + 1> inside = {}, outside = {};
  for (int row = 0; row < mask.rows; ++row) {
    for (int column = 0; column < mask.cols; ++column) {
      const bool lesion = mask.at<uint8_t>(row, column) != 0;
      const float value = enlarged.at<float>(row, column);
      pixels.push_back({value, lesion, 0});
      ++(lesion ? inside : outside)[static_cast<size_t>(ThresholdsReached(value))];
    }
  }
  result.average_precision = Ranking(std::move(pixels)).AveragePrecision().value_or(0);

  const int lesion_pixels = cv::countNonZero(mask);
  int64_t hit_pixels = 0, false_pixels = 0;
  for (int i = kMapThresholds - 1; i >= 0; --i) {
    hit_pixels += inside[static_cast<size_t>(i) + 1];
    false_pixels += outside[static_cast<size_t>(i) + 1];
    result.overlap[static_cast<size_t>(i)] =
        static_cast<double>(hit_pixels) / static_cast<double>(lesion_pixels + false_pixels);
  }
  return result;
}

MapScores SummariseMaps(const std::vector<MapResult>& results, int lesion_slices,
                        const Resamples& resamples) {
  MapScores scores;
  scores.lesion_slices = lesion_slices;
  scores.mapped_slices = static_cast<int>(results.size());
  std::array<double, kMapThresholds> sums = {};
  for (const MapResult& result : results) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += result.overlap[i];
  }
  const auto best = static_cast<size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
  scores.threshold = MapThreshold(static_cast<int>(best));
  scores.chance_precision =
      Mean(results, {}, [](const MapResult& result) { return result.lesion_share; }).value_or(0);

  const std::vector<Estimate> estimates = Bootstrap(
      [&](absl::Span<const int> weights) -> std::vector<std::optional<double>> {
        return {
            Mean(results, weights, [](const MapResult& r) { return r.hit ? 1.0 : 0.0; }),
            Mean(results, weights, [&](const MapResult& r) { return r.overlap[best]; }),
            Mean(results, weights, [](const MapResult& r) { return r.average_precision; }),
        };
      },
      resamples);
  scores.pointing = estimates[0];
  scores.overlap = estimates[1];
  scores.average_precision = estimates[2];
  return scores;
}

}  // namespace m3lung
