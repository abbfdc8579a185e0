// SPDX-License-Identifier: Apache-2.0
// What the many messages of a study's answer come to, for the table and the
// report alike.
#ifndef M3LUNG_CLIENT_ANSWER_SUMMARY_H_
#define M3LUNG_CLIENT_ANSWER_SUMMARY_H_

#include <string>
#include <vector>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Instances that were skipped for the same reason.
struct SkippedGroup {
  v1::SkipReason reason = v1::SKIP_REASON_UNSPECIFIED;
  int count = 0;
  int example = 0;              // number of the first one, in the order sent
  std::string detail;           // of the first one
  bool details_differ = false;  // among the group
};

// The largest group first.
std::vector<SkippedGroup> GroupSkipped(const v1::StudyAnswer& answer);

struct CollectedWarning {
  std::string text;
  int instances = 0;  // that have it; 0: it is about the study as a whole
};

// Each text once, those about the study first, then the most frequent. A warning
// that a receipt and the results of the same instance repeat counts once.
std::vector<CollectedWarning> CollectWarnings(const v1::StudyAnswer& answer);

// Places from head to feet, without gaps, of slices that were not scored.
struct SliceRun {
  int first = 0;
  int last = 0;  // itself one of the run
};

// REQUIRES: the answer's slices are from head to feet, each with its index.
std::vector<SliceRun> UnscoredRuns(const v1::StudyAnswer& answer);

// "0 to 11, 140"; beyond six runs the rest are counted: "..., and 3 more runs".
std::string RunsText(const std::vector<SliceRun>& runs);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_ANSWER_SUMMARY_H_
