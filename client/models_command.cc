// SPDX-License-Identifier: Apache-2.0
// m3lung models: which models has the server loaded?
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/channel.h"
#include "client/commands.h"
#include "client/remote_status.h"
#include "client/text.h"
#include "m3lung/v1/model.grpc.pb.h"

namespace m3lung::client {
namespace {

std::string FormatModels(const v1::ListModelsResponse& models) {
  size_t name_width = 4;
  size_t version_width = 7;
  for (const v1::Model& model : models.models()) {
    name_width = std::max(name_width, model.reference().name().size());
    version_width = std::max(version_width, model.reference().version().size());
  }
  const auto row = [&](absl::string_view mark, absl::string_view name, absl::string_view version,
                       absl::string_view weights, absl::string_view crop, absl::string_view input,
                       absl::string_view runs_on) {
    return absl::StrFormat("%-2s%-*s  %-*s  %-15s  %-7s  %-6s  %s\n", mark,
                           static_cast<int>(name_width), Printable(name),
                           static_cast<int>(version_width), Printable(version), weights, crop,
                           input, Printable(runs_on));
  };
  std::string table = row("", "NAME", "VERSION", "WEIGHTS", "CROP", "INPUT", "RUNS ON");
  for (const v1::Model& model : models.models()) {
    absl::StrAppend(
        &table,
        row(model.is_default() ? "*" : "", model.reference().name(), model.reference().version(),
            v1::WeightsOrigin_Name(model.provenance().weights_origin()),
            v1::CropMode_Name(model.crop_mode()), absl::StrCat(model.input_size()),
            absl::StrCat(model.device(), ", ", model.runs_on(), ", batches at once ",
                         model.batches_at_once())));
    absl::StrAppend(&table, "    ", Wrapped(Printable(model.reference().notice()), 76, "    "),
                    "\n");
  }
  return absl::StrCat(table, "* the default\n");
}

int RunModels(const std::string& server) {
  const auto stub = v1::ModelService::NewStub(MakeChannel(server));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::ListModelsResponse models;
  const grpc::Status status = stub->ListModels(&context, v1::ListModelsRequest(), &models);
  if (!status.ok()) {
    std::cerr << "m3lung: " << ExplainFailure(FromRemote(status, context), server) << "\n";
    return kExitFailed;
  }
  std::cout << FormatModels(models);
  return kExitDone;
}

}  // namespace

void AddModelsCommand(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("models", "List the models that a server has loaded");
  const auto server = std::make_shared<std::string>(kDefaultServer);
  command->add_option("--server", *server, "Address of the server, host:port")
      ->capture_default_str();
  command->footer(
      "Exit codes: 0 listed; 1 refused or failed; 2 used wrongly.\n"
      "Example: m3lung models --server=127.0.0.1:50051");
  command->callback([server, &exit_code] { exit_code = RunModels(*server); });
}

}  // namespace m3lung::client
