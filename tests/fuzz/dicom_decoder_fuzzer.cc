// SPDX-License-Identifier: Apache-2.0
// Any bytes as a DICOM file.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "preprocess/dicom_decoder.h"
#include "tests/fuzz/invariants.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsPrintable;
using ::m3lung::testing::IsSkipError;

// Small, so that a limit that does not hold is seen and a run is short.
DecodeLimits SmallLimits() {
  DecodeLimits limits;
  limits.max_rows = 1024;
  limits.max_columns = 1024;
  limits.max_frames = 32;
  limits.max_inflated_bytes = 4 << 20;
  limits.max_decoded_bytes = 8 << 20;
  limits.max_time = absl::Seconds(2);
  return limits;
}

bool IsFinite(const std::array<double, 3>& v) {
  return std::isfinite(v[0]) && std::isfinite(v[1]) && std::isfinite(v[2]);
}

void CheckSlice(const HuSlice& slice, const DecodeLimits& limits) {
  M3L_FUZZ_REQUIRE(slice.hu.type() == CV_16SC1);
  M3L_FUZZ_REQUIRE(slice.hu.rows >= 1 && slice.hu.rows <= limits.max_rows);
  M3L_FUZZ_REQUIRE(slice.hu.cols >= 1 && slice.hu.cols <= limits.max_columns);
  M3L_FUZZ_REQUIRE(slice.frame >= 0 && slice.frame < limits.max_frames);
  const SliceGeometry& geometry = slice.geometry;
  M3L_FUZZ_REQUIRE(IsFinite(geometry.position) && IsFinite(geometry.Normal()));
  M3L_FUZZ_REQUIRE(std::isfinite(geometry.PositionAlongNormal()));
  M3L_FUZZ_REQUIRE(geometry.row_spacing_mm > 0 && std::isfinite(geometry.row_spacing_mm));
  M3L_FUZZ_REQUIRE(geometry.column_spacing_mm > 0 && std::isfinite(geometry.column_spacing_mm));
  M3L_FUZZ_REQUIRE(IsPrintable(slice.sop_instance_uid));
  M3L_FUZZ_REQUIRE(IsPrintable(slice.series_instance_uid));
  for (const std::string& warning : slice.warnings) {
    M3L_FUZZ_REQUIRE(!warning.empty() && IsPrintable(warning));
  }
}

void CheckHeader(const InstanceHeader& header) {
  M3L_FUZZ_REQUIRE(IsPrintable(header.sop_instance_uid));
  M3L_FUZZ_REQUIRE(IsPrintable(header.series_instance_uid));
  M3L_FUZZ_REQUIRE(IsPrintable(header.convolution_kernel));
  M3L_FUZZ_REQUIRE(IsPrintable(header.patient_position));
  M3L_FUZZ_REQUIRE(IsPrintable(header.body_part));
  for (const std::string& value : header.image_type) M3L_FUZZ_REQUIRE(IsPrintable(value));
  if (header.patient_age_years.has_value()) {
    M3L_FUZZ_REQUIRE(std::isfinite(*header.patient_age_years));
  }
}

void DecodeAndCheck(absl::string_view bytes) {
  const DecodeLimits limits = SmallLimits();
  const absl::StatusOr<DecodedInstance> instance = DecodeInstance(bytes, limits);
  if (!instance.ok()) {
    M3L_FUZZ_REQUIRE(IsSkipError(instance.status()));
    return;
  }
  CheckHeader(instance->header);
  M3L_FUZZ_REQUIRE(!instance->slices.empty());
  M3L_FUZZ_REQUIRE(instance->slices.size() <= static_cast<size_t>(limits.max_frames));
  uint64_t decoded_bytes = 0;
  for (const HuSlice& slice : instance->slices) {
    CheckSlice(slice, limits);
    decoded_bytes += slice.hu.total() * slice.hu.elemSize();
  }
  M3L_FUZZ_REQUIRE(decoded_bytes <= static_cast<uint64_t>(limits.max_decoded_bytes));
}

}  // namespace
}  // namespace m3lung

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  m3lung::DecodeAndCheck(bytes);
  M3L_FUZZ_REQUIRE(m3lung::testing::IsPrintable(m3lung::PeekSopInstanceUid(bytes)));
  return 0;
}
