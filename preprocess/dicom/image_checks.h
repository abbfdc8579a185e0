// SPDX-License-Identifier: Apache-2.0
// What the attributes of an image say of its pixels, checked. Private to the code that
// uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_IMAGE_CHECKS_H_
#define M3LUNG_PREPROCESS_DICOM_IMAGE_CHECKS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "preprocess/dicom/attributes.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/hounsfield.h"
#include "preprocess/hu_slice.h"

namespace m3lung {

// Each returns a SkipError(); `warnings` takes what a person should know.
using Warnings = std::vector<std::string>;

// Rows, columns and the layout of a pixel; the size within `limits`.
absl::StatusOr<PixelFormat> ReadPixelFormat(const DicomAttributes& attributes,
                                            const DecodeLimits& limits, Warnings& warnings);

// Position, orientation and spacing of an axial slice, each from the item that has
// it: the data set itself, or one of a frame's functional groups.
absl::StatusOr<SliceGeometry> ReadGeometry(const DicomAttributes& position,
                                           const DicomAttributes& orientation,
                                           const DicomAttributes& measures);

// 1 and 0 where the slope and the intercept are missing, with a warning.
absl::StatusOr<Rescale> ReadRescale(const DicomAttributes& attributes, Warnings& warnings);

// Nothing where the image has no padding value.
absl::StatusOr<std::optional<PixelPadding>> ReadPadding(const DicomAttributes& attributes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_IMAGE_CHECKS_H_
