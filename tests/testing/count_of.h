// SPDX-License-Identifier: Apache-2.0
#ifndef M3LUNG_TESTS_TESTING_COUNT_OF_H_
#define M3LUNG_TESTS_TESTING_COUNT_OF_H_

#include <cstddef>
#include <string>

namespace m3lung::testing {

// How often `part` stands in `text`.
inline size_t CountOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_COUNT_OF_H_
