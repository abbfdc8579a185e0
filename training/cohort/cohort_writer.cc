// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/cohort_writer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/files.h"
#include "base/picture_files.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;              // of cohort.json and of what the seed gives
constexpr int kAttempts = 6;            // to make a diseased study whose lesions can be seen
constexpr double kMoreSeverity = 0.15;  // at each further attempt

absl::Status Rename(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot rename ", from.string(), " to ", to.string(), ": ", error.message()));
}

absl::Status WriteMask(const fs::path& path, const cv::Mat& mask) {
  M3L_ASSIGN_OR_RETURN(const std::string png, EncodePng(mask));
  return WriteFileCached(path, png);
}

// Where a study's files go. They are written under hidden names and renamed, the
// study's folder last: where that is, all is.
struct StudyPaths {
  StudyPaths(const fs::path& out, const std::string& name)
      : study(out / "studies" / name),
        partial_study(out / "studies" / absl::StrCat(".", name)),
        truth(out / "truth" / name),
        partial_truth(out / "truth" / absl::StrCat(".", name)),
        labels(out / "slice-labels" / absl::StrCat(name, ".csv")) {}

  fs::path study, partial_study, truth, partial_truth, labels;
};

absl::Status WriteStudy(const SyntheticStudy& study, const StudyPaths& paths) {
  std::error_code ignored;
  for (const fs::path& left : {paths.partial_study, paths.partial_truth, paths.truth}) {
    fs::remove_all(left, ignored);
  }
  M3L_RETURN_IF_ERROR(MakeFolder(paths.partial_study));
  M3L_RETURN_IF_ERROR(MakeFolder(paths.partial_truth / "lesions"));
  M3L_RETURN_IF_ERROR(MakeFolder(paths.partial_truth / "lungs"));
  const std::vector<std::string> names = SliceFileNames(study.slices);
  const std::vector<bool> labels = SliceLabelsOf(study);
  std::map<std::string, bool> lesion_by_file;
  DicomOptions options;
  options.syntax = DicomSyntax::kJpegLsLossless;
  options.slice_thickness_mm = study.thickness_mm;
  for (size_t i = 0; i < study.slices.size(); ++i) {
    options.instance_number = static_cast<int>(i) + 1;
    M3L_ASSIGN_OR_RETURN(const std::string bytes, EncodeDicom(study.slices[i], options));
    M3L_RETURN_IF_ERROR(WriteFileCached(paths.partial_study / names[i], bytes));
    const std::string mask = MaskName(names[i]);
    M3L_RETURN_IF_ERROR(WriteMask(paths.partial_truth / "lesions" / mask, study.lesion_masks[i]));
    M3L_RETURN_IF_ERROR(WriteMask(paths.partial_truth / "lungs" / mask, study.lung_masks[i]));
    lesion_by_file[names[i]] = labels[i];
  }
  M3L_RETURN_IF_ERROR(WriteSliceLabels(paths.labels, lesion_by_file));
  M3L_RETURN_IF_ERROR(Rename(paths.partial_truth, paths.truth));
  return Rename(paths.partial_study, paths.study);
}

std::vector<Split> SplitsOf(const std::vector<CohortBackground>& backgrounds) {
  std::vector<Split> splits;
  splits.reserve(backgrounds.size());
  for (const CohortBackground& background : backgrounds) splits.push_back(background.split);
  return splits;
}

// One patient's lungs twice: in two splits the figures would be too good, in one they would count
// twice.
absl::Status CheckBackgroundsDiffer(const std::vector<CohortBackground>& backgrounds) {
  for (size_t i = 0; i < backgrounds.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      const CohortBackground &first = backgrounds[k], &second = backgrounds[i];
      std::error_code ignored;
      if (!fs::equivalent(first.folder, second.folder, ignored)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "the background ", second.folder.string(), " (", SplitName(second.split),
          ") is the same folder as ", first.folder.string(), " (", SplitName(first.split),
          "); a background is one patient: give each once, in one split"));
    }
  }
  return absl::OkStatus();
}

// Refuses a folder that holds another cohort.
absl::Status CheckFolder(const CohortOptions& options, const fs::path& out) {
  nlohmann::json splits = nlohmann::json::array();
  for (const Split split : SplitsOf(options.backgrounds)) {
    splits.push_back(std::string(SplitName(split)));
  }
  const nlohmann::json wanted = {{"format", kFormat},
                                 {"train", options.size.train},
                                 {"validation", options.size.validation},
                                 {"test", options.size.test},
                                 {"on_each_background", options.size.on_each_background},
                                 {"backgrounds", options.backgrounds.size()},
                                 {"background_splits", splits},
                                 {"seed", options.seed},
                                 {"slices", options.slices},
                                 {"size", options.image_size}};
  const fs::path file = out / "cohort.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return WriteFile(file, absl::StrCat(wanted.dump(2), "\n"));
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  nlohmann::json found = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  // Earlier, all backgrounds were there to train with.
  if (found.is_object() && !found.contains("background_splits") &&
      found.value("backgrounds", nlohmann::json()) == wanted["backgrounds"]) {
    found["background_splits"] =
        std::vector<std::string>(options.backgrounds.size(), std::string(SplitName(Split::kTrain)));
  }
  if (found == wanted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(out.string(), " holds a cohort made with other options: ", found.dump(),
                   ", not ", wanted.dump(), "; give these, or another folder"));
}

