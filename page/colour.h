// SPDX-License-Identifier: Apache-2.0
// One colour a class, the same in every figure, chart and page.
#ifndef M3LUNG_PAGE_COLOUR_H_
#define M3LUNG_PAGE_COLOUR_H_

#include <cstdint>
#include <string>

#include "opencv2/core/types.hpp"

namespace m3lung {

struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;

  std::string Css() const;  // "#rrggbb"
  cv::Scalar Bgr() const;   // OpenCV's order
};

// `index` in class order; grey for any other. Chosen to be told apart, also in
// red-green blindness (lightness differs), and to be legible on white and on
// near-black.
Colour ClassColour(int index);

}  // namespace m3lung

#endif  // M3LUNG_PAGE_COLOUR_H_
