#include "client/report/label_colours.h"

#include "absl/strings/str_format.h"

namespace m3lung::client {

std::string Colour::Css() const { return absl::StrFormat("#%02x%02x%02x", red, green, blue); }

cv::Scalar Colour::Bgr() const {
  return {static_cast<double>(blue), static_cast<double>(green), static_cast<double>(red)};
}

Colour ColourOf(v1::Label label) {
  switch (label) {
    case v1::HEALTHY:
      return {0x2b, 0xa8, 0x7e};
    case v1::COVID_19:
      return {0xe0, 0x4f, 0x2b};
    case v1::H1N1:
      return {0xa4, 0x68, 0xe0};
    case v1::CAP:
      return {0x2f, 0x86, 0xe6};
    default:
      return {0x8a, 0x8f, 0x98};
  }
}

}  // namespace m3lung::client
