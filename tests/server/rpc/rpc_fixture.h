// SPDX-License-Identifier: Apache-2.0
// The services behind a gRPC channel within the process, over a model without networks.
#ifndef M3LUNG_TESTS_SERVER_RPC_RPC_FIXTURE_H_
#define M3LUNG_TESTS_SERVER_RPC_RPC_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "base/thread_pool.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "m3lung/v1/model.grpc.pb.h"
#include "m3lung/v1/screening.grpc.pb.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/model_service.h"
#include "server/rpc/screening_service.h"
#include "tests/testing/await.h"
#include "tests/testing/fake_assembler.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/manual_clock.h"

namespace m3lung::testing {

// A slice of 4 x 4 pixels of one value.
inline v1::HuSlice PlainSlice(int16_t pixel, double position_mm = 0) {
  v1::HuSlice slice;
  slice.set_rows(4);
  slice.set_columns(4);
  slice.set_row_spacing_mm(1);
  slice.set_column_spacing_mm(1);
  slice.set_position_mm(position_mm);
  for (int i = 0; i < 16; ++i) {
    slice.mutable_hu()->push_back(static_cast<char>(pixel & 0xff));
    slice.mutable_hu()->push_back(static_cast<char>(pixel >> 8));
  }
  return slice;
}

// A call's context; a call that hangs ends with DEADLINE_EXCEEDED.
inline std::unique_ptr<grpc::ClientContext> MakeContext(absl::Duration deadline = kPatience) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  return context;
}

// What the trailing metadata hold under `key`; "" where they do not hold it.
inline std::string Trailer(const grpc::ClientContext& context, const char* key) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(key);
  return found == trailers.end() ? "" : std::string(found->second.begin(), found->second.end());
}

// The client's end of one study.
class StudyCall {
 public:
  StudyCall(v1::ScreeningService::Stub& stub, absl::Duration deadline)
      : context_(MakeContext(deadline)), stream_(stub.AnalyzeStudy(context_.get())) {}

  bool SendHeader(const v1::StudyHeader& header = {}) {
    v1::AnalyzeStudyRequest request;
    *request.mutable_header() = header;
    return stream_->Write(request);
  }
  bool SendSlice(int16_t pixel, double position_mm) {
    v1::AnalyzeStudyRequest request;
    *request.mutable_hu_slice() = PlainSlice(pixel, position_mm);
    return stream_->Write(request);
  }
  bool SendChunk(const std::string& bytes, bool last) {
    v1::AnalyzeStudyRequest request;
    request.mutable_dicom()->set_data(bytes);
    request.mutable_dicom()->set_last(last);
    return stream_->Write(request);
  }
  bool HalfClose() { return stream_->WritesDone(); }
  void Cancel() { context_->TryCancel(); }
  // The next response; nothing where the stream has ended.
  std::optional<v1::AnalyzeStudyResponse> Read() {
    v1::AnalyzeStudyResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  std::vector<v1::AnalyzeStudyResponse> ReadAll() {
    std::vector<v1::AnalyzeStudyResponse> all;
    while (auto response = Read()) all.push_back(*std::move(response));
    return all;
  }
  // REQUIRES: all has been read.
  grpc::Status Finish() { return stream_->Finish(); }
  // REQUIRES: Finish() has returned.
  std::string reason() const { return Trailer(*context_, kReasonMetadata); }
  std::string retry_after_ms() const { return Trailer(*context_, kRetryMetadata); }

 private:
  const std::unique_ptr<grpc::ClientContext> context_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>>
      stream_;
};

class RpcTest : public ::testing::Test {
 protected:
  RpcTest() {
    models_.Add(fake_.model);
    admission_.SetServing(true);
  }
  ~RpcTest() override {
    runner_->Hold(false);
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now());
      server_->Wait();
      server_.reset();
    }
    fake_.model->batcher->Stop();
    answering_.reset();  // Its work uses the service.
    pool_.reset();       // Likewise.
    screening_.reset();
    EXPECT_EQ(budget_.taken(), 0);
  }

  // Limits are to be set before.
  void Start() {
    environment_.emplace(SessionEnvironment{.models = models_,
                                            .pool = *pool_,
                                            .answering = *answering_,
                                            .metrics = metrics_,
                                            .clock = clock_,
                                            .limits = limits_,
                                            .admission = admission_,
                                            .assemble = assembler_});
    screening_ = std::make_unique<ScreeningService>(*environment_);
    grpc::ServerBuilder builder;
    builder.RegisterService(screening_.get());
    builder.RegisterService(&model_service_);
    server_ = builder.BuildAndStart();
    const std::shared_ptr<grpc::Channel> channel = server_->InProcessChannel({});
    screening_stub_ = v1::ScreeningService::NewStub(channel);
    model_stub_ = v1::ModelService::NewStub(channel);
  }

  std::unique_ptr<StudyCall> Open(absl::Duration deadline = kPatience) {
    return std::make_unique<StudyCall>(*screening_stub_, deadline);
  }

  // No study and no slice is open any more, and none holds bytes.
  void ExpectNothingIsLeft() {
    EXPECT_TRUE(admission_.AwaitIdle(Clock::Real(), Clock::Real().Now() + kPatience))
        << "a call is still open";
    EXPECT_EQ(Sample("m3lung_open_studies"), 0);
    // The thread that answered a slice may let go of it after its client has heard.
    AwaitThat([this] { return budget_.taken() == 0; }, "all bytes to be given back");
  }

  // The counter or gauge with this name, whose labels have these values in the order of their
  // names; 0 where there is none yet.
  double Sample(const std::string& name, const std::vector<std::string>& labels = {}) {
    for (const auto& family : metrics_.registry()->Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        std::vector<std::string> values;
        for (const auto& label : metric.label) values.push_back(label.value);
        if (values == labels) return metric.counter.value + metric.gauge.value;
      }
    }
    return 0;
  }

  const FakeModel fake_ = MakeFakeModel();
  FakeRunner* const runner_ = fake_.runner;
  ModelRegistry models_;
  ServerMetrics metrics_;
  // Of the studies. It starts where the machine's clock is, by which the batcher takes deadlines.
  ManualClock clock_{Clock::Real().Now()};
  server::Limits limits_;
  MemoryBudget budget_{64 << 20};
  Admission admission_{limits_, budget_};
  FakeAssembler assembler_;
  std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(2);
  std::unique_ptr<ThreadPool> answering_ = std::make_unique<ThreadPool>(1);
  std::optional<SessionEnvironment> environment_;
  std::unique_ptr<ScreeningService> screening_;
  ModelService model_service_{models_, metrics_, clock_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ScreeningService::Stub> screening_stub_;
  std::unique_ptr<v1::ModelService::Stub> model_stub_;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_SERVER_RPC_RPC_FIXTURE_H_
