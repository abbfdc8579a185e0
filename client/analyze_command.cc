// SPDX-License-Identifier: Apache-2.0
// m3lung analyze: sends a study, shows and stores what is answered.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/output_checks.h"
#include "base/progress_line.h"
#include "base/standard_output.h"
#include "base/status_macros.h"
#include "client/answer_json.h"
#include "client/answer_table.h"
#include "client/channel.h"
#include "client/commands.h"
#include "client/crop_option.h"
#include "client/file_discovery.h"
#include "client/progress_display.h"
#include "client/remote_status.h"
#include "client/report/report.h"
#include "client/study_client.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

struct AnalyzeFlags {
  std::vector<std::string> paths;
  std::string server = kDefaultServer;
  std::string json;
  std::string report;
  v1::CropMode crop = v1::CROP_MODE_UNSPECIFIED;  // the model's
  std::string maps = "grid";
  std::string model;
  std::string study_uid;
  bool urgent = false;
  double timeout_seconds = 0;
};

StudyOptions OptionsFrom(const AnalyzeFlags& flags) {
  StudyOptions options;
  const std::pair<std::string, std::string> model =
      absl::StrSplit(flags.model, absl::MaxSplits(':', 1));
  options.header.set_model_name(model.first);
  options.header.set_model_version(model.second);
  options.header.set_study_instance_uid(flags.study_uid);
  options.header.set_crop_mode(flags.crop);
  options.header.set_lesion_maps(flags.maps == "none"   ? v1::NO_MAP
                                 : flags.maps == "full" ? v1::FULL_SIZE
                                                        : v1::GRID);
  options.header.set_priority(flags.urgent ? v1::URGENT : v1::ROUTINE);
  if (flags.timeout_seconds > 0) options.timeout = absl::Seconds(flags.timeout_seconds);
  return options;
}

absl::Status Named(absl::string_view flag, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(flag, ": ", status.message()));
}

// Before anything is sent, so that no analysis is lost to a mistyped path or a full disk.
absl::Status CheckOutputs(const AnalyzeFlags& flags) {
  if (!flags.json.empty()) M3L_RETURN_IF_ERROR(Named("--json", CheckOutputFile(flags.json)));
  if (flags.report.empty()) return absl::OkStatus();
  M3L_RETURN_IF_ERROR(Named("--report", MakeFolder(flags.report)));
  return Named("--report", CheckOutputFolder(flags.report));
}

absl::Status WriteOutputs(const AnalyzeFlags& flags, const v1::StudyAnswer& answer,
                          const std::vector<std::filesystem::path>& files) {
  if (!flags.json.empty()) {
    M3L_ASSIGN_OR_RETURN(const std::string json, AnswerToJson(answer));
    M3L_RETURN_IF_ERROR(WriteFile(flags.json, json));
    std::cout << "JSON            " << flags.json << "\n";
  }
  if (!flags.report.empty()) {
    std::vector<std::string> names;
    names.reserve(files.size());
    for (const std::filesystem::path& file : files) names.push_back(file.string());
    M3L_ASSIGN_OR_RETURN(const ReportFiles report,
                         WriteReport(answer, LocalFiles(files), names, flags.report));
    std::cout << "Report          " << report.page.string() << "\n                "
              << report.figure.string() << "\n";
  }
  return absl::OkStatus();
}

int RunAnalyze(const AnalyzeFlags& flags) {
  const std::vector<std::filesystem::path> paths(flags.paths.begin(), flags.paths.end());
  const absl::StatusOr<StudyFiles> study = FindInstances(paths);
  if (!study.ok()) return Fail(kExitUsage, study.status().message());
  if (const absl::Status outputs = CheckOutputs(flags); !outputs.ok()) {
    return Fail(kExitUsage, outputs.message());
  }

  for (const UnreadableEntry& entry : study->unreadable) {
    std::cerr << "m3lung: cannot be read, counts as missing: " << entry.path.string() << ": "
              << entry.why << "\n";
  }

  ProgressDisplay display(std::cerr, DetectDisplayKind(), TerminalWidth());
  StudyOptions options = OptionsFrom(flags);
  options.missing_instances = static_cast<int>(study->unreadable.size());
  options.on_progress = [&display](const StudyStage& stage) { display.Show(stage); };
  absl::StatusOr<v1::StudyAnswer> answer =
      StudyClient(MakeChannel(flags.server)).Analyze(study->files, options);
  display.Close();
  if (!answer.ok()) return Fail(kExitFailed, ExplainFailure(answer.status(), flags.server));

  // What only the client knows goes with the answer, into the table, the JSON and the report.
  if (const std::string unreadable = DescribeUnreadable(*study); !unreadable.empty()) {
    answer->mutable_patient()->add_warnings(unreadable);
  }
  std::cout << FormatAnswer(*answer);
  FlushStandardOutput();  // --json may name the same descriptor
  if (const absl::Status written = WriteOutputs(flags, *answer, study->files); !written.ok()) {
    return Fail(kExitFailed, written.message());
  }
  if (answer->patient().verdict() == v1::REJECTED) {
    return Fail(kExitFailed, "the study was rejected: nothing in it could be analysed");
  }
  return kExitDone;
}

}  // namespace

void AddAnalyzeCommand(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("analyze", "Send a study and show what the server answers");
  const auto flags = std::make_shared<AnalyzeFlags>();
  command
      ->add_option(
          "paths", flags->paths,
          "A folder (read at every depth; hidden files and DICOMDIR are left out), or files")
      ->type_name("DIR|FILES")
      ->required();
  command->add_option("--server", flags->server, "Address of the server, host:port")
      ->type_name("ADDR")
      ->capture_default_str();
  command->add_option("--json", flags->json, "Write the whole answer to this file")
      ->type_name("FILE");
  command->add_option("--report", flags->report, "Write report.html and report.png to this folder")
      ->type_name("DIR");
  AddCropOption(*command, "How the lung is found (default: as the model was trained)", flags->crop);
  command->add_option("--maps", flags->maps, "Lesion maps: as the network makes them, or full size")
      ->type_name("none|grid|full")
      ->check(CLI::IsMember({"none", "grid", "full"}).description(""))
      ->capture_default_str();
  command
      ->add_option("--model", flags->model, "Which model (default: the server's default, newest)")
      ->type_name("NAME[:VERSION]");
  command
      ->add_option("--study-uid", flags->study_uid,
                   "Study Instance UID of the one to analyse, where the files hold several studies")
      ->type_name("UID");
  command->add_flag("--urgent", flags->urgent, "Ahead of the routine studies");
  command
      ->add_option("--timeout", flags->timeout_seconds,
                   "Longest time for the study (default: none)")
      ->type_name("SECONDS")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""));
  command->footer(
      "Exit codes: 0 answered (verdict OK, DEGRADED, or ABSTAINED: no label is given);\n"
      "1 refused or failed, or nothing in the study could be analysed (verdict REJECTED);\n"
      "2 used wrongly (an unknown option, a path that is not there, an output that cannot be\n"
      "written).\n"
      "Files and links of the study that cannot be read are named and count as missing.\n"
      "Example: m3lung analyze study/ --json=answer.json --report=report/\n"
      "Research use only: not for diagnosis.");
  command->callback([flags, &exit_code] { exit_code = RunAnalyze(*flags); });
}

}  // namespace m3lung::client
