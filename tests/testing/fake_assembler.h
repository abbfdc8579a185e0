// SPDX-License-Identifier: Apache-2.0
// Takes every slice for the study, without a look at its pixels.
#ifndef M3LUNG_TESTS_TESTING_FAKE_ASSEMBLER_H_
#define M3LUNG_TESTS_TESTING_FAKE_ASSEMBLER_H_

#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "preprocess/hu_slice.h"
#include "preprocess/study/study_assembler.h"

namespace m3lung::testing {

// One series of all slices, or of the pinned ones; the box is the whole image, and
// every element of it is left lung, but in slices of the instances `without_lung`.
struct FakeAssembler {
  std::vector<Finding> findings = {};
  std::set<int> without_lung = {};

  AssembledStudy operator()(absl::Span<const SliceSummary> slices,
                            const std::optional<std::vector<int>>& pinned) const {
    AssembledStudy study;
    study.decisions.resize(slices.size());
    std::vector<int> used(slices.size());
    std::iota(used.begin(), used.end(), 0);
    if (pinned.has_value()) used = *pinned;
    study.findings = findings;
    if (used.empty()) return study;
    std::vector<double> positions;
    for (const int slice : used) {
      positions.push_back(slices[slice].position_mm);
      study.decisions[slice].used = true;
    }
    ExaminedSeries& one = study.series.emplace_back();
    one.series.uid = slices[used.front()].header.series_instance_uid;
    one.lungs.found = true;
    one.lungs.box = cv::Rect({0, 0}, slices[used.front()].grid.image);
    for (const int i : OrderHeadToFeet(positions)) {
      const SliceSummary& slice = slices[used[i]];
      one.series.head_to_feet.push_back(used[i]);
      const bool lung = without_lung.count(slice.instance) == 0;
      one.lungs.masks.push_back(lung ? cv::Mat(slice.coarse.size(), CV_8UC1, cv::Scalar(kLeftLung))
                                     : cv::Mat());
      one.lungs.slices_with_lung += lung;
    }
    return study;
  }
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_FAKE_ASSEMBLER_H_
