// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/attributes.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "dcmtk/dcmdata/dcelem.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// Longer than any value of the attributes read here.
constexpr Uint32 kMaxValueBytes = 4096;

absl::Status NotANumber(const DcmTagKey& tag) {
  return SkipError(SkipReason::kMalformed, absl::StrCat("the value of ", NameOf(tag),
                                                        " is not a number; correct or resend it"));
}

}  // namespace

bool DicomAttributes::Has(const DcmTagKey& tag) const { return item_.tagExists(tag); }

std::string DicomAttributes::Text(const DcmTagKey& tag, unsigned long index) const {
  DcmElement* element = nullptr;
  if (item_.findAndGetElement(tag, element).bad() || element == nullptr || !element->isLeaf() ||
      element->getLengthField() > kMaxValueBytes) {
    return "";
  }
  OFString value;
  if (element->getOFString(value, index).bad()) return "";
  // A padding NUL is no part of the value.
  absl::string_view text(value.data(), value.size());
  text = text.substr(0, text.find('\0'));
  return PrintableAscii(absl::StripAsciiWhitespace(text));
}

absl::StatusOr<std::optional<int64_t>> DicomAttributes::Integer(const DcmTagKey& tag) const {
  const std::string text = Text(tag);
  if (text.empty()) return std::optional<int64_t>();
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return NotANumber(tag);
  return std::optional<int64_t>(value);
}

absl::StatusOr<std::optional<double>> DicomAttributes::Number(const DcmTagKey& tag,
                                                              unsigned long index) const {
  const std::string text = Text(tag, index);
  if (text.empty()) return std::optional<double>();
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return NotANumber(tag);
  return std::optional<double>(value);
}

std::string NameOf(const DcmTagKey& tag) { return DcmTag(tag).getTagName(); }

std::string PrintableAscii(absl::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return printable;
}

}  // namespace m3lung
