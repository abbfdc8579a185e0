// SPDX-License-Identifier: Apache-2.0
// ModelService over gRPC.
#include "server/rpc/model_service.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "server/rpc/grpc_status.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeContext;
using ::m3lung::testing::MakeFakeModel;
using ::m3lung::testing::RpcTest;
using ::m3lung::testing::Trailer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelServiceTest : public RpcTest {
 protected:
  ModelServiceTest() {
    for (const char* version : {"9", "10"}) {
      const std::shared_ptr<ServedModel> model = MakeFakeModel().model;
      model->reference.set_name("numbered");
      model->reference.set_version(version);
      models_.Add(model);
    }
  }
  // The version that answers, or the error's reason.
  std::string Get(const std::string& name, const std::string& version) {
    const auto context = MakeContext();
    v1::GetModelRequest request;
    request.set_name(name);
    request.set_version(version);
    v1::GetModelResponse response;
    status_ = model_stub_->GetModel(context.get(), request, &response);
    model_ = response.model();
    return status_.ok() ? model_.reference().name() + " " + model_.reference().version()
                        : Trailer(*context, kReasonMetadata);
  }

  grpc::Status status_;
  v1::Model model_;
};

TEST_F(ModelServiceTest, ListsAllAndMarksTheDefault) {
  Start();
  const auto context = MakeContext();
  v1::ListModelsResponse response;
  ASSERT_TRUE(model_stub_->ListModels(context.get(), {}, &response).ok());
  ASSERT_EQ(response.models_size(), 3);
  EXPECT_EQ(response.models(0).reference().name(), "fake");
  EXPECT_TRUE(response.models(0).is_default());
  EXPECT_EQ(response.models(1).reference().version(), "9");
  EXPECT_FALSE(response.models(1).is_default());
  EXPECT_EQ(response.models(2).reference().version(), "10");
  EXPECT_FALSE(response.models(2).is_default());
}

TEST_F(ModelServiceTest, GetsTheDefaultTheNewestOrTheOneNamed) {
  Start();
  EXPECT_EQ(Get("", ""), "fake ");
  EXPECT_TRUE(model_.is_default());
  EXPECT_EQ(Get("numbered", ""), "numbered 10");
  EXPECT_FALSE(model_.is_default());
  EXPECT_EQ(Get("numbered", "9"), "numbered 9");
  EXPECT_FALSE(model_.is_default());
}

TEST_F(ModelServiceTest, DescribesWhatTheBundleIs) {
  auto described = std::make_shared<Bundle>();
  described->manifest.input_size = 8;
  described->manifest.feature_size = 9;
  described->manifest.window_centres_hu = {-600, 40, 400};
  described->manifest.window_width_hu = 350;
  described->manifest.crop_mode = CropMode::kVolume;
  described->manifest.weights_origin = WeightsOrigin::kMixedData;
  described->manifest.training_data = "some";
  described->manifest.made_by = "somebody";
  described->device = "cpu";
  described->runs_on = "paper";
  described->runner = std::make_unique<testing::FakeRunner>(8, /*concurrent_batches=*/3);
  ServedModel model;
  model.bundle = described;
  const v1::Model message = DescribeModel(model, false);
  EXPECT_THAT(message.classes(), ElementsAre(v1::HEALTHY, v1::COVID_19, v1::H1N1, v1::CAP));
  EXPECT_EQ(message.input_size(), 8);
  EXPECT_EQ(message.feature_size(), 9);
  EXPECT_THAT(message.window_centres_hu(), ElementsAre(-600, 40, 400));
  EXPECT_EQ(message.window_width_hu(), 350);
  EXPECT_EQ(message.crop_mode(), v1::VOLUME);
  EXPECT_EQ(message.provenance().weights_origin(), v1::MIXED_DATA);
  EXPECT_EQ(message.provenance().training_data(), "some");
  EXPECT_EQ(message.provenance().made_by(), "somebody");
  EXPECT_EQ(message.device(), "cpu");
  EXPECT_EQ(message.runs_on(), "paper");
  EXPECT_EQ(message.batches_at_once(), 3);
}

TEST_F(ModelServiceTest, RefusesAnUnknownModelWithItsReason) {
  Start();
  EXPECT_EQ(Get("unknown", ""), "MODEL_UNKNOWN");
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status_.error_message(), HasSubstr("loaded: fake"));
  EXPECT_EQ(Get("numbered", "11"), "MODEL_UNKNOWN");
  EXPECT_EQ(Sample("m3lung_calls_total", {"GetModel", "NOT_FOUND"}) +
                Sample("m3lung_calls_total", {"NOT_FOUND", "GetModel"}),
            2);
}

}  // namespace
}  // namespace m3lung
