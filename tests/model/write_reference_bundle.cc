// SPDX-License-Identifier: Apache-2.0
// Writes a tiny bundle, slices and what the runner says of them, for
// torchscript_reference.py to compare with.
//
//   write_reference_bundle FOLDER
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "model/bundle/bundle.h"
#include "nlohmann/json.hpp"
#include "tests/model/tiny_bundle.h"

namespace m3lung {
namespace {

constexpr int kSlices = 5;

absl::Status WriteOne(const std::filesystem::path& folder, MapMeasure measure) {
  const std::string name(MapMeasureName(measure));
  SliceNetOptions options = testing::TinySliceOptions();
  options.map_measure = measure;
  BundleContents contents = testing::TinyContents(name);
  contents.slice_net = testing::MakeTinySliceNet(options);
  contents.golden_slices = testing::ToPixels(testing::RandomHu(kSlices, options.input_size, 21));
  const std::vector<HuPixels> slices = contents.golden_slices;
  M3L_ASSIGN_OR_RETURN(const auto written,
                       WriteBundle(std::move(contents), folder, /*overwrite=*/true));
  M3L_ASSIGN_OR_RETURN(const auto bundle, LoadBundle(written, {}));

  std::vector<const int16_t*> pixels;
  for (const HuPixels& slice : slices) pixels.push_back(slice.data());
  M3L_ASSIGN_OR_RETURN(const auto scores, bundle->runner->ScoreSlices(pixels));
  nlohmann::json out;
  std::vector<const std::vector<float>*> features;
  for (const SliceScores& slice : scores) {
    features.push_back(&slice.features);
    out["slices"].push_back({{"probabilities", slice.probabilities},
                             {"lesion_probability", slice.lesion_probability},
                             {"map", slice.map.values},
                             {"features", slice.features}});
    // After each slice, so that every number of slices from 1 on is there.
    M3L_ASSIGN_OR_RETURN(const auto patient, bundle->runner->AssessPatient(features));
    out["patients"].push_back(patient);
  }
  return WriteFile(folder / (name + ".json"), out.dump());
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_reference_bundle FOLDER\n";
    return 2;
  }
  for (auto measure : m3lung::kMapMeasures) {
    const absl::Status status = m3lung::WriteOne(argv[1], measure);
    if (!status.ok()) {
      std::cerr << status << "\n";
      return 1;
    }
  }
  return 0;
}
