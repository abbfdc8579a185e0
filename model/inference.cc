#include "model/inference.h"

#include <algorithm>

namespace m3lung {

Label MostProbable(const ClassProbabilities& probabilities) {
  return static_cast<Label>(std::max_element(probabilities.begin(), probabilities.end()) -
                            probabilities.begin());
}

}  // namespace m3lung
