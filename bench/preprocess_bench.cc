// SPDX-License-Identifier: Apache-2.0
// Times what happens to a slice before the network: decode, crop (paper), resize,
// and the three in a row ("whole"). Prints slices a second (items_per_second).
//
//   preprocess_bench FOLDER [--threads=N] [--benchmark_...]
//
// Each folder within FOLDER holds the DICOM files of one set, and names it. With N
// threads each goes through the whole set. bench/preprocess_compare.py makes such a
// folder, and runs this beside the same in Python.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "benchmark/benchmark.h"
#include "opencv2/core/utility.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"

namespace m3lung {
namespace {

constexpr int kInputSize = 512;  // of the network

// One file and what the stages after the first begin with.
struct Sample {
  std::string bytes;
  cv::Mat hu;
  cv::Rect box;
};
using Samples = std::vector<Sample>;

absl::StatusOr<Samples> Load(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  Samples samples;
  for (const std::filesystem::path& path : paths) {
    Sample& sample = samples.emplace_back();
    M3L_ASSIGN_OR_RETURN(sample.bytes, ReadFile(path));
    M3L_ASSIGN_OR_RETURN(const HuSlice slice, DecodeDicom(sample.bytes, {}));
    sample.hu = slice.hu;
    sample.box = CropLungPaper(sample.hu).box;
  }
  return samples;
}

// Times `stage` over all samples as one iteration.
template <typename Stage>
void Register(const std::string& name, const Samples& samples, int threads, Stage stage) {
  double box_pixels = 0;  // whoever compares times can compare this first
  for (const Sample& sample : samples) box_pixels += sample.box.area();
  benchmark::RegisterBenchmark(
      name.c_str(),
      [&samples, box_pixels, stage](benchmark::State& state) {
        for (auto _ : state) {
          for (const Sample& sample : samples) stage(sample);
        }
        state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(samples.size()));
        state.counters["box_pixels"] =
            benchmark::Counter(box_pixels, benchmark::Counter::kAvgThreads);
      })
      ->Threads(threads)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void RegisterStages(const std::string& set, const Samples& samples, int threads) {
  Register("decode/" + set, samples, threads,
           [](const Sample& sample) { benchmark::DoNotOptimize(DecodeDicom(sample.bytes, {})); });
  Register("crop/" + set, samples, threads,
           [](const Sample& sample) { benchmark::DoNotOptimize(CropLungPaper(sample.hu)); });
  Register("resize/" + set, samples, threads, [](const Sample& sample) {
    benchmark::DoNotOptimize(ResizeCrop(sample.hu, sample.box, kInputSize));
  });
  Register("whole/" + set, samples, threads, [](const Sample& sample) {
    const HuSlice slice = DecodeDicom(sample.bytes, {}).value();
    benchmark::DoNotOptimize(ResizeCrop(slice.hu, CropLungPaper(slice.hu).box, kInputSize));
  });
}

int Main(const std::filesystem::path& folder, int threads) {
  // Slices are spread over threads, so that OpenCV need not spread one slice.
  cv::setNumThreads(1);
  std::vector<std::filesystem::path> sets;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_directory()) sets.push_back(entry.path());
  }
  std::sort(sets.begin(), sets.end());
  std::vector<Samples> loaded;
  loaded.reserve(sets.size());  // the benchmarks refer to its elements
  for (const std::filesystem::path& set : sets) {
    absl::StatusOr<Samples> samples = Load(set);
    if (!samples.ok()) {
      std::fprintf(stderr, "%s is left out: %s\n", set.filename().c_str(),
                   samples.status().ToString().c_str());
      continue;
    }
    loaded.push_back(*std::move(samples));
    RegisterStages(set.filename(), loaded.back(), threads);
  }
  if (loaded.empty()) {
    std::fprintf(stderr, "preprocess_bench: no folder of DICOM files in %s\n", folder.c_str());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::string folder;
  int threads = 1;
  CLI::App app("Times decoding, cropping and resizing of DICOM files.");
  app.add_option("folder", folder, "Holds a folder of DICOM files for each set")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--threads", threads, "That go through each set")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return m3lung::Main(folder, threads);
}
