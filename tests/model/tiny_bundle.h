// SPDX-License-Identifier: Apache-2.0
// Networks small enough for tests, and bundles of them.
#ifndef M3LUNG_TESTS_MODEL_TINY_BUNDLE_H_
#define M3LUNG_TESTS_MODEL_TINY_BUNDLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/bundle_writer.h"
#include "model/networks/patient_net.h"
#include "model/networks/slice_net.h"
#include "torch/types.h"

namespace m3lung::testing {

// 96 x 96 pixels, 4 channels in the first convolution, 1, 2, 1, 1 bottlenecks.
SliceNetOptions TinySliceOptions();
PatientNetOptions TinyPatientOptions();

// Seeded; batch statistics and all other parameters away from their first values,
// so that a part left out changes the output.
SliceNet MakeTinySliceNet(const SliceNetOptions& options, uint64_t seed = 1);
PatientNet MakeTinyPatientNet(const PatientNetOptions& options, uint64_t seed = 1);

// int16 [slices, size, size], smooth shapes between air and bone.
torch::Tensor RandomHu(int slices, int size, uint64_t seed);
std::vector<HuPixels> ToPixels(const torch::Tensor& hu);

// Of the above, with two golden slices.
BundleContents TinyContents(const std::string& name = "tiny", const std::string& version = "1");

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_MODEL_TINY_BUNDLE_H_
