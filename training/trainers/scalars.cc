// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/scalars.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "report/drawing.h"
#include "report/plot.h"

namespace m3lung {
namespace {

constexpr Colour kColours[] = {{0x1f, 0x77, 0xb4}, {0xd6, 0x27, 0x28}, {0x2c, 0xa0, 0x2c},
                               {0x94, 0x67, 0xbd}, {0xff, 0x7f, 0x0e}, {0x17, 0xbe, 0xcf},
                               {0x8c, 0x56, 0x4b}, {0x7f, 0x7f, 0x7f}};

Plot CourseOf(const nlohmann::ordered_json& rows) {
  Plot plot = {.title = "The course of the training",
               .x_label = "share of the epochs done so far",
               .y_label = "accuracy; loss as a share of its first",
               .series = {},
               .diagonal = false};
  for (const auto& [name, first] : rows[0].items()) {
    const bool is_loss = absl::StrContains(name, "loss");
    if (!is_loss && !absl::StrContains(name, "accuracy")) continue;
    const double unit = is_loss ? std::max(first.get<double>(), 1e-12) : 1;
    PlotSeries& series = plot.series.emplace_back();
    series.name = name;
    series.colour = kColours[(plot.series.size() - 1) % std::size(kColours)];
    for (size_t i = 0; i < rows.size(); ++i) {
      const double share = static_cast<double>(i + 1) / static_cast<double>(rows.size());
      series.points.push_back(
          {share, std::clamp(rows[i].at(name).get<double>() / unit, 0.0, 1.0), 0, ""});
    }
  }
  return plot;
}

}  // namespace

absl::Status WriteScalars(const std::filesystem::path& csv, const nlohmann::ordered_json& rows) {
  std::string text;
  for (const auto& row : rows) {
    if (text.empty()) {
      for (const auto& [name, value] : row.items()) {
        absl::StrAppend(&text, text.empty() ? "" : ",", name);
      }
      text += "\n";
    }
    bool first = true;
    for (const auto& [name, value] : row.items()) {
      absl::StrAppend(&text, first ? "" : ",", value.is_null() ? std::string() : value.dump());
      first = false;
    }
    text += "\n";
  }
  M3L_RETURN_IF_ERROR(WriteFile(csv, text));
  if (rows.empty()) return absl::OkStatus();
  return WritePng(DrawPlot(CourseOf(rows)), kPlotScale,
                  std::filesystem::path(csv).replace_extension(".png"));
}

}  // namespace m3lung
