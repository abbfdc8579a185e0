// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/phantom.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "training/cohort/anatomy.h"
#include "training/cohort/scanner.h"
#include "training/cohort/slice_painter.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

PhantomOptions DrawPhantomOptions(uint64_t seed) {
  Random random(seed ^ 0x94d049bb133111ebu);
  const auto chance = [&random](double share) { return random.Uniform(0, 1) < share; };
  PhantomOptions options;
  options.seed = seed;
  options.length_mm = random.Uniform(290, 350);
  options.build = random.Uniform(0, 1);
  options.lung_hu = random.Uniform(-895, -790);
  options.arms_beside = chance(1 / 6.0);
  options.field_mm = random.Uniform(320, 400) + 30 * options.build;
  options.shift_mm = {random.Uniform(-18, 18), random.Uniform(-18, 18)};
  options.cut_above_mm = random.Uniform(0, 25);
  options.cut_below_mm = random.Uniform(0, 40);
  const double extent = options.length_mm - options.cut_above_mm - options.cut_below_mm;
  const double wanted_spacing = random.Uniform(4.5, 10);
  options.slices = std::clamp(static_cast<int>(extent / wanted_spacing), 24, 64);
  const double spacing = extent / (options.slices - 1);
  options.thickness_mm = chance(0.4) ? random.Uniform(1.5, 3) : random.Uniform(3, spacing);
  options.noise_hu = random.Uniform(8, 34);
  if (chance(0.4)) {
    options.blur_px = random.Uniform(0.5, 0.7);
    options.sharpen = random.Uniform(0.1, 0.7);
  } else {
    options.blur_px = random.Uniform(0.6, 1.15);
  }
  options.noise_blur_px = options.blur_px * random.Uniform(0.85, 1.1);
  options.table = chance(0.9);
  return options;
}

Phantom MakePhantom(const PhantomOptions& options) {
  // The label takes no part in the anatomy: one seed is one chest, ill or not.
  Random random(options.seed);
  const Anatomy anatomy(random, options.length_mm, options.build);
  const std::vector<Vessel> vessels = GrowVessels(anatomy, random);
  const ChestScene scene{.anatomy = anatomy,
                         .vessels = vessels,
                         .texture_seed = options.seed,
                         .abdomen_gas_mm = random.Uniform(6, 22),
                         .slab_mm = options.thickness_mm,
                         .lung_hu = options.lung_hu,
                         .shift_mm = options.shift_mm,
                         .table = options.table,
                         .arms_beside = options.arms_beside};
  Canvas canvas;
  canvas.pixel_mm = options.field_mm / options.size;
  canvas.thickness_mm = options.thickness_mm;
  const double extent = options.length_mm - options.cut_above_mm - options.cut_below_mm;
  for (int i = 0; i < options.slices; ++i) {
    const double share = options.slices > 1 ? static_cast<double>(i) / (options.slices - 1) : 0.5;
    const double t = options.cut_above_mm + share * extent;
    PaintedSlice painted = PaintSlice(scene, t, options.size, options.field_mm);
    canvas.t.push_back(t);
    canvas.hu.push_back(std::move(painted.hu));
    canvas.sides.push_back(std::move(painted.sides));
  }
  std::vector<cv::Mat> lesions = AddIllness({.label = options.label,
                                             .severity = options.severity,
                                             .seed = options.seed,
                                             .confounders = options.confounders},
                                            canvas);
  ApplyScanner({.blur_px = options.blur_px,
                .sharpen = options.sharpen,
                .noise_hu = options.noise_hu,
                .noise_blur_px = options.noise_blur_px,
                .seed = options.seed},
               canvas);
  return FinishStudy(absl::StrCat("phantom/", options.seed, "/", static_cast<int>(options.label),
                                  "/", options.slices, "/", options.size),
                     canvas, std::move(lesions));
}

}  // namespace m3lung
