// SPDX-License-Identifier: Apache-2.0
// What the bytes of one element stand for. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_ATTRIBUTE_VALUE_H_
#define M3LUNG_PREPROCESS_DICOM_ATTRIBUTE_VALUE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcelem.h"

namespace m3lung {

// An element that came as UN is read as the data dictionary has it, its numbers with the
// low byte first (PS3.5 section 6.2.2); text also where it came with a value
// representation that does not exist.

struct NumberValues {
  std::vector<double> values;
  // What the standard does not allow, yet has one meaning; for a person: "is written
  // with a decimal comma".
  std::vector<std::string> oddities;
};

// The numbers of an attribute that holds decimal strings, integer strings or whole
// binary numbers by the dictionary; none where it is empty. An attribute that is
// "US or SS" by the dictionary, and does not say which, holds SS where `is_signed`.
// kMalformed, with the attribute's name, where the bytes are no such numbers or could
// be two different ones.
absl::StatusOr<NumberValues> ReadNumbers(DcmElement& element, bool is_signed);

// The values of an attribute that holds text by the dictionary, each without padding.
// kMalformed where it came as something else.
absl::StatusOr<std::vector<std::string>> ReadTexts(DcmElement& element);

// Value `index` as text, empty where there is none or it cannot be read.
std::string TextOrNothing(DcmElement& element, unsigned long index);

// Longer than any value of the attributes that are read.
inline constexpr Uint32 kMaxValueBytes = 4096;

// Whether two elements hold the same bytes of the same value representation; false
// where they are too long to be looked at.
bool HoldTheSame(DcmElement& a, DcmElement& b);

// The attribute's name in the data dictionary, "PixelData" for example.
std::string NameOf(const DcmTagKey& tag);

// `text` with every byte that is not printable ASCII replaced by '?'.
std::string PrintableAscii(absl::string_view text);

// A code string for a message, cut at the length that the standard allows.
std::string CodeString(absl::string_view value);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_ATTRIBUTE_VALUE_H_
