// SPDX-License-Identifier: Apache-2.0
#ifndef M3LUNG_TESTS_PREPROCESS_DECODED_VALUES_H_
#define M3LUNG_TESTS_PREPROCESS_DECODED_VALUES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "preprocess/dicom_decoder.h"
#include "tests/preprocess/dicom_builder.h"

namespace m3lung::testing {

// What the decoder makes of a file with one frame.
inline absl::StatusOr<HuSlice> Decode(const DicomBuilder& builder) {
  return DecodeDicom(builder.Build(), {});
}

// The slice's HU row by row; none where there is no slice.
inline std::vector<int16_t> HuValues(const absl::StatusOr<HuSlice>& slice) {
  if (!slice.ok()) return {};
  return {slice->hu.begin<int16_t>(), slice->hu.end<int16_t>()};
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_PREPROCESS_DECODED_VALUES_H_
