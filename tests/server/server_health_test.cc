// SPDX-License-Identifier: Apache-2.0
// What a server that has no models yet says of itself.
#include <grpcpp/create_channel.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/server.h"
#include "tests/server/rpc/rpc_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeContext;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

namespace health = grpc::health::v1;

class ServerHealthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.set_listen("127.0.0.1:0");
    config_.set_metrics_listen("127.0.0.1:0");
    config_.set_models(models_.path().string());
    auto started = Server::Start(config_, [] {});
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }

  health::HealthCheckResponse::ServingStatus Check(const std::string& service) {
    const auto context = MakeContext();
    health::HealthCheckRequest request;
    request.set_service(service);
    health::HealthCheckResponse response;
    const grpc::Status status =
        health::Health::NewStub(channel_)->Check(context.get(), request, &response);
    return status.ok() ? response.status() : health::HealthCheckResponse::UNKNOWN;
  }

  const testing::TemporaryFolder models_;
  server::ServerConfig config_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(ServerHealthTest, IsAliveAndNotReadyBeforeItsModelsAreLoaded) {
  EXPECT_EQ(Check(kLivenessService), health::HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(kReadinessService), health::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(""), health::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("other"), health::HealthCheckResponse::UNKNOWN);

  const auto stub = v1::ScreeningService::NewStub(channel_);
  testing::StudyCall call(*stub, testing::kPatience);
  EXPECT_TRUE(call.ReadAll().empty());
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(call.reason(), "NOT_READY");
}

TEST_F(ServerHealthTest, IsStillNotReadyWhereItFindsNoModels) {
  EXPECT_THAT(server_->LoadModels({}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no model bundle")));
  EXPECT_EQ(Check(kLivenessService), health::HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(kReadinessService), health::HealthCheckResponse::NOT_SERVING);
}

TEST_F(ServerHealthTest, AnswersNobodyAfterItsStop) {
  server_->Stop();
  EXPECT_EQ(Check(kLivenessService), health::HealthCheckResponse::UNKNOWN);
}

TEST_F(ServerHealthTest, ASecondServerDoesNotGetItsAddress) {
  server::ServerConfig config = config_;
  config.set_listen(server_->address());
  EXPECT_THAT(Server::Start(config, [] {}).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(server_->address())));
}

}  // namespace
}  // namespace m3lung
