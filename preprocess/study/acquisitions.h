// SPDX-License-Identifier: Apache-2.0
// The acquisitions and reconstructions that share one series.
#ifndef M3LUNG_PREPROCESS_STUDY_ACQUISITIONS_H_
#define M3LUNG_PREPROCESS_STUDY_ACQUISITIONS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// What tells them apart, in the order in which it is asked.
enum class AcquisitionSign {
  kImageType,
  kKernel,
  kFilter,
  kThickness,
  kPhase,
  kNumber,
  kTime,
  kInstanceNumber,
  kPlaces,  // two regular grids within one another
};

// For a person: "convolution kernel", "acquisition number", ...
absl::string_view NameOf(AcquisitionSign sign);

// Whether two slices differ in a sign that is the same for all slices of a reconstruction: image
// type, kernel, filter, thickness or phase.
bool ReconstructedAlike(const InstanceHeader& a, const InstanceHeader& b);

// Slices of one acquisition and reconstruction.
struct Acquisition {
  std::vector<int> members;                // in the order given
  std::vector<int> overlapping;            // belonging here, and lying within another part of it
  std::vector<AcquisitionSign> told_by{};  // empty: there is no other
};

// Parts `members` (indices into `slices`, one series, size and orientation, without duplicates) so
// that slices of two acquisitions never alternate in one volume.
//
// A sign parts slices only where those of one value lie between those of another, or at their
// places. Where they follow one another they are one volume, whatever their signs say:
// step-and-shoot scanners number each slice's acquisition, and helical ones may give each slice a
// time. Numbers and times are read as an order: where it jumps back into what was covered already,
// another pass begins. A sign that would tear the slices into pieces that cover nothing whole
// (times in disorder, say) is passed over. Where no sign tells, two regular grids of one spacing
// are told by how they lie, unless one lies in the middle of the other and the two look like one.
//
// Every member ends in one acquisition once. Takes time n log n for each sign.
std::vector<Acquisition> PartByAcquisition(const std::vector<int>& members,
                                           absl::Span<const SliceSummary> slices);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_ACQUISITIONS_H_
