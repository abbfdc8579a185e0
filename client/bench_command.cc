// SPDX-License-Identifier: Apache-2.0
// m3lung bench: how fast a server is.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/output_checks.h"
#include "base/standard_output.h"
#include "client/channel.h"
#include "client/commands.h"
#include "client/crop_option.h"
#include "client/file_discovery.h"
#include "client/load/load_run.h"
#include "client/remote_status.h"
#include "client/study_client.h"

namespace m3lung::client {
namespace {

namespace fs = std::filesystem;

struct BenchFlags {
  std::vector<std::string> studies;
  std::string server = kDefaultServer;
  v1::CropMode crop = v1::CROP_MODE_UNSPECIFIED;  // the model's
  std::string json;
  bool urgent = false;
  double timeout_seconds = 0;
  double window_seconds = 10;
  LoadOptions load;
};

v1::StudyHeader HeaderFrom(const BenchFlags& flags) {
  v1::StudyHeader header;
  header.set_crop_mode(flags.crop);
  header.set_lesion_maps(v1::GRID);
  header.set_priority(flags.urgent ? v1::URGENT : v1::ROUTINE);
  return header;
}

LoadedStudy SendOne(StudyClient& client, const std::vector<fs::path>& files,
                    const BenchFlags& flags, std::atomic<int>& slices) {
  LoadedStudy study;
  const absl::Time start = Clock::Real().Now();
  StudyOptions options;
  options.header = HeaderFrom(flags);
  if (flags.timeout_seconds > 0) options.timeout = absl::Seconds(flags.timeout_seconds);
  options.on_progress = [&](const StudyStage& stage) {
    if (stage.slices_answered == study.slices) return;
    if (study.slices == 0) study.first_result = Clock::Real().Now() - start;
    slices += stage.slices_answered - std::exchange(study.slices, stage.slices_answered);
  };
  const absl::StatusOr<v1::StudyAnswer> answer = client.Analyze(files, options);
  study.study = Clock::Real().Now() - start;
  study.status = answer.status();
  if (answer.ok()) study.timings = answer->patient().timings();
  return study;
}

int RunBench(BenchFlags flags) {
  std::vector<std::vector<fs::path>> studies;
  for (const std::string& folder : flags.studies) {
    absl::StatusOr<StudyFiles> study = FindInstances({fs::path(folder)});
    if (!study.ok()) return Fail(kExitUsage, study.status().message());
    if (!study->unreadable.empty()) return Fail(kExitUsage, DescribeUnreadable(*study));
    studies.push_back(std::move(study->files));
  }
  if (!flags.json.empty()) {
    if (const absl::Status output = CheckOutputFile(flags.json); !output.ok()) {
      return Fail(kExitUsage, absl::StrCat("--json: ", output.message()));
    }
  }
  flags.load.window = absl::Seconds(flags.window_seconds);

  StudyClient client(MakeChannel(flags.server));
  {  // A server that is not there, or a study that is none, ends it here.
    std::atomic<int> ignored = 0;
    const LoadedStudy first = SendOne(client, studies.front(), flags, ignored);
    if (!first.status.ok()) return Fail(kExitFailed, ExplainFailure(first.status, flags.server));
  }
  const StudySender send = [&](int number, std::atomic<int>& slices) {
    return SendOne(client, studies[number % studies.size()], flags, slices);
  };
  const LoadSummary summary =
      RunLoad(flags.load, send, Clock::Real(), [](const LoadWindow& window, bool warms_up) {
        std::cerr << absl::StrFormat("%s %.2f slices/s, %d studies\n",
                                     warms_up ? "warm-up" : "window ", window.SlicesPerSecond(),
                                     window.studies);
      });
  std::cout << FormatLoad(summary);
  FlushStandardOutput();  // --json may name the same descriptor
  if (!flags.json.empty()) {
    if (const absl::Status written = WriteFile(flags.json, LoadToJson(summary)); !written.ok()) {
      return Fail(kExitFailed, written.message());
    }
  }
  return summary.sum.studies > 0 ? kExitDone : Fail(kExitFailed, "no study was answered");
}

}  // namespace

void AddBenchCommand(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("bench", "Measure how fast a server is");
  const auto flags = std::make_shared<BenchFlags>();
  command->add_option("studies", flags->studies, "Folders, each with the files of one study")
      ->type_name("DIR")
      ->required();
  command->add_option("--server", flags->server, "Address of the server, host:port")
      ->type_name("ADDR")
      ->capture_default_str();
  command
      ->add_option("--concurrency", flags->load.concurrency,
                   "Studies under way at once, each followed by the next; with --rate, the most")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      ->add_option("--rate", flags->load.studies_per_second,
                   "Studies a second, whatever the server does; times count from when one is due")
      ->check(CLI::PositiveNumber);
  command->add_option("--window", flags->window_seconds, "Seconds of a window")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--windows", flags->load.most_windows, "The most windows")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      ->add_option("--tolerance", flags->load.tolerance,
                   "Stable: three windows' slices a second within this share of their mean")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  AddCropOption(*command, "As for analyze", flags->crop);
  command->add_flag("--urgent", flags->urgent, "As for analyze");
  command->add_option("--timeout", flags->timeout_seconds, "Longest time for one study")
      ->type_name("SECONDS")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""));
  command->add_option("--json", flags->json, "Write the figures to this file")->type_name("FILE");
  command->footer(
      "Exit codes: 0 measured; 1 not a study was answered; 2 used wrongly.\n"
      "Example: m3lung bench study/ --concurrency=4");
  command->callback([flags, &exit_code] { exit_code = RunBench(*flags); });
}

}  // namespace m3lung::client
