// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/attribute_value.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// Of a decimal string (PS3.5 section 6.2).
constexpr size_t kMaxDecimalCharacters = 16;
// Whole numbers up to here are doubles without rounding.
constexpr double kMaxWhole = 9007199254740992;

// How a value representation holds a value.
enum class Form { kDecimalText, kIntegerText, kText, kWhole, kReal, kOther };

struct Layout {
  Form form = Form::kOther;
  size_t width = 1;  // of a binary number, in bytes
  bool is_signed = false;
};

Layout LayoutOf(DcmEVR vr) {
  switch (vr) {
    case EVR_DS:
      return {Form::kDecimalText};
    case EVR_IS:
      return {Form::kIntegerText};
    case EVR_AE:
    case EVR_AS:
    case EVR_CS:
    case EVR_DA:
    case EVR_DT:
    case EVR_LO:
    case EVR_LT:
    case EVR_PN:
    case EVR_SH:
    case EVR_ST:
    case EVR_TM:
    case EVR_UC:
    case EVR_UI:
    case EVR_UR:
    case EVR_UT:
      return {Form::kText};
    case EVR_US:
    case EVR_xs:
      return {Form::kWhole, 2, false};
    case EVR_SS:
      return {Form::kWhole, 2, true};
    case EVR_UL:
    case EVR_up:
      return {Form::kWhole, 4, false};
    case EVR_SL:
      return {Form::kWhole, 4, true};
    case EVR_UV:
      return {Form::kWhole, 8, false};
    case EVR_SV:
      return {Form::kWhole, 8, true};
    case EVR_FL:
      return {Form::kReal, 4, true};
    case EVR_FD:
      return {Form::kReal, 8, true};
    default:
      return {};
  }
}

bool IsText(Form form) {
  return form == Form::kDecimalText || form == Form::kIntegerText || form == Form::kText;
}

DcmEVR DictionaryVr(DcmElement& element) { return DcmTag(element.getTag().getXTag()).getEVR(); }

bool SaysNothing(DcmEVR vr) { return vr == EVR_UN || vr == EVR_UNKNOWN || vr == EVR_UNKNOWN2B; }

// The value representation to read `element` by.
DcmEVR VrOf(DcmElement& element) {
  const DcmEVR stated = element.getTag().getEVR();
  return SaysNothing(stated) ? DictionaryVr(element) : stated;
}

absl::Status Unreadable(DcmElement& element, absl::string_view problem) {
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat("the value of ", NameOf(element.getTag().getXTag()), " ", problem,
                                "; correct or resend it"));
}

absl::Status WrongVr(DcmElement& element) {
  return Unreadable(element, absl::StrCat("came as ", DcmVR(element.getVR()).getVRName(),
                                          " and cannot be read as ",
                                          DcmVR(DictionaryVr(element)).getValidVRName()));
}

// All bytes, numbers with the low byte first; nothing where they are not there.
std::optional<std::string> BytesOf(DcmElement& element) {
  if (!element.isLeaf()) {
    return element.getLengthField() == 0 ? std::optional<std::string>("") : std::nullopt;
  }
  const Uint32 length = element.getLengthField();
  if (length > kMaxValueBytes) return std::nullopt;
  std::string bytes(length, '\0');
  if (element.getPartialValue(bytes.data(), 0, length, nullptr, EBO_LittleEndian).bad()) {
    return std::nullopt;
  }
  return bytes;
}

bool IsPadding(char c) { return c == '\0' || absl::ascii_isspace(static_cast<unsigned char>(c)); }

