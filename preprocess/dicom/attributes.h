// SPDX-License-Identifier: Apache-2.0
// Attributes of a DCMTK item as text and numbers. Private to the code that uses
// DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_
#define M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcitem.h"

namespace m3lung {

// The top-level attributes of an item: what lies in its sequences (the icon's
// pixel data, say) is not seen. Tolerates an attribute of the wrong value
// representation as long as its value can be read.
class DicomAttributes {
 public:
  // REQUIRES: `item` outlives this object.
  explicit DicomAttributes(DcmItem& item) : item_(item) {}

  // Whether the attribute is there, be it empty.
  bool Has(const DcmTagKey& tag) const;

  // Value `index` without padding, empty where there is none. Bytes that are not
  // printable ASCII are replaced by '?', so that it is valid UTF-8.
  std::string Text(const DcmTagKey& tag, unsigned long index = 0) const;

  // Nothing where the attribute is absent or empty; a kMalformed error that names
  // the attribute where its value is not a (finite) number.
  absl::StatusOr<std::optional<int64_t>> Integer(const DcmTagKey& tag) const;
  absl::StatusOr<std::optional<double>> Number(const DcmTagKey& tag, unsigned long index = 0) const;

 private:
  DcmItem& item_;
};

// The attribute's name in the data dictionary, "PixelData" for example.
std::string NameOf(const DcmTagKey& tag);

// `text` with every byte that is not printable ASCII replaced by '?'.
std::string PrintableAscii(absl::string_view text);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_
