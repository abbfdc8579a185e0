// One colour a class, the same in figure, chart and page.
#ifndef M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_
#define M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_

#include <cstdint>
#include <string>

#include "m3lung/v1/results.pb.h"
#include "opencv2/core/types.hpp"

namespace m3lung::client {

// Chosen to be told apart, also in red-green blindness (lightness differs), and
// to be legible on white and on near-black. Grey where there is no label.
struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;

  std::string Css() const;  // "#rrggbb"
  cv::Scalar Bgr() const;   // OpenCV's order
};

Colour ColourOf(v1::Label label);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_
