// SPDX-License-Identifier: Apache-2.0
#include "server/options.h"

#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "server/config.h"

namespace m3lung {
namespace {

constexpr int kUsedWrongly = 2;

constexpr char kDescription[] =
    "m3lungd screens chest CT studies for pneumonia over gRPC. Research use only.\n"
    "Without options it serves the bundles in models/ on this machine alone.";
constexpr char kFooter[] =
    "Every key of the configuration file, with its unit, default and range, stands in\n"
    "server/config.proto. A flag wins over the file.\n\n"
    "Example: m3lungd --config=m3lungd.textproto --listen=0.0.0.0:50051\n\n"
    "Exit codes: 0 stopped on request, 1 could not start or failed, 2 used wrongly\n"
    "(also an unknown key or a bad value in the file).";

}  // namespace

std::variant<server::ServerConfig, ExitCode> ParseCommandLine(int argc, char** argv) {
  const server::ServerConfig defaults;
  std::string file, listen, metrics_listen, models, device;
  CLI::App app(kDescription, "m3lungd");
  app.footer(kFooter);
  app.add_option("--config", file, "Configuration file (protobuf text format)")->type_name("FILE");
  app.add_option("--listen", listen, "Address of the API, default " + defaults.listen())
      ->type_name("ADDR");
  app.add_option("--metrics_listen", metrics_listen,
                 "Address of /metrics, default " + defaults.metrics_listen())
      ->type_name("ADDR");
  app.add_option("--models", models, "Folder of the model bundles, default " + defaults.models())
      ->type_name("DIR");
  app.add_option("--device", device,
                 "cpu, cuda, cuda:N, or several with commas between, default " + defaults.device())
      ->type_name("DEVICE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitCode{app.exit(error) == 0 ? 0 : kUsedWrongly};
  }

  server::ServerConfig config;
  if (app.count("--config") > 0) {
    absl::StatusOr<server::ServerConfig> read = ReadConfig(file);
    if (!read.ok()) {
      std::cerr << "m3lungd: " << read.status().message() << "\n";
      return ExitCode{kUsedWrongly};
    }
    config = *std::move(read);
  }
  if (app.count("--listen") > 0) config.set_listen(listen);
  if (app.count("--metrics_listen") > 0) config.set_metrics_listen(metrics_listen);
  if (app.count("--models") > 0) config.set_models(models);
  if (app.count("--device") > 0) config.set_device(device);
  if (const absl::Status status = ValidateConfig(config); !status.ok()) {
    std::cerr << "m3lungd: " << status.message() << "\n";
    return ExitCode{kUsedWrongly};
  }
  return config;
}

}  // namespace m3lung
