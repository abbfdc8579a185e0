// SPDX-License-Identifier: Apache-2.0
// DICOM files element by element, well formed or not. Shares no code with DCMTK.
#ifndef M3LUNG_TESTS_PREPROCESS_DICOM_BUILDER_H_
#define M3LUNG_TESTS_PREPROCESS_DICOM_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace m3lung::testing {

// (group << 16) | element
using Tag = uint32_t;

inline std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

inline std::string Words(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out += LittleEndian(static_cast<uint16_t>(value), 2);
  return out;
}

inline std::string Item(std::string bytes) {
  if (bytes.size() % 2 == 1) bytes += '\0';
  return LittleEndian(0xe000fffe, 4) + LittleEndian(bytes.size(), 4) + bytes;
}

inline constexpr char kExplicit[] = "1.2.840.10008.1.2.1";
inline constexpr char kImplicit[] = "1.2.840.10008.1.2";

class DicomBuilder {
 public:
  // A valid axial CT slice of 2 x 3 pixels with the words 0 to 5, signed, 16
  // bits, slope 1, intercept -1024, in Explicit VR Little Endian.
  DicomBuilder() {
    Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    Set(0x00080018, "UI", "1.2.3.4");
    Set(0x00080060, "CS", "CT");
    Set(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
    Set(0x0020000e, "UI", "1.2.3");
    Set(0x00200032, "DS", "-10\\-20\\30.5");
    Set(0x00200037, "DS", "1\\0\\0\\0\\1\\0");
    Set(0x00280030, "DS", "0.7\\0.6");
    Set(0x00280002, "US", Words({1}));
    Set(0x00280004, "CS", "MONOCHROME2");
    Set(0x00280010, "US", Words({2}));
    Set(0x00280011, "US", Words({3}));
    Set(0x00280100, "US", Words({16}));
    Set(0x00280101, "US", Words({16}));
    Set(0x00280102, "US", Words({15}));
    Set(0x00280103, "US", Words({1}));
    Set(0x00281052, "DS", "-1024");
    Set(0x00281053, "DS", "1");
    Set(0x7fe00010, "OW", Words({0, 1, 2, 3, 4, 5}));
  }

  DicomBuilder& Set(Tag tag, const std::string& vr, const std::string& value) {
    elements_[tag] = {vr, value, -1};
    return *this;
  }
  // Declares another length than the value's.
  DicomBuilder& SetWithLength(Tag tag, const std::string& vr, const std::string& value,
                              int64_t length) {
    elements_[tag] = {vr, value, length};
    return *this;
  }
  // Pixel data in fragments, an offset table (which may be empty) before them.
  DicomBuilder& SetFragments(const std::vector<std::string>& fragments,
                             const std::vector<uint32_t>& table = {}) {
    std::string offsets;
    for (uint32_t offset : table) offsets += LittleEndian(offset, 4);
    std::string value = Item(offsets);
    for (const std::string& fragment : fragments) value += Item(fragment);
    value += LittleEndian(0xe0ddfffe, 4) + LittleEndian(0, 4);
    return SetWithLength(0x7fe00010, "OB", value, 0xffffffff);
  }
  // A sequence of data sets.
  DicomBuilder& SetItems(Tag tag, const std::vector<DicomBuilder>& items) {
    std::string value;
    for (const DicomBuilder& item : items)
      value += Item(DicomBuilder(item).WithoutHeader().Build());
    return Set(tag, "SQ", value);
  }
  // No attribute at all, for an item.
  DicomBuilder& Clear() {
    elements_.clear();
    return *this;
  }
  DicomBuilder& Remove(Tag tag) {
    elements_.erase(tag);
    return *this;
  }
  DicomBuilder& Syntax(const std::string& uid) {
    syntax_ = uid;
    return *this;
  }
  DicomBuilder& WithoutHeader() {
    header_ = false;
    return *this;
  }

  std::string Build() const {
    std::string out;
    if (header_) {
      out = std::string(128, '\0') + "DICM";
      const std::string meta = Element(0x00020010, {"UI", syntax_, -1}, true);
      out += Element(0x00020000, {"UL", LittleEndian(meta.size(), 4), -1}, true) + meta;
    }
    for (const auto& [tag, value] : elements_) out += Element(tag, value, syntax_ != kImplicit);
    return out;
  }

 private:
  struct Value {
    std::string vr, bytes;
    int64_t length;  // declared; -1: as it is
  };

  static std::string Element(Tag tag, Value value, bool is_explicit) {
    if (value.bytes.size() % 2 == 1 && value.length < 0) {
      value.bytes += value.vr == "UI" || value.vr == "OB" ? '\0' : ' ';
    }
    const uint64_t length = value.length < 0 ? value.bytes.size() : value.length;
    std::string out = LittleEndian(tag >> 16, 2) + LittleEndian(tag & 0xffff, 2);
    if (!is_explicit) return out + LittleEndian(length, 4) + value.bytes;
    out += value.vr;
    const bool is_long = value.vr == "OB" || value.vr == "OW" || value.vr == "SQ" ||
                         value.vr == "UN" || value.vr == "OF" || value.vr == "UT";
    out += is_long ? std::string(2, '\0') + LittleEndian(length, 4) : LittleEndian(length, 2);
    return out + value.bytes;
  }

  bool header_ = true;
  std::string syntax_ = kExplicit;
  std::map<Tag, Value> elements_;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_PREPROCESS_DICOM_BUILDER_H_
