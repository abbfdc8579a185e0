// SPDX-License-Identifier: Apache-2.0
// The learning rate over a training.
#ifndef M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_
#define M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_

#include <cmath>
#include <string>

namespace m3lung {

struct Schedule {
  double initial = 0.01;
  // "step": times 0.1 every `decay_every` epochs, as the paper has it.
  // "linear": falls evenly to 0 at the end.
  std::string kind = "step";
  int decay_every = 40;  // epochs
  // Epochs over which the rate rises evenly from 0 to what the above says: a network
  // of random weights leaps about at the full rate.
  double warm_up = 0;

  // `done`: epochs gone by, with their fraction, of `epochs`.
  double At(double done, int epochs) const {
    const double risen = done < warm_up ? done / warm_up : 1;
    if (kind == "linear") return risen * initial * (1 - done / epochs);
    return risen * initial * std::pow(0.1, std::floor(done / decay_every));
  }
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_
