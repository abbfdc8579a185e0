// SPDX-License-Identifier: Apache-2.0
// A study's answer as a table for a terminal.
#ifndef M3LUNG_CLIENT_ANSWER_TABLE_H_
#define M3LUNG_CLIENT_ANSWER_TABLE_H_

#include <string>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// The verdict with its reasons, the patient's result, the slices by label and
// those without lung, the series, what was skipped and why, warnings (each text
// once, with a count), the model with its notice, and the timings. ASCII, lines of
// at most 80 characters wherever the server's names allow.
//
// REQUIRES: slices from head to feet, each with its index.
std::string FormatAnswer(const v1::StudyAnswer& answer);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_ANSWER_TABLE_H_
