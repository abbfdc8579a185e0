// SPDX-License-Identifier: Apache-2.0
#include "model/networks/window_cut.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

// Two slices of one row of three pixels.
torch::Tensor Hu() {
  return torch::tensor({-1300, -700, 500, -2000, -100, 3000}, torch::kInt16).view({2, 1, 3});
}

TEST(WindowCutTest, MapsEachWindowAndKeepsASlicesWindowsTogether) {
  WindowCutOptions options = PaperWindows();
  options.channel_mean = {0, 0.5F, 0};
  options.channel_deviation = {1, 1, 2};
  WindowCut windows(options);
  const torch::Tensor images = windows(Hu());
  ASSERT_EQ(images.sizes(), (torch::IntArrayRef{6, 3, 1, 3}));
  // (hu - (centre - 600)) / 1200, clamped, by slice and then by centre.
  const torch::Tensor grey = torch::tensor({0.F, .5F, 1.F,        // -700
                                            0.F, 5 / 12.F, 1.F,   // -600
                                            0.F, 4 / 12.F, 1.F,   // -500
                                            0.F, 1.F, 1.F,        // second slice
                                            0.F, 11 / 12.F, 1.F,  //
                                            0.F, 10 / 12.F, 1.F})
                                 .view({6, 1, 3});
  EXPECT_TRUE(torch::allclose(images.select(1, 0), grey, 0, 1e-6));
  EXPECT_TRUE(torch::allclose(images.select(1, 1), grey - 0.5, 0, 1e-6));
  EXPECT_TRUE(torch::allclose(images.select(1, 2), grey / 2, 0, 1e-6));
}

TEST(WindowCutTest, CutsOneWindowOfItsOwnForEachSlice) {
  WindowCut windows(PaperWindows());
  const torch::Tensor all = windows(Hu());
  const torch::Tensor some = windows->CutAt(Hu(), torch::tensor({-500.F, -700.F}));
  EXPECT_TRUE(torch::allclose(some[0], all[2]));
  EXPECT_TRUE(torch::allclose(some[1], all[3]));
}

TEST(WindowCutTest, RefusesOptionsOutOfRange) {
  EXPECT_THAT(Validate(PaperWindows()), IsOk());
  WindowCutOptions options = PaperWindows();
  options.width_hu = 0;
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("window width")));
  options = PaperWindows();
  options.centres_hu.clear();
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("window centres")));
  options = PaperWindows();
  options.channel_deviation[1] = 0;
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deviation")));
}

}  // namespace
}  // namespace m3lung
