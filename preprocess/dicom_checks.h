// What the attributes of one instance say, checked. Private to the code that
// uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_CHECKS_H_
#define M3LUNG_PREPROCESS_DICOM_CHECKS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "preprocess/dicom_attributes.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/hounsfield.h"
#include "preprocess/hu_slice.h"

namespace m3lung {

// Each returns a SkipError(); `warnings` takes what a person should know.
using Warnings = std::vector<std::string>;

// A CT image by SOP class and modality, of one frame and no localizer, with
// pixel data. `sop_class` is the file header's, for a data set that has none.
absl::Status CheckKind(const DicomAttributes& attributes, const std::string& sop_class);

// Rows, columns and the layout of a pixel; the size within `limits`.
absl::StatusOr<PixelFormat> ReadPixelFormat(const DicomAttributes& attributes,
                                            const DecodeLimits& limits, Warnings& warnings);

// Position, orientation and spacing of an axial slice.
absl::StatusOr<SliceGeometry> ReadGeometry(const DicomAttributes& attributes);

absl::StatusOr<Rescale> ReadRescale(const DicomAttributes& attributes, Warnings& warnings);

// Nothing where the image has no padding value.
absl::StatusOr<std::optional<PixelPadding>> ReadPadding(const DicomAttributes& attributes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_CHECKS_H_
