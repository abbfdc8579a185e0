// SPDX-License-Identifier: Apache-2.0
// The course of a study's lesion probability.
#ifndef M3LUNG_CLIENT_REPORT_CHART_H_
#define M3LUNG_CLIENT_REPORT_CHART_H_

#include "m3lung/v1/results.pb.h"
#include "report/drawing.h"

namespace m3lung::client {

// The lesion probability of every scored slice over its place from head (left) to
// feet (right), dots in the colour of the slice's label; beneath a strip of the
// labels alone, and the key. A slice that was not scored interrupts the line.
// `slices` are in order from head to feet.
Drawing LesionChart(const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_CHART_H_
