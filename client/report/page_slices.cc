// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/report/figure_parts.h"
#include "client/report/page_sections.h"
#include "client/text.h"
#include "preprocess/crop_mode.h"
#include "report/drawing.h"
#include "report/html.h"

namespace m3lung::client {
namespace {

// Which file it came from, and how its picture was cut.
std::string Origin(const SampledSlice& sample) {
  const v1::SliceResult& slice = sample.result;
  std::string origin = absl::StrCat("instance ", slice.instance());
  if (slice.frame() > 0) absl::StrAppend(&origin, ", frame ", slice.frame());
  if (slice.lung_box().method() == CropModeName(CropMode::kVolume)) {
    absl::StrAppend(&origin, ", box of the study");
  } else if (slice.lung_box().method() == CropModeName(CropMode::kPaper)) {
    absl::StrAppend(&origin, ", box of the slice");
  } else {
    absl::StrAppend(&origin, ", whole image");
  }
  if (sample.turned) absl::StrAppend(&origin, ", turned to the usual view");
  return origin;
}

// Those that every shown slice has say nothing of one slice, and stand once in the
// study's section.
std::set<std::string> SharedWarnings(const std::vector<SampledSlice>& samples) {
  std::map<std::string, size_t> slices_by_text;
  for (const SampledSlice& sample : samples) {
    const std::set<std::string> texts(sample.result.warnings().begin(),
                                      sample.result.warnings().end());
    for (const std::string& text : texts) ++slices_by_text[text];
  }
  std::set<std::string> shared;
  for (const auto& [text, count] : slices_by_text) {
    if (samples.size() > 1 && count == samples.size()) shared.insert(text);
  }
  return shared;
}

std::string Caption(const SampledSlice& sample, const std::set<std::string>& left_out) {
  const v1::SliceResult& slice = sample.result;
  std::string caption = slice.scored()
                            ? absl::StrFormat("lesion probability %.3f", slice.lesion_probability())
                            : "no lung: not scored";
  if (slice.has_affected_lung_share()) {
    absl::StrAppend(&caption, absl::StrFormat(", about %.1f %% of lung affected",
                                              slice.affected_lung_share() * 100));
  }
  absl::StrAppend(&caption, "<br>", Origin(sample));
  for (const std::string& warning : slice.warnings()) {
    if (left_out.count(warning) == 0) absl::StrAppend(&caption, "<br>", EscapeHtml(warning));
  }
  return caption;
}

std::string Figure(const SampledSlice& sample, const std::set<std::string>& shared_warnings) {
  return absl::StrCat("<figure>", Svg(SliceFigure(sample)), "<figcaption>",
                      Caption(sample, shared_warnings), "</figcaption></figure>\n");
}

}  // namespace

std::string SlicesSection(const std::vector<SampledSlice>& samples, int slices) {
  std::string html = absl::StrCat(
      "<p class=\"faint\">", Counted(static_cast<int>(samples.size()), "slice", "slices"), " of ",
      slices,
      ", cut to the lung box, seen through the lung window (centre -600 HU, width 1200 HU), the "
      "patient's right on the left where the file says how the patient lies (R, L); beneath each "
      "its location map and the slice's label with its probability. Slices without lung are shown "
      "and not scored.</p>\n<div class=\"scale\">",
      Svg(ColourScale()),
      "<span>Warmer: more probably part of a lesion.</span></div>\n"
      "<p class=\"faint\">A slice called lesion-free has the map of what speaks for <em>no "
      "lesion</em>, so that nearly all of it is warm; it is marked so, and does not mean lesion."
      "</p>\n<div class=\"slices\">\n");
  const std::set<std::string> shared_warnings = SharedWarnings(samples);
  for (const SampledSlice& sample : samples) {
    absl::StrAppend(&html, Figure(sample, shared_warnings));
  }
  return Section("Every fifth slice, from head to feet", absl::StrCat(html, "</div>\n"));
}

}  // namespace m3lung::client
