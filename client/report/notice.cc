// SPDX-License-Identifier: Apache-2.0
#include "client/report/notice.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "report/html.h"

namespace m3lung::client {

std::string NoticeText(const v1::ModelReference& model) {
  absl::string_view own = model.notice();
  absl::ConsumePrefix(&own, kResearchUseOnly);
  return absl::StrCat("Not a medical device, not for diagnosis. ", absl::StripAsciiWhitespace(own));
}

}  // namespace m3lung::client
