// SPDX-License-Identifier: Apache-2.0
// One DICOM instance, decoded.
#ifndef M3LUNG_PREPROCESS_DECODED_INSTANCE_H_
#define M3LUNG_PREPROCESS_DECODED_INSTANCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/hu_slice.h"
#include "preprocess/study_identity.h"

namespace m3lung {

// What a study is put together by. Text is printable ASCII, as in the data set but
// for that, and empty where the data set has none.
struct InstanceHeader {
  std::string sop_instance_uid = {};
  std::string series_instance_uid = {};
  StudyIdentity identity = {};

  // What tells the acquisitions and reconstructions of one series apart.
  std::optional<int64_t> acquisition_number = {};
  std::string acquisition_time = {};  // date and time; may identify a person: for comparing alone
  std::optional<int64_t> instance_number = {};
  std::vector<std::string> image_type = {};  // "ORIGINAL", "PRIMARY", "AXIAL", ...
  std::string convolution_kernel = {};
  std::string filter_type = {};
  std::string slice_thickness = {};
  std::string phase = {};  // of time or of the heart: what the data set calls it

  std::string patient_position = {};  // "HFS", "FFP", ...
  std::string body_part = {};
  std::optional<double> patient_age_years = {};
};

struct DecodedInstance {
  InstanceHeader header;  // of its first frame
  // One a slice: the header with what the frame says of itself.
  std::vector<InstanceHeader> frame_headers;
  // One, or the frames of a multi-frame object in the order stored; never empty.
  std::vector<HuSlice> slices;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DECODED_INSTANCE_H_
