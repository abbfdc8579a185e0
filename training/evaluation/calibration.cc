// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace m3lung {
namespace {

constexpr int kBins = 10;

// A float probability below this was rounded to 0; its logit is not infinite.
constexpr double kLeastProbability = 1e-30;

using Logits = std::array<double, kClasses>;

Logits LogitsOf(const ClassProbabilities& probabilities) {
  Logits logits;
  for (size_t c = 0; c < logits.size(); ++c) {
    logits[c] = std::log(std::max<double>(probabilities[c], kLeastProbability));
  }
  return logits;
}

// ln of the sum of e^(logit / T), without overflow.
double LogSum(const Logits& logits, double temperature) {
  const double greatest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp((logit - greatest) / temperature);
  return greatest / temperature + std::log(sum);
}

}  // namespace

Calibration MeasureCalibration(absl::Span<const ClassProbabilities> probabilities,
                               absl::Span<const Label> truth) {
  Calibration calibration;
  for (int i = 0; i < kBins; ++i) {
    calibration.bins.push_back(
        {.low = static_cast<double>(i) / kBins, .high = static_cast<double>(i + 1) / kBins});
  }
  const auto cases = static_cast<double>(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto own = static_cast<size_t>(truth[i]);
    const auto called = static_cast<size_t>(MostProbable(probabilities[i]));
    const double confidence = probabilities[i][called];
    ReliabilityBin& bin =
        calibration.bins[std::min<size_t>(static_cast<size_t>(confidence * kBins), kBins - 1)];
    ++bin.cases;
    bin.mean_confidence += confidence;
    bin.accuracy += called == own ? 1 : 0;
    for (size_t c = 0; c < kClasses; ++c) {
      const double miss = probabilities[i][c] - (c == own ? 1.0 : 0.0);
      calibration.brier += miss * miss / cases;
    }
    constexpr double kSmallest = std::numeric_limits<double>::epsilon();
    calibration.log_loss -= std::log(std::max<double>(probabilities[i][own], kSmallest)) / cases;
  }
  for (ReliabilityBin& bin : calibration.bins) {
    if (bin.cases == 0) continue;
    bin.mean_confidence /= bin.cases;
    bin.accuracy /= bin.cases;
    calibration.expected_error += bin.cases / cases * std::abs(bin.accuracy - bin.mean_confidence);
  }
  return calibration;
}

ClassProbabilities WithTemperature(const ClassProbabilities& probabilities, double temperature) {
  const Logits logits = LogitsOf(probabilities);
  const double log_sum = LogSum(logits, temperature);
  ClassProbabilities result;
  for (size_t c = 0; c < logits.size(); ++c) {
    result[c] = static_cast<float>(std::exp(logits[c] / temperature - log_sum));
  }
  return result;
}

absl::StatusOr<double> FitTemperature(absl::Span<const ClassProbabilities> probabilities,
                                      absl::Span<const Label> truth) {
  if (truth.empty()) {
    return absl::InvalidArgumentError("a temperature cannot be fitted to no case at all");
  }
  std::vector<Logits> logits;
  for (const ClassProbabilities& p : probabilities) logits.push_back(LogitsOf(p));
  const auto loss = [&](double log_temperature) {
    const double temperature = std::exp(log_temperature);
    double sum = 0;
    for (size_t i = 0; i < truth.size(); ++i) {
      sum +=
          LogSum(logits[i], temperature) - logits[i][static_cast<size_t>(truth[i])] / temperature;
    }
    return sum;
  };
  // Golden section: the loss is convex in 1/T, so that it has one valley over ln T.
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(kLeastTemperature), high = std::log(kGreatestTemperature);
  double left = high - kGolden * (high - low), right = low + kGolden * (high - low);
  double loss_left = loss(left), loss_right = loss(right);
  while (high - low > 1e-7) {
    if (loss_left <= loss_right) {
      high = right;
      right = left;
      loss_right = loss_left;
      left = high - kGolden * (high - low);
      loss_left = loss(left);
    } else {
      low = left;
      left = right;
      loss_left = loss_right;
      right = low + kGolden * (high - low);
      loss_right = loss(right);
    }
  }
  return std::exp((low + high) / 2);
}

}  // namespace m3lung
