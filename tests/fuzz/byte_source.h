// SPDX-License-Identifier: Apache-2.0
// Bytes turned into choices, front to back; an exhausted source gives zeros.
// (Clang's FuzzedDataProvider is not there for the replays that gcc builds.)
#ifndef M3LUNG_TESTS_FUZZ_BYTE_SOURCE_H_
#define M3LUNG_TESTS_FUZZ_BYTE_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace m3lung::testing {

class ByteSource {
 public:
  // REQUIRES: `bytes` outlives this object.
  explicit ByteSource(absl::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }

  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  uint16_t Word() {
    const unsigned low = Byte();
    return static_cast<uint16_t>(low | unsigned{Byte()} << 8);
  }
  bool Bool() { return Byte() % 2 == 1; }
  // In [low, high]. REQUIRES: high - low < 256.
  int Integer(int low, int high) { return low + Byte() % (high - low + 1); }
  // In [low, high], in steps of 1/65535 of that.
  double Real(double low, double high) { return low + (high - low) * (Word() / 65535.0); }
  template <typename T, size_t kCount>
  const T& Pick(const T (&choices)[kCount]) {
    return choices[Byte() % kCount];
  }
  // At most `length` bytes.
  absl::string_view Bytes(size_t length) {
    const absl::string_view taken = bytes_.substr(0, length);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  absl::string_view bytes_;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_FUZZ_BYTE_SOURCE_H_
