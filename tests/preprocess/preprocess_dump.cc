// SPDX-License-Identifier: Apache-2.0
// Prints what preprocess/ makes of DICOM files, for a comparison with another
// implementation: one JSON object a file that stdin names, one a line.
//
//   {"ok": true, "header": {...}, "slices": [{"frame": 0, "hu_sha256": ..., "rows": ...,
//    "columns": ..., "position_mm": ..., "warnings": [...]}, ...]}
//   {"ok": false, "reason": 3, "uid": ..., "message": ...}
//
// With --crops each slice also has its crop: "box": [x, y, width, height], "method":
// "paper"|"none" and "crop_base64", the crop resized to 192 x 192. With --pixels it
// has "hu_base64". Both int16, little endian.
#include <cstdio>
#include <iostream>
#include <string>

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "base/sha256.h"
#include "nlohmann/json.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/skip_reason.h"

namespace {

absl::string_view BytesOf(const cv::Mat& mat) {
  return {mat.ptr<char>(), mat.total() * mat.elemSize()};
}

nlohmann::json Describe(const m3lung::HuSlice& slice, bool crops, bool pixels) {
  nlohmann::json json = {
      {"frame", slice.frame},
      {"hu_sha256", m3lung::Sha256Hex(BytesOf(slice.hu))},
      {"rows", slice.hu.rows},
      {"columns", slice.hu.cols},
      {"position_mm", slice.geometry.PositionAlongNormal()},
      {"spacing_mm", {slice.geometry.row_spacing_mm, slice.geometry.column_spacing_mm}},
      {"warnings", slice.warnings}};
  if (pixels) json["hu_base64"] = absl::Base64Escape(BytesOf(slice.hu));
  if (!crops) return json;
  const m3lung::LungCrop crop = m3lung::CropLungPaper(slice.hu);
  json["box"] = {crop.box.x, crop.box.y, crop.box.width, crop.box.height};
  json["method"] = crop.method.has_value() ? m3lung::CropModeName(*crop.method) : "none";
  json["crop_base64"] = absl::Base64Escape(BytesOf(m3lung::ResizeCrop(slice.hu, crop.box, 192)));
  return json;
}

nlohmann::json Describe(const m3lung::InstanceHeader& header) {
  nlohmann::json json = {{"uid", header.sop_instance_uid},
                         {"series", header.series_instance_uid},
                         {"image_type", header.image_type},
                         {"kernel", header.convolution_kernel},
                         {"patient_position", header.patient_position},
                         {"body_part", header.body_part}};
  if (header.acquisition_number.has_value()) json["acquisition"] = *header.acquisition_number;
  if (header.patient_age_years.has_value()) json["age"] = *header.patient_age_years;
  return json;
}

nlohmann::json Describe(const std::string& path, bool crops, bool pixels) {
  const absl::StatusOr<std::string> bytes = m3lung::ReadFile(path);
  if (!bytes.ok()) return {{"ok", false}, {"reason", 0}, {"message", bytes.status().ToString()}};
  const absl::StatusOr<m3lung::DecodedInstance> instance = m3lung::DecodeInstance(*bytes, {});
  if (!instance.ok()) {
    return {{"ok", false},
            {"reason", static_cast<int>(m3lung::SkipReasonOf(instance.status()))},
            {"uid", m3lung::PeekHeader(*bytes).sop_instance_uid},
            {"message", std::string(instance.status().message())}};
  }
  nlohmann::json slices = nlohmann::json::array();
  for (const m3lung::HuSlice& slice : instance->slices) {
    slices.push_back(Describe(slice, crops, pixels));
  }
  return {{"ok", true}, {"header", Describe(instance->header)}, {"slices", slices}};
}

}  // namespace

int main(int argc, char** argv) {
  bool crops = false;
  bool pixels = false;
  for (int i = 1; i < argc; ++i) {
    crops |= std::string(argv[i]) == "--crops";
    pixels |= std::string(argv[i]) == "--pixels";
  }
  std::string path;
  while (std::getline(std::cin, path)) std::cout << Describe(path, crops, pixels).dump() << "\n";
  return 0;
}
