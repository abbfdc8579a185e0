// SPDX-License-Identifier: Apache-2.0
// m3lung-train study: single synthetic studies as DICOM.
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"
#include "training/commands/commands.h"

namespace m3lung {
namespace {

struct StudyOptions {
  std::string out;
  std::string label = "COVID_19";
  int slices = 40;
  uint64_t seed = 1;
  int studies = 1;
};

const std::map<std::string, Label>& Labels() {
  static const auto* const labels = new std::map<std::string, Label>{
      {"HEALTHY", Label::kHealthy},
      {"COVID_19", Label::kCovid19},
      {"H1N1", Label::kH1n1},
      {"CAP", Label::kCap},
  };
  return *labels;
}

absl::Status WriteStudies(const StudyOptions& options) {
  for (int i = 0; i < options.studies; ++i) {
    const Phantom phantom = MakePhantom(
        {.label = Labels().at(options.label), .seed = options.seed + i, .slices = options.slices});
    const std::filesystem::path folder =
        options.studies == 1
            ? std::filesystem::path(options.out)
            : options.out / std::filesystem::path(absl::StrFormat("study-%03d", i + 1));
    M3L_RETURN_IF_ERROR(WriteDicomStudy(phantom.slices, folder, DicomOptions()));
    std::cout << "wrote " << folder.string() << " (" << phantom.slices.size() << " slices)\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddStudyCommand(CLI::App& app, Command* chosen) {
  auto options = std::make_shared<StudyOptions>();
  CLI::App* study = app.add_subcommand("study", "Writes synthetic chest CT studies as DICOM");
  study
      ->add_option("--out", options->out,
                   "Folder of the study; of several, each gets OUT/study-001, ...")
      ->required();
  study->add_option("--label", options->label, "What the studies show")
      ->check(CLI::IsMember(Labels()))
      ->type_name("LABEL")
      ->capture_default_str();
  study->add_option("--slices", options->slices, "Slices of a study")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  study->add_option("--seed", options->seed, "Of the first study; the next ones count up")
      ->capture_default_str();
  study->add_option("--studies", options->studies, "Number of studies")
      ->check(CLI::Range(1, 999))
      ->capture_default_str();
  study->footer(
      "Example: m3lung-train study --out=study --label=CAP --slices=60 --seed=7\n"
      "Exit code: 0 written, 1 failed, 2 used wrongly.");
  study->callback([options, chosen] { *chosen = [options] { return WriteStudies(*options); }; });
}

}  // namespace m3lung