DatasetStudy RowOf(const PlannedStudy& planned, const StudyPaths& paths) {
  DatasetStudy row;
  row.name = planned.name;
  row.folder = paths.study;
  row.label = planned.label;
  row.split = planned.split;
  row.patient = planned.patient;
  row.slice_labels = paths.labels;
  row.truth = paths.truth;
  row.lungs = planned.background.has_value() ? Lungs::kReal : Lungs::kSynthetic;
  return row;
}

}  // namespace

std::vector<bool> SliceLabelsOf(const SyntheticStudy& study) {
  std::vector<bool> labels;
  for (size_t i = 0; i < study.slices.size(); ++i) {
    const SliceGeometry& geometry = study.slices[i].geometry;
    const double pixel_mm2 = geometry.row_spacing_mm * geometry.column_spacing_mm;
    labels.push_back(cv::countNonZero(study.lesion_masks[i]) * pixel_mm2 >= kLabelledLesionMm2);
  }
  return labels;
}

SyntheticStudy MakePlannedStudy(const PlannedStudy& planned, const CohortOptions& options,
                                const std::vector<Background>& backgrounds) {
  Random random(planned.seed);
  // Few are very ill.
  double severity = std::pow(random.Uniform(0, 1), 1.3);
  const BackgroundTransform transform = DrawTransform(random);
  for (int attempt = 0;; ++attempt) {
    const uint64_t seed = random.Bits();
    SyntheticStudy study;
    if (planned.background.has_value()) {
      study = MakeOnBackground(backgrounds[*planned.background], {.label = planned.label,
                                                                  .severity = severity,
                                                                  .seed = seed,
                                                                  .size = options.image_size,
                                                                  .transform = transform});
    } else {
      PhantomOptions phantom = DrawPhantomOptions(seed);
      phantom.label = planned.label;
      phantom.severity = severity;
      phantom.size = options.image_size;
      if (options.slices > 0) phantom.slices = options.slices;
      study = MakePhantom(phantom);
    }
    if (planned.label == Label::kHealthy || attempt + 1 == kAttempts) return study;
    const std::vector<bool> labels = SliceLabelsOf(study);
    if (std::count(labels.begin(), labels.end(), true) > 0) return study;
    severity = std::min(1.0, severity + kMoreSeverity);
  }
}

namespace {

// On a thread of the pool, whose end an exception would be.
absl::Status MakeAndWrite(const PlannedStudy& planned, const CohortOptions& options,
                          const std::vector<Background>& backgrounds, const StudyPaths& paths) try {
  return WriteStudy(MakePlannedStudy(planned, options, backgrounds), paths);
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("there is too little memory for so large a study");
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat("study ", planned.name, ": ", e.what()));
}

}  // namespace

absl::Status WriteCohort(const CohortOptions& options, const fs::path& out,
                         const CohortObserver& observer) {
  M3L_RETURN_IF_ERROR(CheckBackgroundsDiffer(options.backgrounds));
  for (const char* folder : {"studies", "slice-labels", "truth"}) {
    M3L_RETURN_IF_ERROR(MakeFolder(out / folder));
  }
  M3L_RETURN_IF_ERROR(CheckFolder(options, out));
  const std::vector<PlannedStudy> plan =
      PlanCohort(options.size, SplitsOf(options.backgrounds), options.seed);
  std::vector<DatasetStudy> rows;
  std::vector<const PlannedStudy*> missing;
  for (const PlannedStudy& planned : plan) {
    const StudyPaths paths(out, planned.name);
    rows.push_back(RowOf(planned, paths));
    std::error_code ignored;
    if (!fs::exists(paths.study, ignored)) missing.push_back(&planned);
  }
  std::vector<Background> backgrounds;
  const bool needs_backgrounds = std::any_of(
      missing.begin(), missing.end(), [](const auto* p) { return p->background.has_value(); });
  for (size_t i = 0; needs_backgrounds && i < options.backgrounds.size(); ++i) {
    M3L_ASSIGN_OR_RETURN(Background background, ReadBackground(options.backgrounds[i].folder));
    backgrounds.push_back(std::move(background));
  }
  observer.started(static_cast<int>(plan.size()), static_cast<int>(plan.size() - missing.size()));

  cv::setNumThreads(1);  // the studies are what is done in parallel
  absl::Mutex mu;
  absl::Status failed;
  {
    ThreadPool pool(options.threads);
    for (const PlannedStudy* planned : missing) {
      pool.Run([&, planned] {
        {
          const absl::MutexLock lock(&mu);
          if (!failed.ok()) return;
        }
        const absl::Status status =
            MakeAndWrite(*planned, options, backgrounds, StudyPaths(out, planned->name));
        if (!status.ok()) {
          const absl::MutexLock lock(&mu);
          failed.Update(status);
          return;
        }
        observer.finished_one();
      });
    }
  }
  M3L_RETURN_IF_ERROR(failed);
  return WriteDataset(out / "dataset.csv", rows);
}

}  // namespace m3lung