absl::string_view WithoutPadding(absl::string_view text) {
  while (!text.empty() && IsPadding(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsPadding(text.back())) text.remove_suffix(1);
  return text;
}

// The values of a text, those that are empty at its end left out.
std::vector<absl::string_view> SplitValues(absl::string_view text) {
  std::vector<absl::string_view> values = absl::StrSplit(text, '\\');
  for (absl::string_view& value : values) value = WithoutPadding(value);
  while (!values.empty() && values.back().empty()) values.pop_back();
  return values;
}

bool ParseReal(absl::string_view text, double& value) {
  // Not the hexadecimal numbers that Abseil reads besides.
  return text.find_first_not_of("0123456789+-.eE") == absl::string_view::npos &&
         absl::SimpleAtod(text, &value) && std::isfinite(value);
}

bool ParseWhole(absl::string_view text, double& value) {
  int64_t whole = 0;
  if (!absl::SimpleAtoi(text, &whole)) return false;
  value = static_cast<double>(whole);
  return std::abs(value) <= kMaxWhole;
}

// "1,024" may stand for 1024 as well as for 1.024, "0,703" or "1,5" for one number only.
bool MayGroupThousands(absl::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const size_t comma = text.find(',');
  const absl::string_view after = text.substr(comma + 1);
  const size_t digits =
      std::min(after.find_first_not_of("0123456789"), after.size());  // npos is larger
  return comma >= 1 && comma <= 3 && text.front() != '0' && digits == 3;
}

absl::Status AppendReal(DcmElement& element, absl::string_view text, NumberValues& read) {
  const auto add_oddity = [&](const char* oddity) {
    if (std::find(read.oddities.begin(), read.oddities.end(), oddity) == read.oddities.end()) {
      read.oddities.push_back(oddity);
    }
  };
  double value = 0;
  if (std::count(text.begin(), text.end(), ',') == 1 && text.find('.') == absl::string_view::npos) {
    if (!ParseReal(absl::StrReplaceAll(text, {{",", "."}}), value)) {
      return Unreadable(element, "is not a number");
    }
    if (MayGroupThousands(text)) {
      return Unreadable(element, "has a comma that may part decimals or thousands");
    }
    add_oddity("is written with a decimal comma");
  } else if (!ParseReal(text, value)) {
    return Unreadable(element, "is not a number");
  }
  if (text.size() > kMaxDecimalCharacters) add_oddity("is longer than 16 characters");
  read.values.push_back(value);
  return absl::OkStatus();
}

absl::StatusOr<NumberValues> NumbersOfText(DcmElement& element, absl::string_view bytes,
                                           bool decimal) {
  NumberValues read;
  for (const absl::string_view text : SplitValues(bytes)) {
    double whole = 0;
    if (decimal) {
      M3L_RETURN_IF_ERROR(AppendReal(element, text, read));
    } else if (ParseWhole(text, whole)) {
      read.values.push_back(whole);
    } else {
      return Unreadable(element, "is not a whole number");
    }
  }
  return read;
}

double BinaryNumber(absl::string_view bytes, const Layout& layout) {
  uint64_t bits = 0;
  for (size_t i = 0; i < layout.width; ++i) {
    bits |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  if (layout.form == Form::kReal && layout.width == 4) {
    const auto word = static_cast<uint32_t>(bits);
    float value = 0;
    std::memcpy(&value, &word, sizeof(value));
    return value;
  }
  if (layout.form == Form::kReal) {
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  const size_t unused = 64 - 8 * layout.width;
  if (layout.is_signed) {
    return static_cast<double>(static_cast<int64_t>(bits << unused) >> unused);
  }
  return static_cast<double>(bits);
}

// Whether the bytes of binary numbers could be the text of numbers with the name of
// another value representation, so that nobody knows which is wrong.
bool MayBeText(absl::string_view bytes) {
  constexpr absl::string_view kOfText("0123456789+-.,eE\\ \0", 19);
  return bytes.find_first_not_of(kOfText) == absl::string_view::npos &&
         bytes.find_first_not_of('\0') != absl::string_view::npos;
}

absl::StatusOr<NumberValues> NumbersOfBinary(DcmElement& element, absl::string_view bytes,
                                             const Layout& layout, bool text_expected) {
  NumberValues read;
  if (bytes.size() % layout.width != 0) return WrongVr(element);
  if (text_expected) {
    if (MayBeText(bytes)) return WrongVr(element);
    read.oddities.push_back(absl::StrCat("came as ", DcmVR(element.getVR()).getVRName(), ", not ",
                                         DcmVR(DictionaryVr(element)).getVRName()));
  }
  for (size_t at = 0; at < bytes.size(); at += layout.width) {
    const double value = BinaryNumber(bytes.substr(at), layout);
    const bool exact = layout.form == Form::kReal || std::abs(value) <= kMaxWhole;
    if (!std::isfinite(value) || !exact) return Unreadable(element, "is not a number");
    read.values.push_back(value);
  }
  return read;
}

}  // namespace

absl::StatusOr<NumberValues> ReadNumbers(DcmElement& element, bool is_signed) {
  const std::optional<std::string> bytes = BytesOf(element);
  if (!bytes.has_value()) return Unreadable(element, "cannot be read");
  if (bytes->empty()) return NumberValues();
  const Layout wanted = LayoutOf(DictionaryVr(element));
  Layout layout = LayoutOf(VrOf(element));
  if (VrOf(element) == EVR_xs) layout.is_signed = is_signed;
  const bool decimal = wanted.form == Form::kDecimalText;
  const bool text_expected = decimal || wanted.form == Form::kIntegerText;
  if (!text_expected && wanted.form != Form::kWhole) return WrongVr(element);
  // The standard tells the order of bytes of UN alone.
  const DcmEVR stated = element.getTag().getEVR();
  if (wanted.form == Form::kWhole && SaysNothing(stated) && stated != EVR_UN) {
    return WrongVr(element);
  }
  if (IsText(layout.form)) {
    // Text is padded with spaces; a NUL is part of a word that came as text.
    const bool has_nul = bytes->find('\0') != std::string::npos;
    if (has_nul && wanted.form == Form::kWhole) return WrongVr(element);
    return NumbersOfText(element, *bytes, decimal);
  }
  if (layout.form == Form::kWhole || (layout.form == Form::kReal && decimal)) {
    return NumbersOfBinary(element, *bytes, layout, text_expected);
  }
  return WrongVr(element);
}

absl::StatusOr<std::vector<std::string>> ReadTexts(DcmElement& element) {
  const std::optional<std::string> bytes = BytesOf(element);
  if (!bytes.has_value()) return Unreadable(element, "cannot be read");
  if (!bytes->empty() && !IsText(LayoutOf(VrOf(element)).form)) return WrongVr(element);
  std::vector<std::string> texts;
  for (const absl::string_view text : SplitValues(*bytes)) texts.push_back(PrintableAscii(text));
  return texts;
}

std::string TextOrNothing(DcmElement& element, unsigned long index) {
  if (!element.isLeaf() || element.getLengthField() > kMaxValueBytes) return "";
  if (SaysNothing(element.getTag().getEVR())) {
    const Form form = LayoutOf(DictionaryVr(element)).form;
    if (form == Form::kWhole) {
      const absl::StatusOr<NumberValues> read = ReadNumbers(element, /*is_signed=*/false);
      if (!read.ok() || index >= read->values.size()) return "";
      return absl::StrCat(read->values[index]);
    }
    if (IsText(form)) {
      const absl::StatusOr<std::vector<std::string>> texts = ReadTexts(element);
      return texts.ok() && index < texts->size() ? (*texts)[index] : "";
    }
  }
  OFString value;
  if (element.getOFString(value, index).bad()) return "";
  // A padding NUL is no part of the value.
  absl::string_view text(value.data(), value.size());
  text = text.substr(0, text.find('\0'));
  return PrintableAscii(absl::StripAsciiWhitespace(text));
}

bool HoldTheSame(DcmElement& a, DcmElement& b) {
  const std::optional<std::string> bytes = BytesOf(a);
  return bytes.has_value() && bytes == BytesOf(b) && a.getTag().getEVR() == b.getTag().getEVR();
}

std::string CodeString(absl::string_view value) { return std::string(value.substr(0, 16)); }

std::string NameOf(const DcmTagKey& tag) { return DcmTag(tag).getTagName(); }

std::string PrintableAscii(absl::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return printable;
}

}  // namespace m3lung
