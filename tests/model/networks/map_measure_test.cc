// SPDX-License-Identifier: Apache-2.0
#include "model/networks/map_measure.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MapMeasureTest, NamesAreReadBack) {
  EXPECT_EQ(MapMeasureName(MapMeasure::kInnerProduct), "inner_product");
  for (const MapMeasure measure : kMapMeasures) {
    M3L_ASSERT_OK_AND_ASSIGN(const MapMeasure read, ParseMapMeasure(MapMeasureName(measure)));
    EXPECT_EQ(read, measure);
  }
  EXPECT_THAT(ParseMapMeasure("manhattan"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("\"manhattan\""), HasSubstr("\"inner_product\""),
                             HasSubstr("\"cosine\""), HasSubstr("\"euclidean\""))));
}

}  // namespace
}  // namespace m3lung
