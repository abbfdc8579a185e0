// SPDX-License-Identifier: Apache-2.0
#include "page/colour.h"

#include <array>

#include "absl/strings/str_format.h"

namespace m3lung {
namespace {

constexpr std::array<Colour, 4> kClassColours = {
    {{0x2b, 0xa8, 0x7e}, {0xe0, 0x4f, 0x2b}, {0xa4, 0x68, 0xe0}, {0x2f, 0x86, 0xe6}}};
constexpr Colour kGrey = {0x8a, 0x8f, 0x98};

}  // namespace

std::string Colour::Css() const { return absl::StrFormat("#%02x%02x%02x", red, green, blue); }

cv::Scalar Colour::Bgr() const {
  return {static_cast<double>(blue), static_cast<double>(green), static_cast<double>(red)};
}

Colour ClassColour(int index) {
  const auto i = static_cast<size_t>(index);
  return index >= 0 && i < kClassColours.size() ? kClassColours[i] : kGrey;
}

}  // namespace m3lung
