// SPDX-License-Identifier: Apache-2.0
// The boxes of both crop modes, and the lungs that `volume` finds, of a study; for
// bench/lung_crop_reference.py, which compares and draws them.
//
//   lung_crop_dump FOLDER > study.json
//   lung_crop_dump --slices=1000 FOLDER
//
// The second form repeats the study's coarse slices up to that many, half a
// millimetre apart, and prints the processor's time and the peak of memory of
// FindLungs alone.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/escaping.h"
#include "base/files.h"
#include "nlohmann/json.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/lungs/lung_volume.h"

namespace m3lung {
namespace {

std::vector<HuSlice> HeadToFeet(const std::string& folder) {
  std::vector<HuSlice> slices;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const absl::StatusOr<std::string> bytes = ReadFile(entry.path());
    if (!bytes.ok()) continue;
    absl::StatusOr<HuSlice> slice = DecodeDicom(*bytes, {});
    if (slice.ok()) slices.push_back(*std::move(slice));
  }
  std::sort(slices.begin(), slices.end(), [](const HuSlice& a, const HuSlice& b) {
    return a.geometry.PositionAlongNormal() > b.geometry.PositionAlongNormal();
  });
  return slices;
}

nlohmann::json Json(const cv::Rect& box) { return {box.x, box.y, box.width, box.height}; }

double Seconds(const rusage& usage) {
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void Measure(const std::vector<cv::Mat>& coarse, const CoarseGrid& grid, int count) {
  std::vector<cv::Mat> slices;
  std::vector<double> positions;
  for (int i = 0; i < count; ++i) {
    slices.push_back(coarse[static_cast<size_t>(i) * coarse.size() / count]);
    positions.push_back(-0.5 * i);
  }
  rusage before = {}, after = {};
  getrusage(RUSAGE_SELF, &before);
  const LungVolume volume = FindLungs(slices, positions, grid);
  getrusage(RUSAGE_SELF, &after);
  std::cout << count << " slices of " << grid.columns() << " x " << grid.rows() << ": "
            << Seconds(after) - Seconds(before) << " s, peak memory "
            << (after.ru_maxrss - before.ru_maxrss) / 1024 << " MiB above "
            << before.ru_maxrss / 1024 << " MiB, found " << volume.found << "\n";
}

int Run(const std::string& folder, int count) {
  std::vector<HuSlice> slices = HeadToFeet(folder);
  if (slices.empty()) {
    std::cerr << "lung_crop_dump: no slice could be read in " << folder << "\n";
    return 1;
  }
  const SliceGeometry& first = slices.front().geometry;
  const CoarseGrid grid =
      GridFor(slices.front().hu.size(), first.row_spacing_mm, first.column_spacing_mm);
  std::vector<cv::Mat> coarse;
  std::vector<double> positions;
  nlohmann::json rows = nlohmann::json::array();
  for (HuSlice& slice : slices) {
    coarse.push_back(Coarsen(slice.hu, grid));
    positions.push_back(slice.geometry.PositionAlongNormal());
    if (count == 0) {
      const LungCrop paper = CropLungPaper(slice.hu);
      rows.push_back({{"position_mm", positions.back()},
                      {"paper", Json(paper.box)},
                      {"paper_found", paper.method == CropMode::kPaper}});
    }
    slice.hu.release();
  }
  if (count > 0) {
    Measure(coarse, grid, count);
    return 0;
  }
  const LungVolume volume = FindLungs(coarse, positions, grid);
  for (size_t i = 0; i < rows.size(); ++i) {
    const cv::Mat& mask = volume.masks[i];
    rows[i]["lung_base64"] =
        mask.empty() ? std::string() : absl::Base64Escape({mask.ptr<char>(), mask.total()});
  }
  std::cout << nlohmann::json{{"found", volume.found},
                              {"why_not", volume.why_not},
                              {"volume", Json(volume.box)},
                              {"volume_ml", volume.volume_ml},
                              {"rows", grid.rows()},
                              {"columns", grid.columns()},
                              {"row_factor", grid.row_factor},
                              {"column_factor", grid.column_factor},
                              {"slices", rows}}
                   .dump()
            << "\n";
  return 0;
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  CLI::App app("Boxes and lungs of a study, as JSON");
  std::string folder;
  int count = 0;
  app.add_option("folder", folder, "DICOM files of one study")->required();
  app.add_option("--slices", count, "measure time and memory with that many slices");
  CLI11_PARSE(app, argc, argv);
  return m3lung::Run(folder, count);
}
