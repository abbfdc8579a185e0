// SPDX-License-Identifier: Apache-2.0
// The course of a study's lesion probability as a drawing for a page.
#ifndef M3LUNG_CLIENT_REPORT_CHART_H_
#define M3LUNG_CLIENT_REPORT_CHART_H_

#include <string>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// An inline <svg>: the lesion probability of every scored slice over its place
// from head (left) to feet (right), dots in the colour of the slice's label, and
// beneath a strip of the labels alone. A slice that was not scored interrupts
// the line. `slices` are in order from head to feet. Its text takes the page's
// colour.
std::string LesionChart(const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_CHART_H_
