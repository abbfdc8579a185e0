// SPDX-License-Identifier: Apache-2.0
// m3lung-train cohort: a data set of synthetic studies with their truth.
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "base/machine.h"
#include "base/status_macros.h"
#include "training/cohort/cohort_writer.h"
#include "training/commands/commands.h"
#include "training/progress.h"

namespace m3lung {
namespace {

constexpr int kMostStudies = 9999;

struct Arguments {
  std::string out;
  CohortOptions cohort;
};

absl::Status Cohort(const Arguments& arguments) {
  CohortOptions options = arguments.cohort;
  options.threads = UsableProcessors();
  if (options.size.on_each_background > 0 && options.backgrounds.empty()) {
    return absl::InvalidArgumentError("--background-studies needs a --background to lay them in");
  }
  std::optional<Progress> progress;
  CohortObserver observer;
  observer.started = [&](int total, int done) {
    progress.emplace("cohort", "studies", total);
    progress->Skip(done);
  };
  observer.finished_one = [&] { progress->Advance(); };
  const absl::Status status = WriteCohort(options, arguments.out, observer);
  progress.reset();  // ends its line
  M3L_RETURN_IF_ERROR(status);
  std::cout << "wrote " << (std::filesystem::path(arguments.out) / "dataset.csv").string() << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddCohortCommand(CLI::App& app, Command* chosen) {
  auto arguments = std::make_shared<Arguments>();
  CohortOptions& options = arguments->cohort;
  CLI::App* cohort =
      app.add_subcommand("cohort", "Writes a data set of synthetic chest CT studies");
  cohort->add_option("--out", arguments->out, "Folder of the data set: OUT/dataset.csv, ...")
      ->required();
  const auto count = [&](const char* name, int& value, const char* what) {
    cohort->add_option(name, value, what)
        ->check(CLI::Range(0, kMostStudies))
        ->capture_default_str();
  };
  count("--train", options.size.train, "Phantoms of each class to train with");
  count("--validation", options.size.validation, "Phantoms of each class to calibrate with");
  count("--test", options.size.test, "Phantoms of each class to test with");
  cohort
      ->add_option("--background", options.backgrounds,
                   "Folder of one real healthy study to lay lesions in; may be given again")
      ->check(CLI::ExistingDirectory);
  count("--background-studies", options.size.on_each_background,
        "Studies of each class on each background, to train with");
  cohort->add_option("--seed", options.seed, "Equal seeds give equal data sets")
      ->capture_default_str();
  cohort->add_option("--slices", options.slices, "Slices of a phantom; 0: drawn for each")
      ->check(CLI::Range(0, 2000))
      ->capture_default_str();
  cohort->add_option("--size", options.image_size, "Rows and columns of a slice")
      ->check(CLI::Range(64, 2048))
      ->capture_default_str();
  cohort->footer(
      "A run that was stopped goes on where it was, given the same options.\n"
      "Example: m3lung-train cohort --out=data --seed=7\n"
      "Exit code: 0 written, 1 failed, 2 used wrongly.");
  cohort->callback([arguments, chosen] { *chosen = [arguments] { return Cohort(*arguments); }; });
}

}  // namespace m3lung
