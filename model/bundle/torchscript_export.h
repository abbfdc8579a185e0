// SPDX-License-Identifier: Apache-2.0
// The networks as TorchScript files, made in C++ alone.
#ifndef M3LUNG_MODEL_BUNDLE_TORCHSCRIPT_EXPORT_H_
#define M3LUNG_MODEL_BUNDLE_TORCHSCRIPT_EXPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/networks/patient_net.h"
#include "model/networks/slice_net.h"

namespace m3lung {

// slice.ts: forward(hu int16 [B, S, S]) returns the four tensors of
// SliceNetImpl::forward(), for any B; parameters keep their names.
//
// The network must be on the CPU. It is left in evaluation mode, its parameters
// as they were. INTERNAL where LibTorch fails.
absl::StatusOr<std::string> ExportSliceNet(SliceNet& net);

// patient.ts: forward(features float32 [N, D]) returns probabilities [4], for any
// N >= 1. Otherwise as above.
absl::StatusOr<std::string> ExportPatientNet(PatientNet& net);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_TORCHSCRIPT_EXPORT_H_
