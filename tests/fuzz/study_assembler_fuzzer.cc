// SPDX-License-Identifier: Apache-2.0
// Any slices as a study: each is decided on once, and the choice is consistent.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "preprocess/study/study_assembler.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/invariants.h"

namespace m3lung {
namespace {

using ::m3lung::testing::ByteSource;
using ::m3lung::testing::IsPrintable;

constexpr int kMaxSlices = 48;
constexpr double kMaxPositionMm = 1e6;  // as the decoder has it

// Values that real headers hold and values that none should, so that slices fall
// together often and in odd ways.
double Position(ByteSource& data) {
  if (data.Integer(0, 9) > 0) return data.Integer(-20, 20) * 2.5;
  return data.Real(-kMaxPositionMm, kMaxPositionMm);
}

std::array<double, 3> Unit(ByteSource& data) {
  std::array<double, 3> v = {};
  for (double& x : v) x = data.Real(-1, 1);
  const double length = std::hypot(v[0], v[1], v[2]);
  if (length < 0.01) return {1, 0, 0};
  for (double& x : v) x /= length;
  return v;
}

SliceGeometry Geometry(ByteSource& data) {
  static constexpr std::array<std::array<double, 3>, 4> kRows = {
      {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}}};
  static constexpr std::array<std::array<double, 3>, 4> kColumns = {
      {{0, 1, 0}, {0, -1, 0}, {1, 0, 0}, {-1, 0, 0}}};
  static constexpr double kSpacings[] = {0.7, 0.7, 0.7, 1.0, 1.0005, 2.0, 1e-3, 100.0};
  SliceGeometry geometry;
  const int preset = data.Integer(0, 7);
  if (preset == 7) {
    // The decoder asks for unit vectors at right angles, near to the axial plane;
    // here they may be anything but parallel.
    geometry.row_direction = Unit(data);
    geometry.column_direction = Unit(data);
  } else {
    geometry.row_direction = kRows[preset % 4];
    geometry.column_direction = kColumns[(preset % 4 / 2 * 2) + preset / 4];
  }
  geometry.position = {data.Bool() ? 0.0 : -180.0, -170, Position(data)};
  geometry.row_spacing_mm = data.Pick(kSpacings);
  geometry.column_spacing_mm = data.Pick(kSpacings);
  return geometry;
}

// A body of water with two holes of air, or a plain image.
cv::Mat Pixels(ByteSource& data) {
  static constexpr int kSides[] = {48, 48, 1, 64};
  const int rows = data.Pick(kSides);
  const int columns = data.Pick(kSides);
  const int kind = data.Integer(0, 3);
  const auto density = static_cast<int16_t>(data.Word());
  cv::Mat hu(rows, columns, CV_16SC1, cv::Scalar(kind == 0 ? density : kAirHu));
  if (kind == 0) return hu;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const double y = (i + 0.5) / rows - 0.5, x = std::abs((j + 0.5) / columns - 0.5);
      if (std::hypot(x, y) > 0.45) continue;
      const bool lung = kind > 1 && std::hypot(x - 0.2, y * 0.7) < 0.14;
      hu.at<int16_t>(i, j) = static_cast<int16_t>(lung ? -850 : 40 + density % 16);
    }
  }
  return hu;
}

InstanceHeader Header(ByteSource& data) {
  static const char* const kUids[] = {"", "1.2.3", "1.2.4", "{5B5F-GUID}"};
  static const char* const kTypes[] = {"ORIGINAL", "DERIVED", "PRIMARY", "MIP", "PROJECTION IMAGE"};
  static const char* const kPositions[] = {"", "HFS", "FFS", "F"};
  InstanceHeader header;
  header.series_instance_uid = data.Pick(kUids);
  header.sop_instance_uid = data.Pick(kUids);
  if (header.sop_instance_uid == "1.2.3") {
    absl::StrAppend(&header.sop_instance_uid, ".", data.Word());
  }
  if (data.Bool()) header.acquisition_number = data.Integer(-1, 3);
  for (int i = data.Integer(0, 2); i > 0; --i) {
    header.image_type.push_back(data.Pick(kTypes));
  }
  header.patient_position = data.Pick(kPositions);
  if (data.Bool()) {
    header.patient_age_years = data.Real(-1, 200);
  }
  return header;
}

