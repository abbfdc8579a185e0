// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/body_mask.h"

#include <cmath>

#include "gtest/gtest.h"
#include "preprocess/hu_slice.h"

namespace m3lung {
namespace {

constexpr int kFieldSide = 40, kBodyLayers = 6;
constexpr int16_t kRoomHu = -1000, kSoftHu = 40, kInflatedHu = -850, kGasHu = -995;

VoxelGrid Grid() {
  VoxelGrid grid;
  grid.columns = grid.rows = kFieldSide;
  grid.column_mm = grid.row_mm = 4;
  for (int layer = 0; layer < kBodyLayers; ++layer) {
    grid.depth_mm.push_back(6.0 * layer);
    grid.thickness_mm.push_back(6);
    grid.joins_next.push_back(layer + 1 < kBodyLayers);
  }
  return grid;
}

double FromMiddle(int row, int column, double middle_row = 19.5, double middle_column = 19.5) {
  return std::hypot(row - middle_row, column - middle_column);
}

size_t At(int row, int column, int layer = 2) {
  return (static_cast<size_t>(layer) * kFieldSide + row) * kFieldSide + column;
}

// A round body in a round field of view, with a lung and a stomach full of gas.
VoxelHu RoundBody() {
  VoxelHu hu(size_t{kFieldSide} * kFieldSide * kBodyLayers, kRoomHu);
  for (int layer = 0; layer < kBodyLayers; ++layer) {
    for (int row = 0; row < kFieldSide; ++row) {
      for (int column = 0; column < kFieldSide; ++column) {
        int16_t& value = hu[At(row, column, layer)];
        if (FromMiddle(row, column) > 19) value = kAirHu;  // outside the field of view
        if (FromMiddle(row, column) < 15) value = kSoftHu;
        if (FromMiddle(row, column, 19, 12) < 4) value = kInflatedHu;
        if (FromMiddle(row, column, 24, 26) < 3) value = kGasHu;
      }
    }
  }
  return hu;
}

TEST(FindBodyTest, EnclosesLungAndGasAndNotTheRoom) {
  const Body body = FindBody(Grid(), RoundBody());
  EXPECT_TRUE(body.enclosed[At(19, 12)]) << "lung";
  EXPECT_TRUE(body.enclosed[At(24, 26)]) << "gas, as thin as the room's air";
  EXPECT_TRUE(body.enclosed[At(10, 20)]) << "tissue";
  EXPECT_FALSE(body.enclosed[At(19, 1)]) << "air of the room";
  EXPECT_FALSE(body.enclosed[At(1, 19)]) << "air of the room, in front";
  EXPECT_FALSE(body.enclosed[At(0, 0)]) << "outside the field of view";
  EXPECT_TRUE(body.thick[At(10, 20)]);
  EXPECT_FALSE(body.thick[At(19, 12)]);
}

TEST(FindBodyTest, ThinShellsAreNoBody) {
  VoxelHu hu = RoundBody();
  for (int layer = 0; layer < kBodyLayers; ++layer) {
    for (int column = 8; column < 32; ++column) hu[At(37, column, layer)] = kSoftHu;  // a table
  }
  const Body body = FindBody(Grid(), hu);
  EXPECT_FALSE(body.thick[At(37, 20)]);
  EXPECT_TRUE(body.enclosed[At(37, 20)]) << "tissue all the same";
  EXPECT_TRUE(body.thick[At(30, 20)]);
}

TEST(FindBodyTest, AirAloneIsNoBody) {
  const Body body =
      FindBody(Grid(), VoxelHu(size_t{kFieldSide} * kFieldSide * kBodyLayers, kRoomHu));
  for (size_t i = 0; i < body.thick.size(); ++i) {
    ASSERT_FALSE(body.thick[i]);
    ASSERT_FALSE(body.enclosed[i]);
  }
}

}  // namespace
}  // namespace m3lung
