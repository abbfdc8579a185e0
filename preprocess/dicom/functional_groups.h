// SPDX-License-Identifier: Apache-2.0
// The functional groups of a multi-frame object. Private to the code that uses
// DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_
#define M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "preprocess/dicom/attributes.h"

namespace m3lung {

// REQUIRES: the data set outlives this object and what it hands out.
class FunctionalGroups {
 public:
  // kMalformed where the data set has groups that cannot be read.
  static absl::StatusOr<FunctionalGroups> Find(DcmDataset& data_set);

  // Whether any frame has groups of its own.
  bool Present() const { return !frames_.empty(); }

  // The attributes of `group` (PixelMeasuresSequence, say) for a frame: its own and
  // those shared by all, which must not contradict each other. What is in neither is
  // looked for in `otherwise`.
  DicomAttributes Of(int frame, const DcmTagKey& group, DcmItem& otherwise) const;

  // Whether a frame has `group` twice, as its own and shared, which the standard does
  // not allow.
  bool IsMixed(int frame, const DcmTagKey& group) const;

 private:
  FunctionalGroups() = default;

  DcmItem* Own(int frame) const;

  std::vector<DcmItem*> frames_;
  DcmItem* shared_ = nullptr;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_
