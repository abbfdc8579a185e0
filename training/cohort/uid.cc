// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/uid.h"

#include <algorithm>

#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace m3lung {

std::string UidFrom(absl::string_view name) {
  const std::string digest = absl::HexStringToBytes(Sha256Hex(name));
  absl::uint128 uuid = 0;
  for (int i = 0; i < 16; ++i) uuid = uuid << 8 | static_cast<unsigned char>(digest[i]);
  // Version 8 (made by a rule of one's own) and the usual variant.
  uuid = (uuid & ~(absl::uint128(0xf) << 76)) | absl::uint128(8) << 76;
  uuid = (uuid & ~(absl::uint128(3) << 62)) | absl::uint128(2) << 62;
  std::string digits;
  for (; uuid != 0; uuid /= 10) digits += static_cast<char>('0' + static_cast<int>(uuid % 10));
  std::reverse(digits.begin(), digits.end());
  return absl::StrCat("2.25.", digits);
}

}  // namespace m3lung
