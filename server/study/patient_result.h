// SPDX-License-Identifier: Apache-2.0
// The patient's result: everything that the ledger knows, as a message.
#ifndef M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_
#define M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_

#include <optional>

#include "m3lung/v1/results.pb.h"
#include "model/engine/inference.h"
#include "server/study/study_ledger.h"

namespace m3lung {

// `probabilities`: the patient network's; nothing where the verdict forbids a
// label. Model, timings and the client's study id are left to the caller.
// REQUIRES: the study is assembled, and all slices that are to be scored are.
v1::PatientResult MakePatientResult(const StudyLedger& ledger,
                                    const std::optional<ClassProbabilities>& probabilities,
                                    float healthy_share_threshold);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_PATIENT_RESULT_H_
