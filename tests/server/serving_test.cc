// SPDX-License-Identifier: Apache-2.0
// The server as a whole, on a port of the loopback, its networks fakes: how it ends, and what its
// limits say on the wire.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "m3lung/v1/screening.grpc.pb.h"
#include "model/bundle/bundle_files.h"
#include "server/server.h"
#include "tests/testing/fake_runner.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeRunner;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::testing::HasSubstr;

// Ends a test that hangs; nothing is expected to take nearly as long.
constexpr absl::Duration kHang = absl::Seconds(60);

class ServingTest : public ::testing::Test {
 protected:
  ServingTest() {
    config_.set_listen("127.0.0.1:0");
    config_.set_metrics_listen("127.0.0.1:0");
    config_.set_models(models_.path().string());
    config_.set_shutdown_grace_seconds(0);
    config_.mutable_batching()->set_max_wait_ms(0);
    AddBundle("1");
  }
  ~ServingTest() override {
    if (runner_ != nullptr && server_ != nullptr) runner_->Hold(false);
  }

  // A folder that the server takes for a bundle.
  void AddBundle(const std::string& version) {
    const auto folder = models_.path() / "fake" / version;
    std::filesystem::create_directories(folder);
    ASSERT_THAT(WriteFile(folder / kManifestFile, version), IsOk());
  }
  absl::StatusOr<std::shared_ptr<const Bundle>> Load(const std::filesystem::path& folder) {
    if (sick_) throw std::runtime_error("CUDA error: an illegal memory access");
    auto runner = std::make_unique<FakeRunner>(/*input_size=*/4, /*concurrent_batches=*/2);
    runner_ = runner.get();
    auto bundle = std::make_shared<Bundle>();
    bundle->manifest.name = "fake";
    bundle->manifest.version = folder.filename().string();
    bundle->manifest.input_size = 4;
    bundle->manifest.crop_mode = CropMode::kPaper;
    bundle->digest = Sha256Hex(bundle->manifest.version);
    bundle->device = "cpu";
    bundle->batch_durations = {absl::ZeroDuration()};
    bundle->runner = std::move(runner);
    return bundle;
  }
  void Start() {
    auto server = Server::Start(
        config_, [this] { ++failures_; },
        [this](const auto& folder, const LoadOptions&) { return Load(folder); });
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    ASSERT_THAT(server_->LoadModels({}), IsOk());
    server_->BeginServing();
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(-1);
    stub_ = v1::ScreeningService::NewStub(grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), arguments));
  }
  static v1::HuSlice Hu(int side, double position_mm = 0) {
    v1::HuSlice slice;
    slice.set_rows(side);
    slice.set_columns(side);
    slice.set_row_spacing_mm(1);
    slice.set_column_spacing_mm(1);
    slice.set_position_mm(position_mm);
    slice.set_hu(std::string(size_t(2) * side * side, '\0'));
    slice.mutable_hu()->front() = static_cast<char>(position_mm);  // no duplicate
    return slice;
  }
  grpc::Status AnalyzeSlice(int side, absl::Duration wait = kHang) {
    v1::AnalyzeSliceRequest request;
    *request.mutable_hu_slice() = Hu(side);
    v1::SliceResult result;
    grpc::ClientContext context;
    context.set_deadline(InAbout(wait));
    return stub_->AnalyzeSlice(&context, request, &result);
  }
  static std::chrono::system_clock::time_point InAbout(absl::Duration wait) {
    return absl::ToChronoTime(absl::Now() + wait);
  }

  const TemporaryFolder models_;
  server::ServerConfig config_;
  std::atomic<bool> sick_ = false;
  std::atomic<int> failures_ = 0;
  FakeRunner* runner_ = nullptr;  // of the model loaded last
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::ScreeningService::Stub> stub_;
};

TEST_F(ServingTest, BatchesWhoseDeviceFailsWhileItStopsFindAllThatTheyUse) {
  Start();
  runner_->Hold(true);
  grpc::ClientContext context;
  context.set_deadline(InAbout(kHang));
  const auto stream = stub_->AnalyzeStudy(&context);
  v1::AnalyzeStudyRequest request;
  request.mutable_header();
  ASSERT_TRUE(stream->Write(request));
  for (int i = 1; i <= 2; ++i) {
    *request.mutable_hu_slice() = Hu(4, i);
    ASSERT_TRUE(stream->Write(request));
  }
  runner_->WaitForBatches(2);  // as many as run at once
  // It stops, and dies, while both are held.
  FakeRunner* const runner = runner_;
  std::jthread stopper([this] { server_.reset(); });
  v1::AnalyzeStudyResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(failures_, 0);
  runner->FailDevice(absl::UnavailableError("fell off the bus"));
  runner->Hold(false);
  stopper.join();
  EXPECT_EQ(failures_, 2);
}

TEST_F(ServingTest, ACallForOneSliceDoesNotOutlastTheGrace) {
  Start();
  runner_->Hold(true);
  grpc::Status status;
  std::jthread client([&] { status = AnalyzeSlice(4); });
  runner_->WaitForBatches(1);
  FakeRunner* const runner = runner_;
  std::jthread stopper([this] { server_.reset(); });
  client.join();  // though its batch is held
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  runner->Hold(false);
}

TEST_F(ServingTest, AClientThatGoesAwayFreesItsPlace) {
  config_.mutable_limits()->set_open_slices(1);
  Start();
  runner_->Hold(true);
  v1::AnalyzeSliceRequest request;
  *request.mutable_hu_slice() = Hu(4);
  v1::SliceResult result;
  grpc::ClientContext context;
  context.set_deadline(InAbout(kHang));
  std::jthread client([&] {
    EXPECT_EQ(stub_->AnalyzeSlice(&context, request, &result).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  runner_->WaitForBatches(1);
  EXPECT_EQ(AnalyzeSlice(4).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  context.TryCancel();
  client.join();
  // Its place is free, though its batch is held: another call is let in, and waits for the batch.
  const absl::Time give_up = absl::Now() + kHang;
  grpc::Status status;
  do {
    status = AnalyzeSlice(4, absl::Milliseconds(200));
  } while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED && absl::Now() < give_up);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  runner_->Hold(false);
}

TEST_F(ServingTest, TheLargestImageAllowedFitsInAMessage) {
  Start();
  const grpc::Status status = AnalyzeSlice(config_.limits().image_side());
  EXPECT_TRUE(status.ok()) << status.error_message();
  const grpc::Status larger = AnalyzeSlice(config_.limits().image_side() + 1);
  EXPECT_EQ(larger.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << larger.error_message();
}

TEST_F(ServingTest, ASickDeviceRefusesTheReloadAndTheServerGoesOn) {
  Start();
  AddBundle("2");
  sick_ = true;
  EXPECT_THAT(server_->ReloadModels({}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("illegal memory access")));
  EXPECT_TRUE(AnalyzeSlice(4).ok());
  sick_ = false;
  EXPECT_THAT(server_->ReloadModels({}), IsOk());
  EXPECT_TRUE(AnalyzeSlice(4).ok());
}

}  // namespace
}  // namespace m3lung
