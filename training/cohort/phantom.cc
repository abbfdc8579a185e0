#include "training/cohort/phantom.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "training/cohort/anatomy.h"
#include "training/cohort/lesions.h"
#include "training/cohort/random.h"
#include "training/cohort/slice_painter.h"
#include "training/cohort/uid.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {
namespace {

SliceGeometry GeometryAt(const PhantomOptions& options, double t) {
  const double pixel_mm = options.field_mm / options.size;
  const double first = (pixel_mm - options.field_mm) / 2;
  return {.position = {first, first, -t},
          .row_direction = {1, 0, 0},
          .column_direction = {0, 1, 0},
          .row_spacing_mm = pixel_mm,
          .column_spacing_mm = pixel_mm};
}

}  // namespace

Phantom MakePhantom(const PhantomOptions& options) {
  // The label takes no part in the anatomy: one seed is one chest, ill or not.
  Random random(options.seed);
  const Anatomy anatomy(random, options.length_mm);
  const std::vector<Vessel> vessels = GrowVessels(anatomy, random);
  Random illness(options.seed ^ 0x5bd1e995u);
  const std::vector<Lesion> lesions = MakeLesions(options.label, anatomy, vessels, illness);
  const ChestScene scene{.anatomy = anatomy,
                         .vessels = vessels,
                         .lesions = lesions,
                         .texture_seed = options.seed,
                         .noise_hu = random.Uniform(14, 24),
                         .abdomen_gas_mm = random.Uniform(6, 22)};

  const std::string study =
      absl::StrCat("phantom/", options.seed, "/", static_cast<int>(options.label), "/",
                   options.slices, "/", options.size);
  const std::string series_uid = UidFrom(absl::StrCat(study, "/series"));
  Phantom phantom;
  for (int i = 0; i < options.slices; ++i) {
    const double t =
        options.slices > 1 ? options.length_mm * i / (options.slices - 1) : options.length_mm / 2;
    PaintedSlice painted = PaintSlice(scene, t, options.size, options.field_mm, random);
    HuSlice slice;
    slice.hu = std::move(painted.hu);
    slice.geometry = GeometryAt(options, t);
    slice.sop_instance_uid = UidFrom(absl::StrCat(study, "/slice/", i));
    slice.series_instance_uid = series_uid;
    phantom.slices.push_back(std::move(slice));
    phantom.lung_masks.push_back(std::move(painted.lung_mask));
    phantom.lesion_masks.push_back(std::move(painted.lesion_mask));
  }
  return phantom;
}

}  // namespace m3lung
