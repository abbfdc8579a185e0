// SPDX-License-Identifier: Apache-2.0
// The functional groups of a multi-frame object. Private to the code that uses
// DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_
#define M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_

#include <vector>

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcdatset.h"
#include "preprocess/dicom/attributes.h"

namespace m3lung {

// REQUIRES: the data set outlives this object and what it hands out.
class FunctionalGroups {
 public:
  explicit FunctionalGroups(DcmDataset& data_set);

  // Whether any frame has groups of its own.
  bool Present() const { return !frames_.empty(); }

  // The attributes of `group` (PixelMeasuresSequence, say) for a frame: its own, else
  // those shared by all. Where there are neither, `otherwise`.
  DicomAttributes Of(int frame, const DcmTagKey& group, DcmItem& otherwise) const;

 private:
  std::vector<DcmItem*> frames_;
  DcmItem* shared_ = nullptr;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_FUNCTIONAL_GROUPS_H_
