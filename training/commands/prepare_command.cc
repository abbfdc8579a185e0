// SPDX-License-Identifier: Apache-2.0
// m3lung-train prepare: studies, decoded and cropped once.
#include <iostream>
#include <memory>

#include "base/machine.h"
#include "base/status_macros.h"
#include "training/commands/commands.h"
#include "training/data/prepare.h"

namespace m3lung {
namespace {

absl::Status RunPrepare(const PrepareOptions& options) {
  if (options.input_size % 32 != 0) {
    return absl::InvalidArgumentError("--input-size must be a multiple of 32");
  }
  M3L_ASSIGN_OR_RETURN(const PrepareSummary summary, Prepare(options));
  for (const auto& [study, reason] : summary.left_out) {
    std::cout << "left out " << study << ": " << reason << "\n";
  }
  std::cout << "prepared " << summary.prepared << " studies in " << options.out.string() << " ("
            << summary.reused << " were there), left out " << summary.left_out.size() << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddPrepareCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<PrepareOptions>();
  options->threads = UsableProcessors();
  CLI::App* prepare =
      app.add_subcommand("prepare", "Decodes and crops a data set's studies for training");
  prepare->add_option("--dataset", options->dataset, "CSV file that lists the studies")->required();
  prepare->add_option("--out", options->out, "Folder for the prepared studies")->required();
  prepare
      ->add_option("--input-size", options->input_size,
                   "Side of a slice in pixels, a multiple of 32")
      ->check(CLI::Range(32, 4096))
      ->capture_default_str();
  prepare->add_option("--threads", options->threads, "Studies at a time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  prepare->footer(
      "A study that is prepared already is left as it is.\n"
      "Example: m3lung-train prepare --dataset=cohort/dataset.csv --out=prepared\n"
      "Exit code: 0 prepared (what the server would not answer is left out and named), 1 failed, "
      "2 used wrongly or the data set is wrong.");
  prepare->callback([options, chosen] { *chosen = [options] { return RunPrepare(*options); }; });
}

}  // namespace m3lung
