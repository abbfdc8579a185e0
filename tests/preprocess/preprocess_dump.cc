// Prints what preprocess/ makes of DICOM files, for a comparison with another
// implementation: one JSON object a file that stdin names, one a line.
//
//   {"ok": true, "hu_sha256": ..., "rows": ..., "columns": ..., "position_mm": ...,
//    "box": [x, y, width, height], "method": "paper"|"none", "crop_base64": ...}
//   {"ok": false, "reason": 3, "message": ...}
//
// `crop_base64` is the cropped slice resized to 192 x 192, int16, little endian.
#include <cstdio>
#include <iostream>
#include <string>

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "base/sha256.h"
#include "nlohmann/json.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lung_crop.h"
#include "preprocess/skip_reason.h"

namespace {

absl::string_view BytesOf(const cv::Mat& mat) {
  return {mat.ptr<char>(), mat.total() * mat.elemSize()};
}

nlohmann::json Describe(const std::string& path) {
  const absl::StatusOr<std::string> bytes = m3lung::ReadFile(path);
  if (!bytes.ok()) return {{"ok", false}, {"reason", 0}, {"message", bytes.status().ToString()}};
  const absl::StatusOr<m3lung::HuSlice> slice = m3lung::DecodeDicom(*bytes, {});
  if (!slice.ok()) {
    return {{"ok", false},
            {"reason", static_cast<int>(m3lung::SkipReasonOf(slice.status()))},
            {"uid", m3lung::PeekSopInstanceUid(*bytes)},
            {"message", std::string(slice.status().message())}};
  }
  const m3lung::LungCrop crop = m3lung::CropLungPaper(slice->hu);
  const cv::Mat resized = m3lung::ResizeCrop(slice->hu, crop.box, 192);
  return {{"ok", true},
          {"hu_sha256", m3lung::Sha256Hex(BytesOf(slice->hu))},
          {"rows", slice->hu.rows},
          {"columns", slice->hu.cols},
          {"uid", slice->sop_instance_uid},
          {"position_mm", slice->geometry.PositionAlongNormal()},
          {"box", {crop.box.x, crop.box.y, crop.box.width, crop.box.height}},
          {"method", crop.method == m3lung::CropMethod::kPaper ? "paper" : "none"},
          {"crop_base64", absl::Base64Escape(BytesOf(resized))},
          {"warnings", slice->warnings}};
}

}  // namespace

int main() {
  std::string path;
  while (std::getline(std::cin, path)) std::cout << Describe(path).dump() << "\n";
  return 0;
}
