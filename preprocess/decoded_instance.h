// SPDX-License-Identifier: Apache-2.0
// One DICOM instance, decoded.
#ifndef M3LUNG_PREPROCESS_DECODED_INSTANCE_H_
#define M3LUNG_PREPROCESS_DECODED_INSTANCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/hu_slice.h"

namespace m3lung {

// What a study is put together by. Text is printable ASCII, as in the data set but
// for that, and empty where the data set has none.
struct InstanceHeader {
  std::string sop_instance_uid = {};
  std::string series_instance_uid = {};
  std::optional<int64_t> acquisition_number = {};
  std::vector<std::string> image_type = {};  // "ORIGINAL", "PRIMARY", "AXIAL", ...
  std::string convolution_kernel = {};
  std::string patient_position = {};  // "HFS", "FFP", ...
  std::string body_part = {};
  std::optional<double> patient_age_years = {};
};

struct DecodedInstance {
  InstanceHeader header;
  // One, or the frames of a multi-frame object in the order stored; never empty.
  std::vector<HuSlice> slices;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DECODED_INSTANCE_H_
