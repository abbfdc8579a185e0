// SPDX-License-Identifier: Apache-2.0
// Evaluates predictions and maps that evaluation_reference.py has made, for it to
// compare with: `m3lung-train evaluate --predictions` without LibTorch, and maps.
//
//   evaluation_dump FOLDER
//
// Reads FOLDER/predictions, FOLDER/calibration and FOLDER/maps.json, a list of maps
// [rows][columns] with masks [S][S]; writes FOLDER/evaluation/ and FOLDER/map_results.json.
#include <filesystem>
#include <iostream>

#include "base/files.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "training/evaluation/evaluation.h"
#include "training/evaluation/write_evaluation.h"

namespace m3lung {
namespace {

MapResult ScoreOne(const nlohmann::json& json) {
  LocationMap map = {
      static_cast<int>(json["map"].size()), static_cast<int>(json["map"][0].size()), {}};
  for (const auto& row : json["map"]) {
    for (const float value : row) map.values.push_back(value);
  }
  const auto size = static_cast<int>(json["mask"].size());
  cv::Mat mask(size, size, CV_8UC1);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      mask.at<uint8_t>(row, column) = json["mask"][row][column].get<uint8_t>();
    }
  }
  return ScoreMap(map, mask, json["study"]);
}

absl::Status Dump(const std::filesystem::path& folder) {
  M3L_ASSIGN_OR_RETURN(const Predictions predictions, ReadPredictions(folder / "predictions"));
  M3L_ASSIGN_OR_RETURN(const Predictions calibration, ReadPredictions(folder / "calibration"));
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / "maps.json"));
  MapResults maps;
  nlohmann::json results = nlohmann::json::array();
  for (const nlohmann::json& json : nlohmann::json::parse(text)) {
    const MapResult& result = maps.mapped.emplace_back(ScoreOne(json));
    results.push_back({{"hit", result.hit},
                       {"average_precision", result.average_precision},
                       {"overlap", result.overlap}});
  }
  maps.lesion_slices = static_cast<int>(maps.mapped.size()) + 1;
  EvaluationOptions options;
  options.calibration = &calibration;
  M3L_ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(predictions, maps, options));
  M3L_RETURN_IF_ERROR(WriteFile(folder / "map_results.json", results.dump()));
  EvaluationFacts facts;
  facts.data = "made up by evaluation_reference.py";
  return WriteEvaluation(evaluation, facts, folder / "evaluation");
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "evaluation_dump FOLDER\n";
    return 2;
  }
  const absl::Status status = m3lung::Dump(argv[1]);
  if (status.ok()) return 0;
  std::cerr << "evaluation_dump: " << status.message() << "\n";
  return 1;
}
