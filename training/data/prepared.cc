// SPDX-License-Identifier: Apache-2.0
#include "training/data/prepared.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "torch/torch.h"
#include "training/data/prepared_files.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// Maps `count` images of `size` squared.
absl::StatusOr<torch::Tensor> MapImages(const fs::path& path, int64_t count, int64_t size,
                                        torch::ScalarType type) {
  const int64_t elements = count * size * size;
  std::error_code error;
  const uintmax_t bytes = fs::file_size(path, error);
  if (error || bytes != static_cast<uintmax_t>(elements) * c10::elementSize(type)) {
    return absl::DataLossError(absl::StrCat(
        path.string(), error ? " is missing" : " has another size than its slices need",
        "; delete its folder and prepare again"));
  }
  if (elements == 0) return torch::empty({0, size, size}, type);
  return at::from_file(path.string(), /*shared=*/false, elements, type).view({count, size, size});
}

}  // namespace

absl::StatusOr<PreparedData> OpenPrepared(const fs::path& folder,
                                          const std::vector<Split>& splits) {
  M3L_ASSIGN_OR_RETURN(const PreparedIndex index, ReadPreparedIndex(folder));
  PreparedData data;
  data.input_size = index.input_size;
  data.crop_mode = index.crop_mode;
  for (const PreparedIndex::Study& listed : index.studies) {
    if (std::find(splits.begin(), splits.end(), listed.split) == splits.end()) continue;
    const fs::path place = folder / listed.name;
    M3L_ASSIGN_OR_RETURN(const StudyRecord record, ReadStudyRecord(place));
    PreparedStudy& study = data.studies.emplace_back();
    study.name = listed.name;
    study.label = listed.label;
    study.split = listed.split;
    study.patient = listed.patient;
    study.lungs = listed.lungs;
    for (const StudyRecord::Slice& slice : record.slices) {
      study.slices.push_back({slice.file, slice.position_mm, slice.lesion});
    }
    const auto count = static_cast<int64_t>(record.slices.size());
    M3L_ASSIGN_OR_RETURN(study.hu,
                         MapImages(place / kHuFile, count, index.input_size, torch::kInt16));
    if (record.has_masks) {
      M3L_ASSIGN_OR_RETURN(study.lesion_masks,
                           MapImages(place / kMaskFile, count, index.input_size, torch::kUInt8));
    }
  }
  if (data.studies.empty()) {
    std::string names;
    for (const Split split : splits) {
      absl::StrAppend(&names, names.empty() ? "" : " or ", SplitName(split));
    }
    return absl::NotFoundError(
        absl::StrCat("there is no study of split ", names, " in ", folder.string()));
  }
  return data;
}

}  // namespace m3lung
