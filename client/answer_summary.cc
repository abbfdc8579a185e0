// SPDX-License-Identifier: Apache-2.0
#include "client/answer_summary.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

constexpr size_t kMostRuns = 6;

}  // namespace

std::vector<SkippedGroup> GroupSkipped(const v1::StudyAnswer& answer) {
  std::map<v1::SkipReason, SkippedGroup> by_reason;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    if (receipt.status() != v1::SKIPPED) continue;
    SkippedGroup& group = by_reason[receipt.reason()];
    if (group.count++ == 0) {
      group.reason = receipt.reason();
      group.example = receipt.instance();
      group.detail = receipt.detail();
    } else if (receipt.detail() != group.detail) {
      group.details_differ = true;
    }
  }
  std::vector<SkippedGroup> groups;
  groups.reserve(by_reason.size());
  for (const auto& [reason, group] : by_reason) groups.push_back(group);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const SkippedGroup& a, const SkippedGroup& b) { return a.count > b.count; });
  return groups;
}

std::vector<CollectedWarning> CollectWarnings(const v1::StudyAnswer& answer) {
  std::map<std::string, std::set<int>> instances_by_text;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    for (const std::string& text : receipt.warnings()) {
      instances_by_text[text].insert(receipt.instance());
    }
  }
  for (const v1::SliceResult& slice : answer.slices()) {
    for (const std::string& text : slice.warnings()) {
      instances_by_text[text].insert(slice.instance());
    }
  }
  std::vector<CollectedWarning> warnings;
  for (const std::string& text : answer.patient().warnings()) warnings.push_back({text, 0});
  const auto first_of_instances = static_cast<std::ptrdiff_t>(warnings.size());
  for (const auto& [text, instances] : instances_by_text) {
    warnings.push_back({text, static_cast<int>(instances.size())});
  }
  std::stable_sort(warnings.begin() + first_of_instances, warnings.end(),
                   [](const CollectedWarning& a, const CollectedWarning& b) {
                     return a.instances > b.instances;
                   });
  return warnings;
}

std::vector<SliceRun> UnscoredRuns(const v1::StudyAnswer& answer) {
  std::vector<SliceRun> runs;
  for (const v1::SliceResult& slice : answer.slices()) {
    if (slice.scored()) continue;
    if (!runs.empty() && runs.back().last + 1 == slice.index()) {
      runs.back().last = slice.index();
    } else {
      runs.push_back({slice.index(), slice.index()});
    }
  }
  return runs;
}

std::string RunsText(const std::vector<SliceRun>& runs) {
  std::vector<std::string> parts;
  for (const SliceRun& run : runs) {
    if (parts.size() == kMostRuns) {
      const int left = static_cast<int>(runs.size() - kMostRuns);
      parts.push_back(absl::StrCat("and ", Counted(left, "more run", "more runs")));
      break;
    }
    parts.push_back(run.first == run.last ? absl::StrCat(run.first)
                                          : absl::StrCat(run.first, " to ", run.last));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace m3lung::client
