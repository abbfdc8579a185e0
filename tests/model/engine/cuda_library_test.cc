// SPDX-License-Identifier: Apache-2.0
#include "model/engine/cuda_library.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(OpenDeviceTest, CpuIsAlwaysThere) {
  EXPECT_EQ(OpenDevice("cpu").value(), torch::Device(torch::kCPU));
}

TEST(OpenDeviceTest, RefusesOtherNames) {
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU"}) {
    EXPECT_THAT(OpenDevice(name),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cpu, cuda or cuda:N")))
        << name;
  }
}

TEST(OpenDeviceTest, CudaIsOpenedOrUnavailableWithAWayOut) {
  const auto device = OpenDevice("cuda");
  if (device.ok()) {
    EXPECT_EQ(*device, torch::Device(torch::kCUDA, 0));
  } else {
    EXPECT_THAT(device, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("use device cpu")));
  }
  EXPECT_THAT(OpenDevice("cuda:127"),
              StatusIs(absl::StatusCode::kUnavailable,
                       AnyOf(HasSubstr("use device cpu"), HasSubstr("no device cuda:127"))));
}

}  // namespace
}  // namespace m3lung
