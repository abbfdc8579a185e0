// SPDX-License-Identifier: Apache-2.0
#include "training/data/csv_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ParseCsvTest, ReadsQuotedFieldsAnyLineEndAndColumnsInAnyOrder) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<CsvRow> rows,
                           ParseCsv("\xef\xbb\xbf"
                                    "b,a\r\n\"x, \"\"y\"\"\",1\r\n\n two ,\n\"over\nlines\",3",
                                    {"a"}, {"b", "c"}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].at("a"), "1");
  EXPECT_EQ(rows[0].at("b"), "x, \"y\"");
  EXPECT_EQ(rows[0].at("c"), "");
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_EQ(rows[1].at("b"), "two");
  EXPECT_EQ(rows[1].at("a"), "");
  EXPECT_EQ(rows[1].line, 4);
  EXPECT_EQ(rows[2].at("b"), "over\nlines");
  EXPECT_EQ(rows[2].line, 6);
}

TEST(ParseCsvTest, NamesTheLineOfWhatIsWrong) {
  const auto error = [](const char* text) { return ParseCsv(text, {"a"}, {"b"}).status(); };
  EXPECT_THAT(error(""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1: must")));
  EXPECT_THAT(error("b\n1\n"), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("line 1: there is no column \"a\"")));
  EXPECT_THAT(error("a,x\n"), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("line 1: unknown column \"x\"; known are a, b")));
  EXPECT_THAT(error("a,a\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"a\" is there twice")));
  EXPECT_THAT(error("a,b\n1,2\n\n1\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("line 4: has 1 fields; the header has 2")));
  EXPECT_THAT(error("a\n\"open\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2: a quoted field")));
}

TEST(QuoteCsvTest, ComesBackAsItWas) {
  for (const char* field : {"plain", "", "a,b", "say \"so\"", " edges ", "two\nlines"}) {
    M3L_ASSERT_OK_AND_ASSIGN(const std::vector<CsvRow> rows,
                             ParseCsv("a,b\n" + QuoteCsv(field) + ",1\n", {"a", "b"}, {}));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].at("a"), field);
  }
}

}  // namespace
}  // namespace m3lung
