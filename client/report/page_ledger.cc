// SPDX-License-Identifier: Apache-2.0
#include "client/report/page_ledger.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/answer_summary.h"
#include "client/label_names.h"
#include "client/study_words.h"
#include "client/text.h"
#include "page/html.h"

namespace m3lung::client {
namespace {

std::string FileName(const std::vector<std::string>& names, int instance) {
  const auto i = static_cast<size_t>(instance);
  return instance >= 0 && i < names.size() ? names[i] : std::string();
}

// Where one instance's slices lie, and how they are called. Several frames lie
// close together but not always in one run, so that the ends stand for all.
struct Slices {
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

std::string Rows(const v1::StudyAnswer& answer, const std::vector<std::string>& names) {
  std::map<int, Slices> slices_of;
  for (const v1::SliceResult& slice : answer.slices()) {
    if (slice.has_index()) slices_of[slice.instance()].Add(slice);
  }
  std::string rows;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    const auto slices = slices_of.find(receipt.instance());
    const bool answered = slices != slices_of.end();
    std::vector<std::string> remarks;
    if (!receipt.detail().empty()) remarks.push_back(receipt.detail());
    remarks.insert(remarks.end(), receipt.warnings().begin(), receipt.warnings().end());
    absl::StrAppend(&rows, "<tr><td class=\"number\">", receipt.instance(), "</td><td>",
                    EscapeHtml(FileName(names, receipt.instance())), "</td><td>",
                    EscapeHtml(Status(receipt)), "</td><td class=\"number\">",
                    answered ? slices->second.Places() : "", "</td><td>",
                    answered ? slices->second.Labels() : "", "</td><td>",
                    EscapeHtml(absl::StrJoin(remarks, "; ")), "</td></tr>\n");
  }
  return rows;
}

std::string SkippedTable(const v1::StudyAnswer& answer) {
  const std::vector<SkippedGroup> groups = GroupSkipped(answer);
  if (groups.empty()) return "<p>Every instance was used.</p>\n";
  std::string table =
      "<div class=\"wide\"><table>\n<tr><th>Skipped because</th><th class=\"number\">Instances</th>"
      "<th>In words</th></tr>\n";
  for (const SkippedGroup& group : groups) {
    const std::string example =
        group.details_differ ? absl::StrCat("such as instance ", group.example, ": ") : "";
    absl::StrAppend(&table, "<tr><td>", EscapeHtml(NameOf(group.reason)),
                    "</td><td class=\"number\">", group.count, "</td><td>",
                    EscapeHtml(absl::StrCat(example, group.detail)), "</td></tr>\n");
  }
  return absl::StrCat(table, "</table></div>\n");
}

}  // namespace

std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names) {
  return absl::StrCat(
      "<section>\n<h2>Ledger of instances</h2>\n", SkippedTable(answer), "<details><summary>",
      Counted(answer.receipts_size(), "instance", "instances"),
      " in the order sent</summary>\n<div class=\"wide\"><table>\n<tr><th class=\"number\">No.</th>"
      "<th>Local file</th><th>Status</th><th class=\"number\">Slice</th><th>Label</th>"
      "<th>Remarks</th></tr>\n",
      Rows(answer, instance_names), "</table></div></details>\n</section>\n");
}

}  // namespace m3lung::client
