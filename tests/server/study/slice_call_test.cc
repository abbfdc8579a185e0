// SPDX-License-Identifier: Apache-2.0
#include "server/study/slice_call.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/call_error.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/inline_executor.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/manual_executor.h"

namespace m3lung {
namespace {

using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::FakeModel;
using ::m3lung::testing::InlineExecutor;
using ::m3lung::testing::MakeFakeModel;
using ::m3lung::testing::ManualClock;
using ::m3lung::testing::ManualExecutor;
using ::m3lung::testing::Words;
using ::testing::HasSubstr;

constexpr int kSliceBytes = 32;               // bytes of 4 x 4 pixels
constexpr int kFullMapBytes = 2 * 4 * 4 * 4;  // as floats, twice

// Frames of 2 x 2 pixels, each at a place of its own.
std::string Enhanced(int frames) {
  std::vector<DicomBuilder> groups;
  std::string pixels;
  for (int i = 0; i < frames; ++i) {
    groups.push_back(DicomBuilder().Clear().SetItems(
        0x00209113, {DicomBuilder().Clear().Set(0x00200032, "DS", absl::StrCat("0\\0\\", i))}));
    pixels += Words({0, 0, 0, 0});
  }
  return DicomBuilder()
      .Set(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2.1")
      .Set(0x00280008, "IS", absl::StrCat(frames))
      .Set(0x00280010, "US", Words({2}))
      .Set(0x00280011, "US", Words({2}))
      .Remove(0x00200032)
      .SetItems(0x52009230, groups)
      .Set(0x7fe00010, "OW", pixels)
      .Build();
}

v1::AnalyzeSliceRequest HuRequest(int side = 4) {
  v1::AnalyzeSliceRequest request;
  v1::HuSlice& slice = *request.mutable_hu_slice();
  slice.set_rows(side);
  slice.set_columns(side);
  slice.set_row_spacing_mm(1);
  slice.set_column_spacing_mm(1);
  slice.set_hu(std::string(size_t(2) * side * side, '\0'));
  return request;
}

class SliceCallTest : public ::testing::Test {
 protected:
  SliceCallTest() {
    models_.Add(fake_.model);
    limits_.set_image_side(64);
  }
  ~SliceCallTest() override {
    fake_.runner->Hold(false);
    fake_.model->batcher->Stop();
    call_.reset();
    while (executor_.queued() > 0) executor_.RunFirst();
    EXPECT_EQ(budget_.taken(), 0);
  }

  void Begin(v1::AnalyzeSliceRequest request) {
    environment_ =
        std::make_unique<SessionEnvironment>(SessionEnvironment{.models = models_,
                                                                .pool = executor_,
                                                                .answering = answering_,
                                                                .metrics = metrics_,
                                                                .clock = clock_,
                                                                .limits = limits_,
                                                                .admission = admission_});
    call_ = SliceCall::Create(*environment_, 1, absl::InfiniteFuture(), std::move(request),
                              [this](const absl::Status& error, v1::SliceResult result) {
                                absl::MutexLock lock(&mu_);
                                ++ends_;
                                error_ = error;
                                result_ = std::move(result);
                              });
    call_->Start();
  }
  bool ended() {
    absl::MutexLock lock(&mu_);
    return ends_ > 0;
  }
  absl::Status WaitForEnd() {
    absl::MutexLock lock(&mu_);
    const auto ended = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ends_ > 0; };
    mu_.Await(absl::Condition(&ended));
    EXPECT_EQ(ends_, 1);
    return error_;
  }
  void ExpectError(absl::StatusCode code, v1::ErrorReason reason, const std::string& message) {
    const absl::Status error = WaitForEnd();
    EXPECT_EQ(error.code(), code) << error;
    EXPECT_EQ(ErrorReasonOf(error), reason) << v1::ErrorReason_Name(ErrorReasonOf(error));
    EXPECT_THAT(std::string(error.message()), HasSubstr(message));
  }

  const FakeModel fake_ = MakeFakeModel();
  ModelRegistry models_;
  ManualExecutor executor_;
  InlineExecutor answering_;
  ServerMetrics metrics_;
  ManualClock clock_;
  server::Limits limits_;
  MemoryBudget budget_{4 << 20};
  Admission admission_{limits_, budget_};
  std::unique_ptr<SessionEnvironment> environment_;
  absl::Mutex mu_;
  int ends_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  v1::SliceResult result_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<SliceCall> call_;
};

TEST_F(SliceCallTest, AnswersASlice) {
  Begin(HuRequest());
  EXPECT_EQ(budget_.taken(), kSliceBytes);
  executor_.RunFirst();
  EXPECT_TRUE(WaitForEnd().ok());
  absl::MutexLock lock(&mu_);
  EXPECT_TRUE(result_.scored());
  EXPECT_TRUE(result_.has_index());
  EXPECT_EQ(result_.index(), 0);
  EXPECT_EQ(result_.label(), v1::HEALTHY);
}

TEST_F(SliceCallTest, RefusesSeveralFramesBeforeTheyAreDecoded) {
  v1::AnalyzeSliceRequest request;
  request.set_dicom(Enhanced(3));
  // Room for the file alone: their pixels would not fit.
  const auto bytes = static_cast<int64_t>(request.dicom().size());
  ASSERT_TRUE(budget_.Take(budget_.bytes() - bytes));
  Begin(std::move(request));
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInvalidArgument, v1::SLICE_UNUSABLE,
              "holds 3 frames; send it to AnalyzeStudy");
  budget_.Give(budget_.bytes() - bytes);
}

TEST_F(SliceCallTest, ASliceBeyondTheLimitsIsUnusableNotALackOfRoom) {
  v1::AnalyzeSliceRequest request;
  request.set_dicom(Enhanced(3));
  limits_.set_frames_per_instance(2);
  Begin(std::move(request));
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInvalidArgument, v1::SLICE_UNUSABLE, "the limit is 2");
}

