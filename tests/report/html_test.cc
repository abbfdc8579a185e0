// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include "gmock/gmock.h"

namespace m3lung {
namespace {

using ::testing::HasSubstr;

TEST(EscapeHtmlTest, EscapesMarkupAndReplacesControlCharacters) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\">&'\n\x7f"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;  ");
  EXPECT_EQ(EscapeHtml("\u2013"), "\u2013");
}

TEST(TableTest, SetsNumbersRightAndEscapesCells) {
  Table table({{"Name"}, {"Count", true}});
  table.Add({"a < b", "7"});
  table.Add({"chosen", "8"}, /*strong=*/true);
  EXPECT_EQ(table.Html(),
            "<div class=\"wide\"><table>\n<tr><th>Name</th><th class=\"number\">Count</th></tr>\n"
            "<tr><td>a &lt; b</td><td class=\"number\">7</td></tr>\n"
            "<tr><td><strong>chosen</strong></td><td class=\"number\">8</td></tr>\n"
            "</table></div>\n");
}

TEST(PageTest, HoldsTheStyleForLightAndDark) {
  const std::string page = Page("a & b", ".own {}", "<p>text</p>");
  EXPECT_THAT(page, HasSubstr("<title>a &amp; b</title>"));
  EXPECT_THAT(page, HasSubstr("--page:#f5f6f8;"));
  EXPECT_THAT(page, HasSubstr("@media (prefers-color-scheme: dark) { :root { --page:#14161a;"));
  EXPECT_THAT(page, HasSubstr(".own {}"));
  EXPECT_THAT(page, HasSubstr("<main>\n<p>text</p></main>"));
}

}  // namespace
}  // namespace m3lung
