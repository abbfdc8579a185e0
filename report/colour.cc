// SPDX-License-Identifier: Apache-2.0
#include "report/colour.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace m3lung {
namespace {

constexpr std::array<Colour, 4> kClassColours = {
    {{0x2b, 0xa8, 0x7e}, {0xe0, 0x4f, 0x2b}, {0xa4, 0x68, 0xe0}, {0x2f, 0x86, 0xe6}}};
constexpr Colour kGrey = {0x8a, 0x8f, 0x98};

struct Entry {
  absl::string_view name;
  Colour light;
  Colour dark;
};

// In the order of StyleColour.
constexpr std::array<Entry, 8> kStyle = {{
    {"page", {0xf5, 0xf6, 0xf8}, {0x14, 0x16, 0x1a}},
    {"card", {0xff, 0xff, 0xff}, {0x1e, 0x21, 0x27}},
    {"ink", {0x1d, 0x21, 0x29}, {0xe8, 0xea, 0xee}},
    {"faint", {0x5c, 0x64, 0x70}, {0xa3, 0xab, 0xb8}},
    {"rule", {0xdd, 0xe1, 0xe7}, {0x35, 0x3a, 0x44}},
    {"track", {0xe9, 0xec, 0xf1}, {0x2b, 0x30, 0x38}},
    {"warn-page", {0xff, 0xf1, 0xee}, {0x3a, 0x1c, 0x17}},
    {"warn", {0xa3, 0x20, 0x0d}, {0xff, 0xb4, 0xa5}},
}};

const Entry& EntryOf(StyleColour colour) { return kStyle[static_cast<size_t>(colour)]; }

}  // namespace

std::string Colour::Css() const { return absl::StrFormat("#%02x%02x%02x", red, green, blue); }

cv::Scalar Colour::Bgr() const {
  return {static_cast<double>(blue), static_cast<double>(green), static_cast<double>(red)};
}

Colour ClassColour(int index) {
  const auto i = static_cast<size_t>(index);
  return index >= 0 && i < kClassColours.size() ? kClassColours[i] : kGrey;
}

std::string StyleVariables(bool dark) {
  std::string css;
  for (const Entry& entry : kStyle) {
    absl::StrAppend(&css, "--", entry.name, ":", (dark ? entry.dark : entry.light).Css(), ";");
  }
  return css;
}

std::string CssOf(const Paint& paint) {
  if (const Colour* colour = std::get_if<Colour>(&paint)) return colour->Css();
  return absl::StrCat("var(--", EntryOf(std::get<StyleColour>(paint)).name, ")");
}

Colour PrintedColour(const Paint& paint) {
  if (const Colour* colour = std::get_if<Colour>(&paint)) return *colour;
  return EntryOf(std::get<StyleColour>(paint)).light;
}

}  // namespace m3lung
