// SPDX-License-Identifier: Apache-2.0
// The colours of reports: one a class, the same in every figure and page, and those of the style.
#ifndef M3LUNG_REPORT_COLOUR_H_
#define M3LUNG_REPORT_COLOUR_H_

#include <cstdint>
#include <string>
#include <variant>

#include "opencv2/core/types.hpp"

namespace m3lung {

struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;

  std::string Css() const;  // "#rrggbb"
  cv::Scalar Bgr() const;   // OpenCV's order
};

inline constexpr Colour kBlack = {0, 0, 0};
inline constexpr Colour kWhite = {255, 255, 255};

// `index` in class order; grey for any other. Chosen to be told apart, also in
// red-green blindness (lightness differs), and to be legible on white and on
// near-black.
Colour ClassColour(int index);

// Colours that are light or dark as the reader's system is.
enum class StyleColour { kPage, kCard, kInk, kFaint, kRule, kTrack, kWarningPage, kWarning };

// The style's colours as CSS variables: "--page:#f5f6f8;--card:...".
std::string StyleVariables(bool dark);

using Paint = std::variant<StyleColour, Colour>;

// "var(--ink)" or "#rrggbb".
std::string CssOf(const Paint& paint);
// On white paper, where the style is light.
Colour PrintedColour(const Paint& paint);

}  // namespace m3lung

#endif  // M3LUNG_REPORT_COLOUR_H_
