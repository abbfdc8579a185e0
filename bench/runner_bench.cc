// SPDX-License-Identifier: Apache-2.0
// The slice network alone, as the server runs it, on the slices of a study: what there is
// to be had without a server around it. Prints a JSON object.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/allocator.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "model/bundle/bundle.h"
#include "model/bundle/precision.h"
#include "model/engine/batch_threads.h"
#include "nlohmann/json.hpp"
#include "server/study/study_slice.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string bundle;
  std::string study;
  int batch = 4;
  int threads = 1;
  int threads_per_batch = kThreadsBySpeed;
  double seconds = 10;
  std::string precision = "auto";
  bool compiled = false;
  bool unfused = false;
};

absl::StatusOr<std::vector<std::vector<int16_t>>> ReadInputs(const fs::path& study, int size) {
  std::vector<std::vector<int16_t>> inputs;
  for (const auto& file : fs::directory_iterator(study)) {
    M3L_ASSIGN_OR_RETURN(const std::string dicom, ReadFile(file.path()));
    absl::StatusOr<std::vector<StudySlice>> slices =
        ReadInstance(0, dicom, ToDecodeLimits(server::Limits()));
    if (!slices.ok()) continue;
    for (StudySlice& slice : *slices) {
      MakeNetworkInputByPaper(size, slice);
      inputs.push_back(std::move(slice.input));
    }
  }
  if (inputs.empty()) return absl::NotFoundError("the study holds no slice");
  return inputs;
}

// Seconds of each batch until `end`.
absl::StatusOr<std::vector<double>> TimeBatches(InferenceRunner& runner,
                                                const std::vector<std::vector<int16_t>>& inputs,
                                                int batch_size, absl::Time end) {
  std::vector<double> seconds;
  size_t next = 0;
  while (Clock::Real().Now() < end) {
    std::vector<const int16_t*> batch;
    for (int i = 0; i < batch_size; ++i) batch.push_back(inputs[next++ % inputs.size()].data());
    const absl::Time begin = Clock::Real().Now();
    M3L_RETURN_IF_ERROR(runner.ScoreSlices(batch).status());
    seconds.push_back(absl::ToDoubleSeconds(Clock::Real().Now() - begin));
  }
  return seconds;
}

absl::Status Run(const Options& options) {
  M3L_ASSIGN_OR_RETURN(const auto precision, ParsePrecisionOrAuto(options.precision));
  M3L_ASSIGN_OR_RETURN(const std::shared_ptr<const Bundle> bundle,
                       LoadBundle(options.bundle, {.batch_sizes = {options.batch},
                                                   .threads = options.threads,
                                                   .threads_per_batch = options.threads_per_batch,
                                                   .precision = precision,
                                                   .any_precision = true,
                                                   .compiled = options.compiled,
                                                   .fused = !options.unfused}));
  if (!bundle->remark.empty()) return absl::FailedPreconditionError(bundle->remark);
  M3L_ASSIGN_OR_RETURN(const auto inputs, ReadInputs(options.study, bundle->manifest.input_size));
  const int batches = bundle->runner->concurrent_batches();
  std::vector<absl::StatusOr<std::vector<double>>> timed(batches);
  const absl::Time start = Clock::Real().Now();
  {
    std::vector<std::jthread> threads;
    threads.reserve(timed.size());
    for (auto& batch : timed) {
      threads.emplace_back([&] {
        batch = TimeBatches(*bundle->runner, inputs, options.batch,
                            start + absl::Seconds(options.seconds));
      });
    }
  }
  std::vector<double> seconds;
  for (const auto& batch : timed) {
    M3L_RETURN_IF_ERROR(batch.status());
    seconds.insert(seconds.end(), batch->begin(), batch->end());
  }
  const double passed = absl::ToDoubleSeconds(Clock::Real().Now() - start);
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  std::cout << nlohmann::json{{"runs_on", bundle->runs_on},
                              {"lanes", batches},
                              {"batch", options.batch},
                              {"batches", seconds.size()},
                              {"slices_per_second",
                               static_cast<double>(seconds.size()) * options.batch / passed},
                              {"batch_ms_median", 1000 * median},
                              {"batch_max_over_median", seconds.back() / median}}
                   .dump()
            << "\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  m3lung::TuneAllocator();  // as m3lungd
  m3lung::Options options;
  CLI::App app("Times the slice network of a bundle.", "runner_bench");
  app.add_option("bundle", options.bundle, "Folder models/NAME/VERSION")->required();
  app.add_option("study", options.study, "Folder of DICOM files")->required();
  app.add_option("--batch", options.batch, "Slices of a batch")->capture_default_str();
  app.add_option("--threads", options.threads, "Processors")->capture_default_str();
  app.add_option("--threads-a-batch", options.threads_per_batch,
                 "Of one batch, others beside it; 0: all; -1: as the server would")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "How long")->capture_default_str();
  app.add_option("--precision", options.precision,
                 "fp32 or bf16, whether the bundle allows it or not; auto: as the server would")
      ->capture_default_str();
  app.add_flag("--compiled", options.compiled, "Run the network that compile_bundle.py compiled");
  app.add_flag("--unfused", options.unfused, "Run the convolutions one by one");
  app.footer("Example: runner_bench models/m3lung-demo/1 study --batch=4 --threads=2");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = m3lung::Run(options);
  if (status.ok()) return 0;
  std::cerr << "runner_bench: " << status.message() << "\n";
  return 1;
}
