// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/answer_summary.h"
#include "client/label_names.h"
#include "client/report/page_sections.h"
#include "client/study_words.h"
#include "client/text.h"
#include "report/html.h"

namespace m3lung::client {
namespace {

std::string FileName(const std::vector<std::string>& names, int instance) {
  const auto i = static_cast<size_t>(instance);
  return instance >= 0 && i < names.size() ? names[i] : std::string();
}

// Where one instance's slices lie, and how they are called. Several frames lie
// close together but not always in one run, so that the ends stand for all.
struct InstanceSlices {
  int count = 0;
  int first = 0;
  int last = 0;
  std::map<std::string, int> count_by_label;

  void Add(const v1::SliceResult& slice) {
    first = count == 0 ? slice.index() : std::min(first, slice.index());
    last = count == 0 ? slice.index() : std::max(last, slice.index());
    ++count;
    ++count_by_label[slice.scored() ? std::string(LabelName(slice.label())) : "no lung"];
  }

  std::string Places() const {
    return count == 1 ? absl::StrCat(first) : absl::StrCat(first, " to ", last);
  }

  std::string Labels() const {
    if (count_by_label.size() == 1) return count_by_label.begin()->first;
    std::vector<std::string> parts;
    for (const auto& [label, slices] : count_by_label) {
      parts.push_back(absl::StrCat(label, " ", slices));
    }
    return absl::StrJoin(parts, ", ");
  }
};

std::string Status(const v1::InstanceReceipt& receipt) {
  if (receipt.status() == v1::SKIPPED) return absl::StrCat("skipped: ", NameOf(receipt.reason()));
  if (receipt.frames_used() > 1) return absl::StrCat("used: ", receipt.frames_used(), " frames");
  return "used";
}

std::string InstanceTable(const v1::StudyAnswer& answer, const std::vector<std::string>& names) {
  std::map<int, InstanceSlices> slices_of;
  for (const v1::SliceResult& slice : answer.slices()) {
    if (slice.has_index()) slices_of[slice.instance()].Add(slice);
  }
  Table table({{"No.", true}, {"Local file"}, {"Status"}, {"Slice", true}, {"Label"}, {"Remarks"}});
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    const auto slices = slices_of.find(receipt.instance());
    const bool answered = slices != slices_of.end();
    std::vector<std::string> remarks;
    if (!receipt.detail().empty()) remarks.push_back(receipt.detail());
    remarks.insert(remarks.end(), receipt.warnings().begin(), receipt.warnings().end());
    table.Add({absl::StrCat(receipt.instance()), FileName(names, receipt.instance()),
               Status(receipt), answered ? slices->second.Places() : "",
               answered ? slices->second.Labels() : "", absl::StrJoin(remarks, "; ")});
  }
  return table.Html();
}

std::string SkippedTable(const v1::StudyAnswer& answer) {
  const std::vector<SkippedGroup> groups = GroupSkipped(answer);
  if (groups.empty()) return "<p>Every instance was used.</p>\n";
  Table table({{"Skipped because"}, {"Instances", true}, {"In words"}});
  for (const SkippedGroup& group : groups) {
    const std::string example =
        group.details_differ ? absl::StrCat("such as instance ", group.example, ": ") : "";
    table.Add(
        {NameOf(group.reason), absl::StrCat(group.count), absl::StrCat(example, group.detail)});
  }
  return table.Html();
}

}  // namespace

std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names) {
  return Section("Ledger of instances",
                 absl::StrCat(SkippedTable(answer), "<details><summary>",
                              Counted(answer.receipts_size(), "instance", "instances"),
                              " in the order sent</summary>\n",
                              InstanceTable(answer, instance_names), "</details>\n"));
}

}  // namespace m3lung::client
