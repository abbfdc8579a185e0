// SPDX-License-Identifier: Apache-2.0
// The tables that tell real lungs from synthetic ones, as HTML.
#ifndef M3LUNG_TRAINING_EVALUATION_GROUP_TABLES_H_
#define M3LUNG_TRAINING_EVALUATION_GROUP_TABLES_H_

#include <string>
#include <vector>

#include "training/evaluation/groups.h"

namespace m3lung {

// Each a row a group.
std::string GroupTable(const std::vector<NamedGroup>& groups);       // of patients
std::string GroupSliceTable(const std::vector<NamedGroup>& groups);  // of slices

// Risk at each coverage, a column a group, and the area under the curve.
std::string RiskTable(const std::vector<NamedGroup>& groups);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_GROUP_TABLES_H_
