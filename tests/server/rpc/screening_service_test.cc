// SPDX-License-Identifier: Apache-2.0
// Single slices over gRPC.
#include "server/rpc/screening_service.h"

#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "server/rpc/grpc_status.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeContext;
using ::m3lung::testing::PlainSlice;
using ::m3lung::testing::RpcTest;
using ::m3lung::testing::Trailer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScreeningServiceTest : public RpcTest {
 protected:
  struct Answer {
    grpc::Status status;
    std::string reason;
    std::string retry_after_ms;
    v1::SliceResult result;
  };

  Answer Analyze(const v1::AnalyzeSliceRequest& request,
                 absl::Duration deadline = testing::kPatience) {
    const auto context = MakeContext(deadline);
    Answer answer;
    answer.status = screening_stub_->AnalyzeSlice(context.get(), request, &answer.result);
    answer.reason = Trailer(*context, kReasonMetadata);
    answer.retry_after_ms = Trailer(*context, kRetryMetadata);
    return answer;
  }
  static v1::AnalyzeSliceRequest Request(int16_t pixel) {
    v1::AnalyzeSliceRequest request;
    *request.mutable_hu_slice() = PlainSlice(pixel, /*position_mm=*/12);
    request.mutable_hu_slice()->set_sop_instance_uid("1.2");
    return request;
  }
  void ExpectRefusal(const v1::AnalyzeSliceRequest& request, grpc::StatusCode code,
                     const std::string& reason, const std::string& message) {
    const Answer answer = Analyze(request);
    EXPECT_EQ(answer.status.error_code(), code) << answer.status.error_message();
    EXPECT_EQ(answer.reason, reason);
    EXPECT_THAT(answer.status.error_message(), HasSubstr(message));
  }
};

TEST_F(ScreeningServiceTest, AnswersOneSlice) {
  Start();
  v1::AnalyzeSliceRequest request = Request(3);
  request.set_lesion_maps(v1::FULL_SIZE);
  const Answer answer = Analyze(request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.reason, "");
  EXPECT_EQ(answer.result.label(), v1::CAP);
  EXPECT_TRUE(answer.result.scored());
  EXPECT_TRUE(answer.result.has_index());
  EXPECT_EQ(answer.result.index(), 0);
  EXPECT_EQ(answer.result.sop_instance_uid(), "1.2");
  EXPECT_EQ(answer.result.position_mm(), 12);
  EXPECT_FLOAT_EQ(answer.result.lesion_probability(), 0.03F);
  EXPECT_EQ(answer.result.lesion_map().rows(), 4);
  EXPECT_EQ(answer.result.model().notice(), "made of nothing");
  ExpectNothingIsLeft();
  EXPECT_EQ(Sample("m3lung_calls_total", {"OK", "AnalyzeSlice"}) +
                Sample("m3lung_calls_total", {"AnalyzeSlice", "OK"}),
            1);
  EXPECT_EQ(Sample("m3lung_slices_scored_total", {"CAP"}), 1);
}

TEST_F(ScreeningServiceTest, RefusesWhatItCannotUseWithItsReason) {
  Start();
  using Code = grpc::StatusCode;
  ExpectRefusal({}, Code::INVALID_ARGUMENT, "EMPTY_REQUEST", "must hold dicom or hu_slice");
  v1::AnalyzeSliceRequest request;
  request.set_dicom("no DICOM file");
  ExpectRefusal(request, Code::INVALID_ARGUMENT, "SLICE_UNUSABLE", "");
  request = Request(1);
  request.mutable_hu_slice()->mutable_hu()->pop_back();
  ExpectRefusal(request, Code::INVALID_ARGUMENT, "SLICE_UNUSABLE", "hu has 31");
  request = Request(1);
  request.mutable_hu_slice()->set_column_spacing_mm(0);
  ExpectRefusal(request, Code::INVALID_ARGUMENT, "SLICE_UNUSABLE", "column_spacing_mm");
  request = Request(1);
  request.set_model_name("unknown");
  ExpectRefusal(request, Code::NOT_FOUND, "MODEL_UNKNOWN", "loaded: fake");
  request = Request(1);
  request.set_model_version("99");
  ExpectRefusal(request, Code::NOT_FOUND, "MODEL_UNKNOWN",
                "the default model does not have this version");
  EXPECT_TRUE(runner_->batches().empty());
  ExpectNothingIsLeft();
}

TEST_F(ScreeningServiceTest, RefusesWhileItDoesNotServe) {
  Start();
  admission_.SetServing(false);
  ExpectRefusal(Request(1), grpc::StatusCode::UNAVAILABLE, "NOT_READY", "");
  admission_.SetServing(true);
  EXPECT_TRUE(Analyze(Request(1)).status.ok());
  fake_.model->batcher->Stop();
  ExpectRefusal(Request(1), grpc::StatusCode::UNAVAILABLE, "NOT_READY", "stopping");
  ExpectNothingIsLeft();
}

TEST_F(ScreeningServiceTest, OneSliceTooManyIsToldWhenToTryAgain) {
  limits_.set_open_slices(1);
  Start();
  ASSERT_TRUE(admission_.OpenSlice().ok());  // another call
  const Answer refused = Analyze(Request(1));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "TOO_MANY_STUDIES");
  int milliseconds = 0;
  ASSERT_TRUE(absl::SimpleAtoi(refused.retry_after_ms, &milliseconds));
  EXPECT_GT(milliseconds, 0);
  admission_.CloseSlice();
  // Each call gives its own place back, and no other.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Analyze(Request(1)).status.ok());
    ExpectNothingIsLeft();
  }
}

TEST_F(ScreeningServiceTest, TellsAFailedDeviceFromAFailedNetwork) {
  Start();
  runner_->FailWith(absl::InternalError("not finite"));
  ExpectRefusal(Request(1), grpc::StatusCode::INTERNAL, "MODEL_FAILED", "not finite");
  runner_->FailDevice(absl::UnavailableError("fell off the bus"));
  ExpectRefusal(Request(1), grpc::StatusCode::UNAVAILABLE, "DEVICE_FAILED", "device");
  ExpectNothingIsLeft();
}

TEST_F(ScreeningServiceTest, ASliceIsNotScoredAfterItsDeadline) {
  Start();
  runner_->Hold(true);
  const auto study = Open();
  ASSERT_TRUE(study->SendHeader());
  ASSERT_TRUE(study->SendSlice(1, 1));
  runner_->WaitForBatches(1);
  const Answer answer = Analyze(Request(2), absl::Milliseconds(100));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  runner_->Hold(false);
  ASSERT_TRUE(study->HalfClose());
  study->ReadAll();
  EXPECT_TRUE(study->Finish().ok());
  ExpectNothingIsLeft();
  EXPECT_THAT(runner_->batches(), ElementsAre(ElementsAre(1)));
}

}  // namespace
}  // namespace m3lung
