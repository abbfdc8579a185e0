// SPDX-License-Identifier: Apache-2.0
// Whether the process has been told to stop (SIGTERM, SIGINT).
#ifndef M3LUNG_TRAINING_TRAINERS_STOP_SIGNAL_H_
#define M3LUNG_TRAINING_TRAINERS_STOP_SIGNAL_H_

#include <functional>

namespace m3lung {

// Asked between batches; true: save and leave.
using StopRequested = std::function<bool()>;

// From now on SIGTERM and SIGINT no longer end the process; a second one does.
// Returns what tells whether one has come.
StopRequested CatchStopSignals();

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_STOP_SIGNAL_H_
