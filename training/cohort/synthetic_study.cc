// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/synthetic_study.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "opencv2/core.hpp"
#include "training/cohort/confounders.h"
#include "training/cohort/lesion_layer.h"
#include "training/cohort/lesions.h"
#include "training/cohort/lung_field.h"
#include "training/cohort/uid.h"

namespace m3lung {
namespace {

// What 12 bits hold with the usual intercept.
constexpr int kLowestHu = -1024, kHighestHu = 3071;

SliceGeometry GeometryAt(const Canvas& canvas, double t) {
  const double first = canvas.X(0);
  return {.position = {first, first, -t},
          .row_direction = {1, 0, 0},
          .column_direction = {0, 1, 0},
          .row_spacing_mm = canvas.pixel_mm,
          .column_spacing_mm = canvas.pixel_mm};
}

}  // namespace

std::vector<cv::Mat> AddIllness(const IllnessOptions& options, Canvas& canvas) {
  const LungField field(canvas);
  std::vector<Lesion> lesions;
  if (options.confounders) {
    Random harmless(options.seed ^ 0x2545f4914f6cdd1du);
    lesions = HarmlessFindings(field, harmless);
    ApplyMotions(DrawMotions(field, harmless), canvas);
  }
  Random random(options.seed ^ 0x5bd1e995u);
  for (Lesion& lesion : MakeLesions(options.label, options.severity, field, random)) {
    lesions.push_back(std::move(lesion));
  }
  return LayLesions(
      lesions,
      {.texture_seed = options.seed, .noise_hu = options.noise_hu, .blur_px = options.blur_px},
      canvas);
}

SyntheticStudy FinishStudy(absl::string_view name, const Canvas& canvas,
                           std::vector<cv::Mat> lesion_masks) {
  const std::string series_uid = UidFrom(absl::StrCat(name, "/series"));
  SyntheticStudy study;
  study.thickness_mm = canvas.thickness_mm;
  for (size_t i = 0; i < canvas.hu.size(); ++i) {
    HuSlice slice;
    cv::Mat kept = cv::max(cv::min(canvas.hu[i], kHighestHu), kLowestHu);
    kept.convertTo(slice.hu, CV_16S);
    slice.geometry = GeometryAt(canvas, canvas.t[i]);
    slice.sop_instance_uid = UidFrom(absl::StrCat(name, "/slice/", i));
    slice.series_instance_uid = series_uid;
    study.slices.push_back(std::move(slice));
    study.lung_masks.push_back(canvas.sides[i] != 0);
  }
  study.lesion_masks = std::move(lesion_masks);
  return study;
}

}  // namespace m3lung