std::vector<SliceSummary> Slices(ByteSource& data) {
  std::vector<SliceSummary> slices;
  int instance = -1;
  int frame = 0;
  while (!data.empty() && slices.size() < kMaxSlices) {
    // One instance's frames follow one another.
    const bool same_instance = instance >= 0 && data.Integer(0, 7) == 0;
    if (!same_instance) ++instance;
    frame = same_instance ? frame + 1 : 0;
    HuSlice slice;
    slice.geometry = Geometry(data);
    slice.hu = Pixels(data);
    slice.frame = frame;
    slices.push_back(Summarise(instance, Header(data), slice));
  }
  return slices;
}

// Some of the slices, as a session that answers slices as they come admits them.
std::vector<int> AsTheyCame(const std::vector<SliceSummary>& slices) {
  std::vector<int> pinned;
  for (size_t slice = 0; slice < slices.size(); slice += 2) {
    const bool admitted = std::all_of(pinned.begin(), pinned.end(), [&](int earlier) {
      return BelongTogether(slices[pinned.front()], slices[slice]) &&
             !FindRepetition(slices[earlier], slices[slice]).has_value();
    });
    if (admitted) pinned.push_back(static_cast<int>(slice));
  }
  return pinned;
}

void CheckFindings(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    M3L_FUZZ_REQUIRE(finding.reason >= StudyReason::kNoUsableInstance &&
                     finding.reason <= StudyReason::kBetterSeriesSkipped);
    M3L_FUZZ_REQUIRE(finding.verdict >= Verdict::kOk && finding.verdict <= Verdict::kRejected);
    M3L_FUZZ_REQUIRE(!finding.detail.empty() && IsPrintable(finding.detail));
  }
}

void CheckGeometry(const SeriesGeometry& geometry) {
  M3L_FUZZ_REQUIRE(geometry.median_spacing_mm >= 0 && std::isfinite(geometry.median_spacing_mm));
  M3L_FUZZ_REQUIRE(geometry.extent_mm >= 0 && std::isfinite(geometry.extent_mm));
  M3L_FUZZ_REQUIRE(geometry.gaps >= 0 && geometry.missing_slices >= geometry.gaps);
  M3L_FUZZ_REQUIRE(geometry.doubled_positions >= 0);
  M3L_FUZZ_REQUIRE(geometry.gantry_tilt_degrees >= 0 && geometry.gantry_tilt_degrees <= 180);
}

void CheckLungs(const ExaminedSeries& one, absl::Span<const SliceSummary> slices) {
  const Series& series = one.series;
  M3L_FUZZ_REQUIRE(one.lungs.masks.size() == series.head_to_feet.size());
  if (!one.lungs.found) {
    M3L_FUZZ_REQUIRE(!one.lungs.why_not.empty() && IsPrintable(one.lungs.why_not));
    return;
  }
  const CoarseGrid& grid = slices[series.head_to_feet.front()].grid;
  const cv::Rect image({}, grid.image);
  M3L_FUZZ_REQUIRE(!one.lungs.box.empty() && (one.lungs.box & image) == one.lungs.box);
  int with_lung = 0;
  for (const cv::Mat& mask : one.lungs.masks) {
    if (mask.empty()) continue;
    ++with_lung;
    M3L_FUZZ_REQUIRE(mask.type() == CV_8UC1);
    M3L_FUZZ_REQUIRE(mask.rows == grid.rows() && mask.cols == grid.columns());
  }
  M3L_FUZZ_REQUIRE(with_lung == one.lungs.slices_with_lung && with_lung > 0);
  M3L_FUZZ_REQUIRE(one.lungs.volume_ml > 0 && std::isfinite(one.lungs.volume_ml));
}

