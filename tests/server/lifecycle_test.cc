// SPDX-License-Identifier: Apache-2.0
// How the server lives by its signals; its networks are fakes, and the signals go to this thread
// alone.
#include "server/lifecycle.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "m3lung/v1/screening.grpc.pb.h"
#include "model/bundle/bundle_files.h"
#include "tests/testing/await.h"
#include "tests/testing/fake_runner.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

using ::m3lung::testing::AwaitThat;
using ::m3lung::testing::FakeRunner;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::Not;

class LifecycleTest : public ::testing::Test {
 protected:
  LifecycleTest() {
    server::ServerConfig config;
    config.set_listen("127.0.0.1:0");
    config.set_metrics_listen("127.0.0.1:0");
    config.set_models(models_.path().string());
    config.set_shutdown_grace_seconds(60);
    AddBundle("1");
    auto server = Server::Start(
        config, [] {}, [this](const auto& folder, const LoadOptions&) { return Load(folder); });
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  ~LifecycleTest() override {
    while (signals_.Next(absl::ZeroDuration()) != 0) {
    }
  }

  // A folder that the server takes for a bundle.
  void AddBundle(const std::string& version) {
    const auto folder = models_.path() / "fake" / version;
    std::filesystem::create_directories(folder);
    ASSERT_THAT(WriteFile(folder / kManifestFile, version), IsOk());
  }
  absl::StatusOr<std::shared_ptr<const Bundle>> Load(const std::filesystem::path& folder) {
    ++loads_;
    while_loading_();
    if (damaged_) return absl::DataLossError("slice.ts is damaged");
    auto bundle = std::make_shared<Bundle>();
    bundle->manifest.name = "fake";
    bundle->manifest.version = folder.filename().string();
    bundle->manifest.input_size = 4;
    bundle->digest = Sha256Hex(bundle->manifest.version);
    bundle->device = "cpu";
    bundle->batch_durations = {absl::ZeroDuration()};
    auto runner = std::make_unique<FakeRunner>();
    runner_ = runner.get();
    bundle->runner = std::move(runner);
    return bundle;
  }
  void Send(int signal) const { pthread_kill(thread_, signal); }

  v1::AnalyzeSliceRequest Slice() const {
    v1::AnalyzeSliceRequest request;
    v1::HuSlice& slice = *request.mutable_hu_slice();
    slice.set_rows(4);
    slice.set_columns(4);
    slice.set_row_spacing_mm(1);
    slice.set_column_spacing_mm(1);
    slice.set_hu(std::string(32, '\0'));
    return request;
  }
  grpc::Status Analyze(std::chrono::milliseconds patience = std::chrono::minutes(1)) const {
    const auto stub = v1::ScreeningService::NewStub(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    v1::SliceResult result;
    return stub->AnalyzeSlice(&context, Slice(), &result);
  }
  void AwaitReady() const {
    AwaitThat([this] { return Analyze().ok(); }, "the server to be ready");
  }

  // The exit code of a server that another thread treats like this; said_ is what it says then.
  int Serve(std::function<void()> treat = [] {}) {
    ::testing::internal::CaptureStdout();
    int exit_code = -1;
    {
      const std::jthread other([&] {
        try {
          treat();
        } catch (const std::exception& e) {
          ADD_FAILURE() << e.what();
          Send(SIGTERM);
        }
      });
      exit_code = ServeUntilStopped(*server_, signals_, failed_);
    }
    said_ = ::testing::internal::GetCapturedStdout();
    return exit_code;
  }

  const pthread_t thread_ = pthread_self();
  const Signals signals_;  // before any thread of the server's
  const TemporaryFolder models_;
  std::atomic<bool> failed_ = false;
  std::atomic<int> loads_ = 0;
  std::atomic<bool> damaged_ = false;
  std::function<void()> while_loading_ = [] {};
  std::atomic<FakeRunner*> runner_ = nullptr;  // of the model loaded last
  std::unique_ptr<Server> server_;
  std::string said_;  // on standard output
};

TEST_F(LifecycleTest, ServesUntilItIsAskedToStop) {
  EXPECT_EQ(Serve([this] {
              AwaitReady();
              Send(SIGTERM);
            }),
            0);
  EXPECT_THAT(said_, HasSubstr("m3lungd ready: listening on " + server_->address() +
                               ", metrics on " + server_->metrics_address()));
  EXPECT_EQ(Analyze().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(LifecycleTest, ModelsThatCannotBeLoadedEndItWithTheReason) {
  damaged_ = true;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Serve(), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("slice.ts is damaged"));
  EXPECT_THAT(said_, Not(HasSubstr("ready")));
}

TEST_F(LifecycleTest, AskedToStopWhileModelsLoadItIsNeverReady) {
  while_loading_ = [this] { Send(SIGINT); };
  EXPECT_EQ(Serve(), 0);
  EXPECT_THAT(said_, Not(HasSubstr("ready")));
}

TEST_F(LifecycleTest, AskedToItLoadsWhatIsNew) {
  EXPECT_EQ(Serve([this] {
              AwaitReady();
              AddBundle("2");
              Send(SIGHUP);
              AwaitThat([this] { return loads_ == 2; }, "the new model to be loaded");
              Send(SIGTERM);
            }),
            0);
}

TEST_F(LifecycleTest, ModelsThatCannotBeReloadedLeaveItServing) {
  EXPECT_EQ(Serve([this] {
              AwaitReady();
              damaged_ = true;
              AddBundle("2");
              for (int reload = 2; reload <= 3; ++reload) {
                Send(SIGHUP);  // The second one comes to a loader that is free again, or waits.
                AwaitThat([this, reload] { return loads_ == reload; }, "the models to be reloaded");
              }
              EXPECT_TRUE(Analyze().ok());
              Send(SIGTERM);
            }),
            0);
}

TEST_F(LifecycleTest, AFailureStopsItAndIsItsExitCode) {
  EXPECT_EQ(Serve([this] {
              AwaitReady();
              failed_ = true;
              signals_.Wake();
            }),
            1);
}

TEST_F(LifecycleTest, ASecondSignalEndsTheStudiesInFlight) {
  EXPECT_EQ(Serve([this] {
              AwaitReady();
              FakeRunner* const runner = runner_;
              runner->Hold(true);
              const size_t batches = runner->batches().size();
              grpc::Status status;
              {
                const std::jthread client([&] { status = Analyze(); });
                runner->WaitForBatches(batches + 1);
                Send(SIGTERM);
                // One that is let in all the same waits behind the batch.
                const std::chrono::milliseconds patience(100);
                AwaitThat(
                    [&] { return Analyze(patience).error_code() == grpc::StatusCode::UNAVAILABLE; },
                    "new calls to be refused");
                Send(SIGTERM);
              }  // though its batch is held, and there is a minute's grace
              EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
              runner->Hold(false);
            }),
            0);
}

}  // namespace
}  // namespace m3lung
