// SPDX-License-Identifier: Apache-2.0
// m3lung-train cohort: a data set of synthetic studies with their truth.
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.h"
#include "base/output_checks.h"
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
  // Folders of real studies, by what they are for.
  std::vector<std::string> train, validation, test;
};

absl::Status Cohort(const Arguments& arguments) {
  CohortOptions options = arguments.cohort;
  options.threads = UsableProcessors();
  const auto add = [&options](const std::vector<std::string>& folders, Split split) {
    for (const std::string& folder : folders) options.backgrounds.push_back({folder, split});
  };
  add(arguments.train, Split::kTrain);
  add(arguments.validation, Split::kValidation);
  add(arguments.test, Split::kTest);
  if (options.size.on_each_background > 0 && options.backgrounds.empty()) {
    return absl::InvalidArgumentError(
        "--background-studies needs a --background, --validation-background or --test-background "
        "to lay them in");
  }
  for (const char* folder : {"studies", "slice-labels", "truth"}) {
    M3L_RETURN_IF_ERROR(CheckOutputFolder(std::filesystem::path(arguments.out) / folder));
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
  const auto backgrounds = [&](const char* name, std::vector<std::string>& folders,
                               const char* what) {
    cohort->add_option(name, folders, what)->check(CLI::ExistingDirectory);
  };
  backgrounds("--background", arguments->train,
              "Folder of one real study without pneumonia to lay lesions in, to train with; may be "
              "given again");
  backgrounds("--validation-background", arguments->validation,
              "The same, of another patient, to calibrate with");
  backgrounds("--test-background", arguments->test, "The same, of another patient, to test with");
  count("--background-studies", options.size.on_each_background,
        "Studies of each class on each background, in its split");
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
