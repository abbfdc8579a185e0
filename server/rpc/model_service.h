// SPDX-License-Identifier: Apache-2.0
// ModelService: which models the server answers with.
#ifndef M3LUNG_SERVER_RPC_MODEL_SERVICE_H_
#define M3LUNG_SERVER_RPC_MODEL_SERVICE_H_

#include "base/clock.h"
#include "m3lung/v1/model.grpc.pb.h"
#include "server/ops/metrics.h"
#include "server/ops/model_registry.h"

namespace m3lung {

// Thread safety: all methods may be called from any thread.
// REQUIRES: registry, metrics and clock outlive the service.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  ModelService(const ModelRegistry& models, ServerMetrics& metrics, Clock& clock)
      : models_(models), metrics_(metrics), clock_(clock) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;

 private:
  const ModelRegistry& models_;
  ServerMetrics& metrics_;
  Clock& clock_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_RPC_MODEL_SERVICE_H_
