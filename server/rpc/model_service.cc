// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/model_service.h"

#include "server/call_error.h"
#include "server/conversions.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/study_reactor.h"

namespace m3lung {

grpc::ServerUnaryReactor* ModelService::ListModels(grpc::CallbackServerContext* context,
                                                   const v1::ListModelsRequest*,
                                                   v1::ListModelsResponse* response) {
  const absl::Time started = clock_.Now();
  for (v1::Model& model : models_.List()) *response->add_models() = std::move(model);
  metrics_.CallEnded("ListModels", "OK", clock_.Now() - started);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context,
                                                 const v1::GetModelRequest* request,
                                                 v1::GetModelResponse* response) {
  const absl::Time started = clock_.Now();
  const absl::StatusOr<std::shared_ptr<ServedModel>> found =
      models_.Find(request->name(), request->version());
  if (found.ok()) {
    const absl::StatusOr<std::shared_ptr<ServedModel>> standard = models_.Find("", "");
    *response->mutable_model() = DescribeModel(**found, standard.ok() && *standard == *found);
  }
  metrics_.CallEnded("GetModel", CodeName(found.status().code()), clock_.Now() - started);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(
      found.ok() ? absl::OkStatus() : CallError(found.status(), v1::MODEL_UNKNOWN), *context));
  return reactor;
}

}  // namespace m3lung