TEST_F(SliceCallTest, AHuSliceBeyondTheLimitsIsUnusable) {
  Begin(HuRequest(/*side=*/65));
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInvalidArgument, v1::SLICE_UNUSABLE, "from 1 to 64");
}

TEST_F(SliceCallTest, IsRefusedWhereTheServerHasNoRoomForItsBytes) {
  ASSERT_TRUE(budget_.Take(budget_.bytes() - kSliceBytes + 1));
  Begin(HuRequest());
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  EXPECT_GT(RetryAfterOf(WaitForEnd()), absl::ZeroDuration());
  budget_.Give(budget_.bytes() - kSliceBytes + 1);
}

TEST_F(SliceCallTest, IsRefusedWhereTheServerHasNoRoomForItsPixels) {
  ASSERT_TRUE(budget_.Take(budget_.bytes() - 2 * kSliceBytes + 1));
  Begin(HuRequest());
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "send it again later");
  EXPECT_EQ(budget_.taken(), budget_.bytes() - 2 * kSliceBytes + 1);
  budget_.Give(budget_.bytes() - 2 * kSliceBytes + 1);
}

TEST_F(SliceCallTest, AMapOfFullSizeIsHeldUntilTheCallDies) {
  v1::AnalyzeSliceRequest request = HuRequest();
  request.set_lesion_maps(v1::FULL_SIZE);
  Begin(std::move(request));
  executor_.RunFirst();
  EXPECT_TRUE(WaitForEnd().ok());
  EXPECT_EQ(budget_.taken(), kFullMapBytes);
}

TEST_F(SliceCallTest, ACancelledCallEndsAtOnceWhereverItStands) {
  Begin(HuRequest());
  call_->OnCancel();  // waiting for the pool
  EXPECT_EQ(WaitForEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(budget_.taken(), 0);
  executor_.RunFirst();
  EXPECT_TRUE(fake_.runner->batches().empty());
}

TEST_F(SliceCallTest, ACallInABatchEndsAtOnceWhenTheServerStops) {
  fake_.runner->Hold(true);
  OpenSliceCalls calls;
  Begin(HuRequest());
  calls.Add(call_);
  executor_.RunFirst();
  fake_.runner->WaitForBatches(1);
  calls.EndAll(CallError(absl::UnavailableError("the server is stopping"), v1::NOT_READY));
  ExpectError(absl::StatusCode::kUnavailable, v1::NOT_READY, "stopping");
  EXPECT_EQ(budget_.taken(), 0);
  fake_.runner->Hold(false);
}

TEST_F(SliceCallTest, ANetworkThatThrowsEndsTheCall) {
  fake_.runner->Throw(true);
  Begin(HuRequest());
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInternal, v1::MODEL_FAILED, "slice network");
}

TEST_F(SliceCallTest, AnEmptyRequestAndAnUnknownModelAreRefused) {
  Begin({});
  ExpectError(absl::StatusCode::kInvalidArgument, v1::EMPTY_REQUEST, "must hold");
}

}  // namespace
}  // namespace m3lung
