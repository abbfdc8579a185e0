// SPDX-License-Identifier: Apache-2.0
// What was evaluated, in words.
#ifndef M3LUNG_TRAINING_EVALUATION_FACTS_H_
#define M3LUNG_TRAINING_EVALUATION_FACTS_H_

#include <string>

namespace m3lung {

// Whatever is not known is empty.
struct EvaluationFacts {
  std::string data;           // "cohort/prepared, split test"
  std::string model;          // name, version
  std::string model_digest;   // SHA-256 of its manifest
  std::string training_data;  // of the model, in words
  std::string command;        // that made the evaluation
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_FACTS_H_
