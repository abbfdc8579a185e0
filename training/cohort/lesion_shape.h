// SPDX-License-Identifier: Apache-2.0
// One lesion as a formula over space: how much of the air at a point it fills.
#ifndef M3LUNG_TRAINING_COHORT_LESION_SHAPE_H_
#define M3LUNG_TRAINING_COHORT_LESION_SHAPE_H_

#include <vector>

#include "training/cohort/anatomy.h"
#include "training/cohort/spatial_noise.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

// Points p with normal * p <= offset are kept: a fissure bounds a lobe.
struct Cut {
  Point3 normal;
  double offset = 0;
};

// An ellipsoid with an uneven outline. Fill is the share of air that something
// denser has taken the place of: 0 aerated lung, about 0.2 to 0.6 ground glass (-700
// to -350 HU), 0.9 and more consolidation. What is harmless,
// as a scar, has such a shape too.
struct Lesion {
  Point3 centre;
  double rx_mm = 0, ry_mm = 0, rt_mm = 0;
  double angle = 0;       // of rx against x, in the slice plane
  double tilt = 0;        // t that the plane of rx and ry gains for each mm along rx
  double edge = 0.3;      // relative width of the outer edge; small: sharp
  double ragged = 0.3;    // how far the outline departs from the ellipsoid
  double grain_mm = 8;    // size of those departures
  double glass = 0.35;    // fill outside the core
  double core = 0;        // relative radius of the core
  double core_fill = 1;   // fill in it
  double texture = 0.2;   // how unevenly it is filled, relative to the fill
  double septa = 0;       // fill of the network of thickened septa: crazy paving
  double mesh_mm = 5;     // of that network
  double patchy = 0;      // share of lobules that are spared, 0 to 1
  double hollow = 0;      // relative radius within which there is air
  double band_mm = 0;     // it reaches this deep from the pleura; 0: without bound
  double rim_mm = 0;      // a rim of this depth at the pleura is spared
  int side = 0;           // of LungSide
  bool harmless = false;  // no part of the truth
  std::vector<Cut> cuts = {};
  std::vector<Vessel> lumens = {};  // bronchi that keep their air
};

// What a lesion is at one point.
struct LesionSample {
  double weight = 0;  // 0 outside, 1 well inside
  double fill = 0;    // of the air
};

// `depth_mm` is the distance from `p` to the pleura.
LesionSample SampleLesion(const Lesion& lesion, const SpatialNoise& noise, const Point3& p,
                          double depth_mm);

// How far from its centre a lesion reaches, in the slice plane and along t.
double ReachMm(const Lesion& lesion);
double ReachAlongT(const Lesion& lesion);

// 0 at 0 and below, 1 at 1 and above, smooth between.
double SmoothStep(double w);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_LESION_SHAPE_H_
