// SPDX-License-Identifier: Apache-2.0
#include "client/report/label_colours.h"

namespace m3lung::client {

// The contract's labels count from 1, in class order.
Colour ColourOf(v1::Label label) { return ClassColour(static_cast<int>(label) - v1::HEALTHY); }

}  // namespace m3lung::client
