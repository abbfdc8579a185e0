// SPDX-License-Identifier: Apache-2.0
// The page for integrators lists every stable name of the contract: one that is
// added to an enum and not described there is caught here.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "tests/testing/status_matchers.h"

namespace m3lung::client {
namespace {

// The cells of the page's table row that begins with `name` in backquotes.
std::vector<std::string> RowOf(const std::string& page, const std::string& name) {
  const std::string begin = absl::StrCat("| `", name, "` |");
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    if (!absl::ConsumePrefix(&line, begin)) continue;
    return absl::StrSplit(line, '|', absl::SkipWhitespace());
  }
  return {};
}

class ApiPageTest : public ::testing::TestWithParam<const google::protobuf::EnumDescriptor*> {};

TEST_P(ApiPageTest, DescribesEveryNameAndWhatToDo) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile(M3LUNG_API_PAGE));
  const google::protobuf::EnumDescriptor& reasons = *GetParam();
  ASSERT_GT(reasons.value_count(), 1);
  for (int i = 0; i < reasons.value_count(); ++i) {
    if (reasons.value(i)->number() == 0) continue;  // ..._UNSPECIFIED
    EXPECT_EQ(RowOf(page, reasons.value(i)->name()).size(), 2U)
        << "docs/howto/api.md lacks a row `| `" << reasons.value(i)->name()
        << "` | meaning | what to do |`";
  }
}

std::string NameOfEnum(
    const ::testing::TestParamInfo<const google::protobuf::EnumDescriptor*>& info) {
  return info.param->name();
}

INSTANTIATE_TEST_SUITE_P(AllReasons, ApiPageTest,
                         ::testing::Values(v1::SkipReason_descriptor(),
                                           v1::StudyReason_descriptor(), v1::Verdict_descriptor(),
                                           v1::ErrorReason_descriptor()),
                         NameOfEnum);

}  // namespace
}  // namespace m3lung::client
