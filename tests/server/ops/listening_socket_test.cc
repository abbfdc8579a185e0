// SPDX-License-Identifier: Apache-2.0
#include "server/ops/listening_socket.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

TEST(ListeningSocketTest, PicksAFreePort) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto socket, ListeningSocket::Bind("127.0.0.1:0"));
  EXPECT_GE(socket.descriptor(), 0);
  EXPECT_GT(socket.port(), 0);
  EXPECT_THAT(ListeningSocket::Bind(absl::StrCat("127.0.0.1:", socket.port())),
              StatusIs(kUnavailable, HasSubstr("already in use")));
}

TEST(ListeningSocketTest, TakesAPortThatWasLetGoOf) {
  int port = 0;
  {
    M3L_ASSERT_OK_AND_ASSIGN(const auto socket, ListeningSocket::Bind("127.0.0.1:0"));
    port = socket.port();
  }
  M3L_ASSERT_OK_AND_ASSIGN(const auto again,
                           ListeningSocket::Bind(absl::StrCat("127.0.0.1:", port)));
  EXPECT_EQ(again.port(), port);
}

TEST(ListeningSocketTest, OfLocalhostTakesTheAddressOfIPv4) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto socket, ListeningSocket::Bind("localhost:0"));
  EXPECT_THAT(ListeningSocket::Bind(absl::StrCat("127.0.0.1:", socket.port())),
              StatusIs(kUnavailable, HasSubstr("already in use")));
}

TEST(ListeningSocketTest, AllAddressesAreThoseOfIPv4Too) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto socket, ListeningSocket::Bind("[::]:0"));
  EXPECT_THAT(ListeningSocket::Bind(absl::StrCat("127.0.0.1:", socket.port())),
              StatusIs(kUnavailable, HasSubstr("already in use")));
}

TEST(ListeningSocketTest, SaysWhyNot) {
  EXPECT_THAT(ListeningSocket::Bind("127.0.0.1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"127.0.0.1\"")));
  EXPECT_THAT(ListeningSocket::Bind("192.0.2.1:0"),  // of documentation
              StatusIs(kUnavailable, HasSubstr("Cannot assign")));
  EXPECT_THAT(ListeningSocket::Bind("[::x]:0"), StatusIs(kUnavailable, HasSubstr("::x: ")));
}

}  // namespace
}  // namespace m3lung
