// SPDX-License-Identifier: Apache-2.0
#include "training/data/prepare.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "base/files.h"
#include "base/folder_files.h"
#include "base/output_checks.h"
#include "base/picture_files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "preprocess/crop_mode.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/pipeline.h"
#include "training/data/prepared_files.h"
#include "training/progress.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// What becomes of a study.
struct Outcome {
  absl::Status status;  // FAILED_PRECONDITION: left out
  bool reused = false;
};

// Files of a study, at any depth, by their paths relative to its folder, sorted. What cannot be
// read is an error: a study is trained on whole.
absl::StatusOr<std::vector<std::string>> FilesOf(const fs::path& folder) {
  M3L_ASSIGN_OR_RETURN(const FolderFiles found, FilesBeneath(folder));
  if (!found.unreadable.empty()) {
    const UnreadableEntry& first = found.unreadable.front();
    return absl::InvalidArgumentError(absl::StrCat(found.unreadable.size(), " of the files in ",
                                                   folder.string(), " cannot be read, such as ",
                                                   first.path.string(), ": ", first.why));
  }
  std::vector<std::string> files;
  for (const fs::path& file : found.files) {
    files.push_back(file.lexically_relative(folder).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Tells whether a study is made from the same files in the same way: names, sizes
// and times of the files, the slice labels, and the way.
absl::StatusOr<std::string> KeyOf(const DatasetStudy& study, const std::vector<std::string>& files,
                                  int input_size) {
  std::string text = absl::StrCat(CropModeName(CropMode::kVolume), "/", input_size, "\n");
  const auto add = [&](const fs::path& path) -> absl::Status {
    std::error_code error;
    const uintmax_t size = fs::is_directory(path, error) ? 0 : fs::file_size(path, error);
    const auto time = error ? fs::file_time_type() : fs::last_write_time(path, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot read ", path.string(), ": ", error.message()));
    }
    absl::StrAppend(&text, path.filename().string(), " ", size, " ",
                    time.time_since_epoch().count(), "\n");
    return absl::OkStatus();
  };
  for (const std::string& file : files) M3L_RETURN_IF_ERROR(add(study.folder / file));
  if (!study.slice_labels.empty()) M3L_RETURN_IF_ERROR(add(study.slice_labels));
  if (!study.truth.empty()) M3L_RETURN_IF_ERROR(add(study.truth / "lesions"));
  return Sha256Hex(text);
}

// What is no CT image is left out, as it is when served; what cannot be read at all
// is an error of the data set. A slice's instance is the index of its file.
absl::StatusOr<std::vector<StudySlice>> ReadSlices(const DatasetStudy& study,
                                                   const std::vector<std::string>& files) {
  std::vector<StudySlice> slices;
  for (size_t i = 0; i < files.size(); ++i) {
    const fs::path path = study.folder / files[i];
    M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    absl::StatusOr<std::vector<StudySlice>> read = ReadInstance(static_cast<int>(i), bytes, {});
    if (!read.ok()) {
      const SkipReason reason = SkipReasonOf(read.status());
      if (reason == SkipReason::kMalformed || reason == SkipReason::kTooSlow) {
        return absl::InvalidArgumentError(
            absl::StrCat(path.string(), ": ", read.status().message()));
      }
      continue;
    }
    std::move(read->begin(), read->end(), std::back_inserter(slices));
  }
  return slices;
}

absl::StatusOr<cv::Mat> ReadMask(const fs::path& truth, const std::string& file, cv::Size size) {
  const fs::path path = truth / "lesions" / MaskName(file);
  M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<cv::Mat> mask = DecodeGreyPng(bytes, size);
  if (mask.ok()) return mask;
  return absl::InvalidArgumentError(
      absl::StrCat(path.string(), " is no mask of its slice: ", mask.status().message()));
}

absl::Status PrepareStudy(const DatasetStudy& study, const std::vector<std::string>& files,
                          const std::string& key, const fs::path& folder, int input_size) {
  std::optional<std::map<std::string, bool>> labels;
  if (!study.slice_labels.empty()) {
    M3L_ASSIGN_OR_RETURN(labels, ReadSliceLabels(study.slice_labels));
    for (const auto& [file, lesion] : *labels) {
      if (!std::binary_search(files.begin(), files.end(), file)) {
        return absl::InvalidArgumentError(absl::StrCat(study.slice_labels.string(), " names ", file,
                                                       ", which is not in ",
                                                       study.folder.string()));
      }
    }
  }
  M3L_ASSIGN_OR_RETURN(std::vector<StudySlice> slices, ReadSlices(study, files));
  std::vector<SliceSummary> summaries;
  summaries.reserve(slices.size());
  for (const StudySlice& slice : slices) summaries.push_back(slice.summary);
  M3L_ASSIGN_OR_RETURN(const StudyPlan plan, PlanStudy(summaries));

  StudyRecord record;
  record.key = key;
  record.has_masks = !study.truth.empty();
  std::vector<cv::Mat> hu, masks;
  for (const int i : plan.slices) {
    StudySlice& slice = slices[i];
    const cv::Size size = slice.hu.size();
    const cv::Mat whole = slice.hu.isContinuous() ? slice.hu : slice.hu.clone();
    StudyRecord::Slice& kept = record.slices.emplace_back();
    kept.file = files[slice.summary.instance];
    kept.position_mm = slice.summary.position_mm;
    kept.digest =
        Sha256Hex({reinterpret_cast<const char*>(whole.data), whole.total() * whole.elemSize()});
    if (study.label == Label::kHealthy) kept.lesion = false;
    if (labels.has_value()) {
      if (const auto found = labels->find(kept.file); found != labels->end()) {
        kept.lesion = found->second;
      }
    }
    MakeNetworkInput(plan.box, input_size, slice);
    hu.emplace_back(input_size, input_size, CV_16SC1, slice.input.data());
    if (record.has_masks) {
      M3L_ASSIGN_OR_RETURN(const cv::Mat mask, ReadMask(study.truth, kept.file, size));
      masks.push_back(MaskOfInput(mask, slice.summary.orientation, plan.box, input_size));
    }
  }
  return WritePreparedStudy(folder, record, hu, masks);
}

// On a thread of the pool, whose end an exception would be.
Outcome PrepareOrReuse(const DatasetStudy& study, const PrepareOptions& options) try {
  const fs::path folder = options.out / study.name;
  const absl::StatusOr<std::vector<std::string>> files = FilesOf(study.folder);
  if (!files.ok()) return {files.status()};
  const absl::StatusOr<std::string> key = KeyOf(study, *files, options.input_size);
  if (!key.ok()) return {key.status()};
  const absl::StatusOr<StudyRecord> there = ReadStudyRecord(folder);
  if (there.ok() && there->key == *key) return {absl::OkStatus(), true};
  return {PrepareStudy(study, *files, *key, folder, options.input_size)};
} catch (const std::bad_alloc&) {
  return {absl::ResourceExhaustedError(absl::StrCat(
      study.folder.string(), ": there is too little memory; fewer --threads need less"))};
} catch (const std::exception& e) {
  return {absl::InternalError(absl::StrCat(study.folder.string(), ": ", e.what()))};
}

// The same pixels in two studies mean that one is a copy of the other, under
// whatever name, and its figures would be too good.
absl::Status CheckForCopies(const fs::path& out, const std::vector<PreparedIndex::Study>& studies) {
  std::map<std::string, const PreparedIndex::Study*> seen;
  for (const PreparedIndex::Study& study : studies) {
    M3L_ASSIGN_OR_RETURN(const StudyRecord record, ReadStudyRecord(out / study.name));
    std::set<std::string> own;
    for (const StudyRecord::Slice& slice : record.slices) own.insert(slice.digest);
    for (const std::string& digest : own) {
      const auto [earlier, is_new] = seen.emplace(digest, &study);
      if (is_new) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("studies ", earlier->second->name, " and ", study.name,
                       " hold the same slice, pixel by pixel; take one of them out of the data "
                       "set"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options) {
  M3L_ASSIGN_OR_RETURN(const std::vector<DatasetStudy> studies, ReadDataset(options.dataset));
  M3L_RETURN_IF_ERROR(CheckOutputFolder(options.out));
  M3L_RETURN_IF_ERROR(MakeFolder(options.out));
  std::vector<Outcome> outcomes(studies.size());
  {
    Progress progress("prepare", "studies", static_cast<int64_t>(studies.size()));
    ThreadPool pool(options.threads);  // last: joins before what it uses dies
    for (size_t i = 0; i < studies.size(); ++i) {
      pool.Run([&, i] {
        outcomes[i] = PrepareOrReuse(studies[i], options);
        if (outcomes[i].reused) {
          progress.Skip(1);
        } else {
          progress.Advance();
        }
      });
    }
  }
  PrepareSummary summary;
  PreparedIndex index;
  index.input_size = options.input_size;
  index.crop_mode = CropMode::kVolume;
  for (size_t i = 0; i < studies.size(); ++i) {
    const absl::Status& status = outcomes[i].status;
    if (absl::IsFailedPrecondition(status)) {
      index.left_out.emplace_back(studies[i].name, std::string(status.message()));
      continue;
    }
    M3L_RETURN_IF_ERROR(status);
    ++summary.prepared;
    summary.reused += outcomes[i].reused ? 1 : 0;
    index.studies.push_back({studies[i].name, studies[i].label, studies[i].split,
                             studies[i].patient, studies[i].lungs});
  }
  summary.left_out = index.left_out;
  M3L_RETURN_IF_ERROR(CheckForCopies(options.out, index.studies));
  M3L_RETURN_IF_ERROR(WritePreparedIndex(options.out, index));
  return summary;
}

}  // namespace m3lung
