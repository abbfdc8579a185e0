#include "training/cohort/phantom.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "training/cohort/anatomy.h"
#include "training/cohort/random.h"
#include "training/cohort/scanner.h"
#include "training/cohort/slice_painter.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

PhantomOptions DrawPhantomOptions(uint64_t seed) {
  Random random(seed ^ 0x94d049bb133111ebu);
  PhantomOptions options;
  options.seed = seed;
  options.field_mm = random.Uniform(320, 420);
  options.length_mm = random.Uniform(280, 360);
  const double spacing = random.Uniform(5, 10);
  options.slices = std::clamp(static_cast<int>(options.length_mm / spacing), 24, 64);
  options.thickness_mm =
      random.Uniform(0, 1) < 0.4 ? random.Uniform(1.5, 3) : random.Uniform(3, spacing);
  options.noise_hu = random.Uniform(9, 32);
  options.blur_px = random.Uniform(0.5, 1.1);
  options.noise_blur_px = options.blur_px * random.Uniform(0.8, 1.1);
  return options;
}

Phantom MakePhantom(const PhantomOptions& options) {
  // The label takes no part in the anatomy: one seed is one chest, ill or not.
  Random random(options.seed);
  const Anatomy anatomy(random, options.length_mm);
  const std::vector<Vessel> vessels = GrowVessels(anatomy, random);
  const ChestScene scene{.anatomy = anatomy,
                         .vessels = vessels,
                         .texture_seed = options.seed,
                         .abdomen_gas_mm = random.Uniform(6, 22),
                         .slab_mm = options.thickness_mm};
  Canvas canvas;
  canvas.pixel_mm = options.field_mm / options.size;
  canvas.thickness_mm = options.thickness_mm;
  for (int i = 0; i < options.slices; ++i) {
    const double t =
        options.slices > 1 ? options.length_mm * i / (options.slices - 1) : options.length_mm / 2;
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
                .noise_hu = options.noise_hu,
                .noise_blur_px = options.noise_blur_px,
                .seed = options.seed},
               canvas);
  return FinishStudy(absl::StrCat("phantom/", options.seed, "/", static_cast<int>(options.label),
                                  "/", options.slices, "/", options.size),
                     canvas, std::move(lesions));
}

}  // namespace m3lung
