// SPDX-License-Identifier: Apache-2.0
// Runs a bundle's networks until their speed has settled, so that no study pays for it.
#ifndef M3LUNG_MODEL_ENGINE_WARM_UP_H_
#define M3LUNG_MODEL_ENGINE_WARM_UP_H_

#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/engine/inference.h"

namespace m3lung {

// Runs each batch size as often at once as the runner takes batches, and the patient network on as
// many slices. What a run of each size then takes. INVALID_ARGUMENT for a size under 1; CANCELLED
// where `stop` asked for it between two runs; otherwise what the runner says.
absl::StatusOr<std::vector<absl::Duration>> WarmUp(InferenceRunner& runner,
                                                   absl::Span<const int> batch_sizes,
                                                   const std::stop_token& stop = {});

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_WARM_UP_H_
