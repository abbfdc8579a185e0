// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study_identity.h"

#include <random>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"

namespace m3lung {
namespace {

std::pair<uint64_t, uint64_t> DrawSalt() {
  std::random_device random;
  const auto word = [&] { return uint64_t{random()} << 32 | random(); };
  const uint64_t first = word();
  return {first, word()};
}

absl::string_view Trimmed(absl::string_view value) {
  const auto is_padding = [](char c) {
    return c == '\0' || absl::ascii_isspace(static_cast<unsigned char>(c));
  };
  while (!value.empty() && is_padding(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_padding(value.back())) value.remove_suffix(1);
  return value;
}

}  // namespace

uint64_t IdentityDigest(absl::string_view value) {
  static const std::pair<uint64_t, uint64_t> salt = DrawSalt();
  value = Trimmed(value);
  if (value.empty()) return 0;
  const uint64_t digest = absl::HashOf(salt, value);
  return digest == 0 ? 1 : digest;
}

std::string ComparableName(absl::string_view value) {
  absl::string_view group = Trimmed(value.substr(0, value.find('=')));
  if (group.empty()) group = Trimmed(value);
  std::string name, bytes;
  bool letters = false;
  for (const char c : group) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) {
      name.push_back(absl::ascii_toupper(byte));
      letters = true;
    } else if (!absl::ascii_isascii(byte)) {
      if (name.empty() || name.back() != '?') name.push_back('?');
    } else if (!name.empty() && name.back() != ' ') {
      name.push_back(' ');
    }
    if (!absl::ascii_isascii(byte) || absl::ascii_isalnum(byte)) bytes.push_back(c);
  }
  if (!letters) return bytes;
  return std::string(Trimmed(name));
}

}  // namespace m3lung
