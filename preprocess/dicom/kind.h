// SPDX-License-Identifier: Apache-2.0
// What kind of object a data set is. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_KIND_H_
#define M3LUNG_PREPROCESS_DICOM_KIND_H_

#include <string>

#include "absl/status/status.h"
#include "preprocess/dicom/attributes.h"

namespace m3lung {

// OK for a CT image by SOP class and modality: no secondary capture, no text burned
// into it, no object without an image. Else a SkipError() that says what it is.
absl::Status CheckObject(const DicomAttributes& attributes, const std::string& sop_class);

// Whether the class is one of those that describe each frame by functional groups.
bool IsEnhancedCt(const std::string& sop_class);

// OK where ImageType (or a frame's FrameType) is no overview image's and no screen
// copy's.
absl::Status CheckImageType(const DicomAttributes& attributes, const DcmTagKey& tag);

// OK where there are pixel data, and whole numbers.
absl::Status CheckPixelData(const DicomAttributes& attributes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_KIND_H_