void CheckSeriesOrder(const Series& series, absl::Span<const SliceSummary> slices) {
  M3L_FUZZ_REQUIRE(!series.head_to_feet.empty());
  for (size_t i = 1; i < series.head_to_feet.size(); ++i) {
    const SliceSummary& above = slices[series.head_to_feet[i - 1]];
    const SliceSummary& below = slices[series.head_to_feet[i]];
    M3L_FUZZ_REQUIRE(above.position_mm - below.position_mm >= kSamePositionMm);
    M3L_FUZZ_REQUIRE(above.size == below.size);
  }
}

void CheckDecision(const SliceDecision& decision) {
  for (const std::string& warning : decision.warnings) {
    M3L_FUZZ_REQUIRE(!warning.empty() && IsPrintable(warning));
  }
  if (decision.used) return;
  M3L_FUZZ_REQUIRE(decision.reason >= SkipReason::kNotDicom &&
                   decision.reason <= SkipReason::kTooSlow);
  M3L_FUZZ_REQUIRE(!decision.detail.empty() && IsPrintable(decision.detail));
}

// What holds whoever chose the slices.
void CheckStudy(const AssembledStudy& study, absl::Span<const SliceSummary> slices) {
  M3L_FUZZ_REQUIRE(study.decisions.size() == slices.size());
  CheckFindings(study.findings);
  for (const std::string& warning : study.warnings) {
    M3L_FUZZ_REQUIRE(!warning.empty() && IsPrintable(warning));
  }
  for (const ExaminedSeries& one : study.series) {
    CheckGeometry(one.geometry);
    CheckLungs(one, slices);
    CheckFindings(one.findings);
    M3L_FUZZ_REQUIRE(!one.detail.empty() && IsPrintable(one.detail));
  }
}

void CheckChoice(const AssembledStudy& study, absl::Span<const SliceSummary> slices) {
  std::vector<int> places(slices.size(), 0);
  for (const ExaminedSeries& one : study.series) {
    CheckSeriesOrder(one.series, slices);
    for (const int slice : one.series.head_to_feet) ++places.at(slice);
    for (const LeftOut& left_out : one.series.left_out) ++places.at(left_out.slice);
  }
  for (const int count : places) M3L_FUZZ_REQUIRE(count == 1);
  size_t used = 0;
  for (const SliceDecision& decision : study.decisions) {
    CheckDecision(decision);
    used += decision.used;
  }
  M3L_FUZZ_REQUIRE(study.series.empty() == slices.empty());
  if (study.chosen() == nullptr) return;
  M3L_FUZZ_REQUIRE(used == study.chosen()->series.head_to_feet.size());
  for (const int slice : study.chosen()->series.head_to_feet) {
    M3L_FUZZ_REQUIRE(study.decisions[slice].used);
  }
}

void CheckPinned(const AssembledStudy& study, const std::vector<int>& pinned) {
  M3L_FUZZ_REQUIRE(study.series.empty() == pinned.empty());
  for (size_t slice = 0; slice < study.decisions.size(); ++slice) {
    const bool is_pinned =
        std::binary_search(pinned.begin(), pinned.end(), static_cast<int>(slice));
    M3L_FUZZ_REQUIRE(study.decisions[slice].used == is_pinned);
  }
}

bool SameDecisions(const AssembledStudy& a, const AssembledStudy& b) {
  return std::equal(a.decisions.begin(), a.decisions.end(), b.decisions.begin(), b.decisions.end(),
                    [](const SliceDecision& x, const SliceDecision& y) {
                      return x.used == y.used && (x.used || x.reason == y.reason) &&
                             x.detail == y.detail && x.warnings == y.warnings;
                    });
}

void AssembleAndCheck(absl::string_view bytes) {
  ByteSource data(bytes);
  const bool pin = data.Bool();
  const std::vector<SliceSummary> slices = Slices(data);
  std::optional<std::vector<int>> pinned;
  if (pin) pinned = AsTheyCame(slices);
  const AssembledStudy study = AssembleStudy(slices, pinned);
  CheckStudy(study, slices);
  if (pin) {
    CheckPinned(study, *pinned);
  } else {
    CheckChoice(study, slices);
  }
  M3L_FUZZ_REQUIRE(SameDecisions(study, AssembleStudy(slices, pinned)));
}

}  // namespace
}  // namespace m3lung

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  m3lung::AssembleAndCheck(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
