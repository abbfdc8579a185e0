// SPDX-License-Identifier: Apache-2.0
#include "server/study/instance_decoder.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "preprocess/skip_reason.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::ManualClock;
using ::m3lung::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kHuBytes = 2 * 4 * 4;  // bytes of 4 x 4 pixels

ReceivedInstance HuInstance() {
  ReceivedInstance instance;
  instance.number = 3;
  v1::HuSlice& slice = instance.hu_slice.emplace();
  slice.set_sop_instance_uid("1.2.3");
  slice.set_rows(4);
  slice.set_columns(4);
  slice.set_row_spacing_mm(1);
  slice.set_column_spacing_mm(1);
  slice.set_hu(std::string(kHuBytes, '\0'));
  return instance;
}

class InstanceDecoderTest : public ::testing::Test {
 protected:
  absl::StatusOr<InstanceSlices> Decode(const ReceivedInstance& instance,
                                        std::optional<int> paper_input_size = std::nullopt) {
    return DecodeReceived(instance, limits_, paper_input_size, clock_,
                          [this](const MemoryNeed& need) {
                            asked_.push_back(need.bytes);
                            frames_ += need.frames;
                            clock_.Advance(absl::Seconds(1));
                            return answer_;
                          });
  }

  server::Limits limits_;
  ManualClock clock_;
  absl::Status answer_;
  std::vector<int64_t> asked_;
  int frames_ = 0;
};

TEST_F(InstanceDecoderTest, ASliceIsDecodedWhenItsMemoryIsAdmitted) {
  const auto decoded = Decode(HuInstance());
  ASSERT_THAT(decoded, IsOk());
  ASSERT_THAT(decoded->slices, IsOk());
  ASSERT_EQ(decoded->slices->size(), 1);
  EXPECT_EQ(decoded->slices->front().summary.instance, 3);
  EXPECT_TRUE(decoded->slices->front().input.empty());
  EXPECT_EQ(decoded->header.sop_instance_uid, "1.2.3");
  EXPECT_THAT(asked_, ElementsAre(kHuBytes));
  EXPECT_EQ(frames_, 1);
  EXPECT_EQ(decoded->bytes(), kHuBytes);
  EXPECT_EQ(decoded->coarse_bytes(), 2 * 2 * 2);
  EXPECT_EQ(decoded->decode_time, absl::Seconds(1));
  EXPECT_EQ(decoded->crop_time, absl::ZeroDuration());
}

TEST_F(InstanceDecoderTest, ByThePapersBoxEachSliceIsMadeTheNetworksInput) {
  const auto decoded = Decode(HuInstance(), /*paper_input_size=*/8);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->slices->front().input.size(), 8 * 8);
  EXPECT_EQ(decoded->bytes(), 2 * 8 * 8);  // The pixels as stored are gone.
}

TEST_F(InstanceDecoderTest, ARefusalIsReturnedAsItIs) {
  answer_ = absl::ResourceExhaustedError("no room");
  EXPECT_THAT(Decode(HuInstance()), StatusIs(absl::StatusCode::kResourceExhausted, "no room"));
}

TEST_F(InstanceDecoderTest, WhatIsNoDicomFileIsSkippedAndTakesNothing) {
  ReceivedInstance junk;
  junk.dicom = "junk";
  const auto decoded = Decode(junk, 8);
  ASSERT_THAT(decoded, IsOk());
  ASSERT_FALSE(decoded->slices.ok());
  EXPECT_EQ(SkipReasonOf(decoded->slices.status()), SkipReason::kNotDicom);
  EXPECT_EQ(decoded->bytes(), 0);
  EXPECT_EQ(decoded->coarse_bytes(), 0);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(InstanceDecoderTest, WhatWasTooLargeIsSkippedAndSaysTheLimit) {
  limits_.set_instance_bytes(77);
  ReceivedInstance large;
  large.too_large = true;
  const auto decoded = Decode(large);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(SkipReasonOf(decoded->slices.status()), SkipReason::kTooLarge);
  EXPECT_THAT(std::string(decoded->slices.status().message()), HasSubstr("more than 77 bytes"));
  EXPECT_THAT(asked_, IsEmpty());
}

}  // namespace
}  // namespace m3lung
