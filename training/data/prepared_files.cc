// SPDX-License-Identifier: Apache-2.0
#include "training/data/prepared_files.h"

#include <bit>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "the files are little endian");

constexpr int kFormatVersion = 1;
constexpr char kStudyFile[] = "study.json";

absl::StatusOr<Json> ReadJson(const fs::path& path) {
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || json.value("format_version", 0) != kFormatVersion) {
    return absl::DataLossError(absl::StrCat(path.string(),
                                            " is no file of m3lung-train prepare, "
                                            "or of another version of it; delete it and prepare "
                                            "again"));
  }
  return json;
}

absl::Status NotAsItShouldBe(const fs::path& path, const std::exception& e) {
  return absl::DataLossError(absl::StrCat(path.string(), ": ", e.what()));
}

std::string BytesOf(const std::vector<cv::Mat>& images) {
  std::string bytes;
  for (const cv::Mat& image : images) {
    const cv::Mat whole = image.isContinuous() ? image : image.clone();
    bytes.append(reinterpret_cast<const char*>(whole.data), whole.total() * whole.elemSize());
  }
  return bytes;
}

}  // namespace

absl::StatusOr<StudyRecord> ReadStudyRecord(const fs::path& folder) {
  const fs::path path = folder / kStudyFile;
  M3L_ASSIGN_OR_RETURN(const Json json, ReadJson(path));
  try {
    StudyRecord record;
    record.key = json.at("key");
    record.has_masks = json.at("has_masks");
    for (const Json& item : json.at("slices")) {
      StudyRecord::Slice& slice = record.slices.emplace_back();
      slice.file = item.at("file");
      slice.position_mm = item.at("position_mm");
      if (!item.at("lesion").is_null()) slice.lesion = item.at("lesion").get<bool>();
      slice.digest = item.at("digest");
    }
    return record;
  } catch (const nlohmann::json::exception& e) {
    return NotAsItShouldBe(path, e);
  }
}

absl::Status WritePreparedStudy(const fs::path& folder, const StudyRecord& record,
                                const std::vector<cv::Mat>& hu, const std::vector<cv::Mat>& masks) {
  Json slices = Json::array();
  for (const StudyRecord::Slice& slice : record.slices) {
    Json item = {{"file", slice.file}, {"position_mm", slice.position_mm}};
    item["lesion"] = slice.lesion.has_value() ? Json(*slice.lesion) : Json(nullptr);
    item["digest"] = slice.digest;
    slices.push_back(std::move(item));
  }
  const Json json = {{"format_version", kFormatVersion},
                     {"key", record.key},
                     {"has_masks", record.has_masks},
                     {"slices", std::move(slices)}};

  std::error_code error;
  if (fs::exists(folder, error) && !fs::exists(folder / kStudyFile, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat(folder.string(),
                     " is there and was not written by m3lung-train prepare; give "
                     "another folder to write to"));
  }
  // Hidden until it is whole.
  const fs::path partial =
      folder.parent_path() / absl::StrCat(".", folder.filename().string(), ".partial");
  fs::remove_all(partial, error);
  M3L_RETURN_IF_ERROR(MakeFolder(partial));
  const auto tidy_up = absl::MakeCleanup([&] {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
  });
  M3L_RETURN_IF_ERROR(WriteFile(partial / kHuFile, BytesOf(hu)));
  if (record.has_masks) M3L_RETURN_IF_ERROR(WriteFile(partial / kMaskFile, BytesOf(masks)));
  M3L_RETURN_IF_ERROR(WriteFile(partial / kStudyFile, json.dump(1)));
  fs::remove_all(folder, error);
  if (!error) fs::rename(partial, folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", folder.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<PreparedIndex> ReadPreparedIndex(const fs::path& folder) {
  const fs::path path = folder / kPreparedFile;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return absl::NotFoundError(absl::StrCat("there are no prepared studies in ", folder.string(),
                                            "; run m3lung-train prepare --out=", folder.string()));
  }
  M3L_ASSIGN_OR_RETURN(const Json json, ReadJson(path));
  try {
    PreparedIndex index;
    index.input_size = json.at("input_size");
    M3L_ASSIGN_OR_RETURN(index.crop_mode, ParseCropMode(json.at("crop_mode").get<std::string>()));
    for (const Json& item : json.at("studies")) {
      PreparedIndex::Study& study = index.studies.emplace_back();
      study.name = item.at("study");
      M3L_ASSIGN_OR_RETURN(study.label, ParseLabel(item.at("label").get<std::string>()));
      M3L_ASSIGN_OR_RETURN(study.split, ParseSplit(item.at("split").get<std::string>()));
      study.patient = item.at("patient");
      M3L_ASSIGN_OR_RETURN(study.lungs, ParseLungs(item.value("lungs", "")));
    }
    for (const Json& item : json.at("left_out")) {
      index.left_out.emplace_back(item.at("study"), item.at("reason"));
    }
    return index;
  } catch (const nlohmann::json::exception& e) {
    return NotAsItShouldBe(path, e);
  }
}

absl::Status WritePreparedIndex(const fs::path& folder, const PreparedIndex& index) {
  Json studies = Json::array(), left_out = Json::array();
  for (const PreparedIndex::Study& study : index.studies) {
    Json& item = studies.emplace_back(Json{{"study", study.name},
                                           {"label", std::string(LabelName(study.label))},
                                           {"split", std::string(SplitName(study.split))},
                                           {"patient", study.patient}});
    if (study.lungs) item["lungs"] = std::string(LungsName(*study.lungs));
  }
  for (const auto& [name, reason] : index.left_out) {
    left_out.push_back({{"study", name}, {"reason", reason}});
  }
  const Json json = {{"format_version", kFormatVersion},
                     {"input_size", index.input_size},
                     {"crop_mode", std::string(CropModeName(index.crop_mode))},
                     {"studies", std::move(studies)},
                     {"left_out", std::move(left_out)}};
  return WriteFile(folder / kPreparedFile, json.dump(1));
}

}  // namespace m3lung
