// SPDX-License-Identifier: Apache-2.0
// The patient's result: everything that the ledger knows, as a message.
#ifndef M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_
#define M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_

#include <optional>
#include <vector>

#include "m3lung/v1/results.pb.h"
#include "model/engine/inference.h"
#include "preprocess/study/findings.h"
#include "server/study/study_ledger.h"

namespace m3lung {

// All that speaks against an answer: what the study assembler found, and what the
// instances' fates and their number say. `expected_instances`: 0 where not known.
// REQUIRES: SetAssembled() was called on the ledger.
std::vector<Finding> FindingsOf(const StudyLedger& ledger, int expected_instances);

// The share of a scored slice's lung that is affected; nothing where it shows no
// lung, or has no scores. REQUIRES: as above.
std::optional<float> AffectedShareOf(const StudyLedger& ledger, SliceNumber slice);

// `probabilities`: the patient network's; nothing where the verdict forbids a
// label. Model, timings and the client's study id are left to the caller.
// REQUIRES: all slices that are to be scored are.
v1::PatientResult MakePatientResult(const StudyLedger& ledger, const std::vector<Finding>& findings,
                                    const std::optional<ClassProbabilities>& probabilities,
                                    float healthy_share_threshold);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_
