// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/attributes.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcelem.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

absl::Status Malformed(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed, absl::StrCat(detail, "; correct or resend it"));
}

DcmElement* Find(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  return item.findAndGetElement(tag, element).good() ? element : nullptr;
}

absl::Status CheckCount(const DcmTagKey& tag, size_t count, size_t most) {
  if (count <= most) return absl::OkStatus();
  return Malformed(absl::StrCat(NameOf(tag), " has ", count, " values where ", most,
                                most == 1 ? " is" : " are", " allowed"));
}

// The value that the elements of `items` agree on, as `read` tells it; an empty one
// where none has any.
template <typename Read>
auto Agreed(const std::vector<DcmItem*>& items, const DcmTagKey& tag, Read read)
    -> decltype(read(std::declval<DcmElement&>())) {
  typename decltype(read(std::declval<DcmElement&>()))::value_type agreed;
  for (DcmItem* item : items) {
    DcmElement* element = Find(*item, tag);
    if (element == nullptr) continue;
    M3L_ASSIGN_OR_RETURN(auto values, read(*element));
    if (values.empty()) continue;
    if (!agreed.empty() && agreed != values) {
      return Malformed(absl::StrCat("the functional groups hold two values of ", NameOf(tag)));
    }
    agreed = std::move(values);
  }
  return agreed;
}

}  // namespace

bool DicomAttributes::Has(const DcmTagKey& tag) const {
  for (DcmItem* item : items_) {
    if (item->tagExists(tag)) return true;
  }
  return otherwise_->tagExists(tag);
}

std::string DicomAttributes::Text(const DcmTagKey& tag, unsigned long index) const {
  for (DcmItem* item : items_) {
    DcmElement* element = Find(*item, tag);
    if (element != nullptr && element->getLengthField() > 0) return TextOrNothing(*element, index);
  }
  DcmElement* element = Find(*otherwise_, tag);
  return element == nullptr ? "" : TextOrNothing(*element, index);
}

absl::StatusOr<std::vector<double>> DicomAttributes::Numbers(const DcmTagKey& tag, size_t most,
                                                             Warnings& warnings) const {
  M3L_RETURN_IF_ERROR(status_);
  bool is_signed = false;
  if (DcmTag(tag).getEVR() == EVR_xs) {
    const absl::StatusOr<std::optional<int64_t>> sign = Integer(DCM_PixelRepresentation);
    is_signed = sign.ok() && *sign == 1;
  }
  std::vector<std::string> oddities;
  const auto read = [&](DcmElement& element) -> absl::StatusOr<std::vector<double>> {
    M3L_ASSIGN_OR_RETURN(NumberValues numbers, ReadNumbers(element, is_signed));
    if (!numbers.oddities.empty()) oddities = std::move(numbers.oddities);
    return std::move(numbers.values);
  };
  M3L_ASSIGN_OR_RETURN(std::vector<double> values, Agreed(items_, tag, read));
  if (values.empty()) {
    M3L_ASSIGN_OR_RETURN(values, Agreed({otherwise_}, tag, read));
  } else if (DcmElement* other = Find(*otherwise_, tag); other != nullptr) {
    const absl::StatusOr<NumberValues> numbers = ReadNumbers(*other, is_signed);
    if (!numbers.ok() || (!numbers->values.empty() && numbers->values != values)) {
      oddities.push_back("differs outside of the functional groups");
    }
  }
  M3L_RETURN_IF_ERROR(CheckCount(tag, values.size(), most));
  for (const std::string& oddity : oddities) {
    warnings.push_back(
        absl::StrCat(NameOf(tag), " ", oddity, ", which the standard does not allow"));
  }
  return values;
}

absl::StatusOr<std::optional<int64_t>> DicomAttributes::Integer(const DcmTagKey& tag) const {
  Warnings ignored;
  M3L_ASSIGN_OR_RETURN(const std::vector<double> values, Numbers(tag, 1, ignored));
  if (values.empty()) return std::optional<int64_t>();
  if (values.front() != std::floor(values.front()) || std::abs(values.front()) > 1e15) {
    return Malformed(absl::StrCat("the value of ", NameOf(tag), " is not a whole number"));
  }
  return std::optional<int64_t>(static_cast<int64_t>(values.front()));
}

absl::StatusOr<std::string> DicomAttributes::Code(const DcmTagKey& tag) const {
  M3L_RETURN_IF_ERROR(status_);
  M3L_ASSIGN_OR_RETURN(std::vector<std::string> values, Agreed(items_, tag, ReadTexts));
  if (values.empty()) {
    M3L_ASSIGN_OR_RETURN(values, Agreed({otherwise_}, tag, ReadTexts));
  }
  M3L_RETURN_IF_ERROR(CheckCount(tag, values.size(), 1));
  return values.empty() ? std::string() : std::move(values.front());
}

}  // namespace m3lung
