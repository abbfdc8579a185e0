// SPDX-License-Identifier: Apache-2.0
// Attributes of a DCMTK item as text and numbers. Private to the code that uses
// DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_
#define M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcitem.h"
#include "preprocess/dicom/attribute_value.h"

namespace m3lung {

// What a person should know of an instance that is used all the same.
using Warnings = std::vector<std::string>;

// The top-level attributes of an item: what lies in its sequences (the icon's
// pixel data, say) is not seen.
//
// Numbers(), Integer() and Code() are for what decides a pixel or its place: they
// read an attribute by the value representation that it has in the data dictionary,
// and refuse what they cannot read. Text() is for what decides no pixel: what it
// cannot read counts as absent.
class DicomAttributes {
 public:
  // REQUIRES: `item` outlives this object.
  explicit DicomAttributes(DcmItem& item) : otherwise_(&item) {}

  // Attributes that lie in any of `items`, which must not contradict each other, or
  // where none has them in `otherwise`. `status`, unless it is OK, is the answer to
  // every question for what decides a pixel.
  DicomAttributes(std::vector<DcmItem*> items, DcmItem& otherwise, absl::Status status)
      : items_(std::move(items)), otherwise_(&otherwise), status_(std::move(status)) {}

  // Whether the attribute is there, be it empty.
  bool Has(const DcmTagKey& tag) const;

  // Value `index` without padding, empty where there is none. Bytes that are not
  // printable ASCII are replaced by '?', so that it is valid UTF-8.
  std::string Text(const DcmTagKey& tag, unsigned long index = 0) const;

  // At most `most` numbers; none where the attribute is absent or empty. kMalformed,
  // with the attribute's name, where it cannot be read, has more values or two of
  // `items` contradict each other. `warnings` takes how it was written wrongly.
  absl::StatusOr<std::vector<double>> Numbers(const DcmTagKey& tag, size_t most,
                                              Warnings& warnings) const;

  // Likewise the one whole number, or the one text, that the attribute holds.
  absl::StatusOr<std::optional<int64_t>> Integer(const DcmTagKey& tag) const;
  absl::StatusOr<std::string> Code(const DcmTagKey& tag) const;

 private:
  std::vector<DcmItem*> items_;
  DcmItem* otherwise_;
  absl::Status status_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_ATTRIBUTES_H_
