// SPDX-License-Identifier: Apache-2.0
// A model bundle on disk: models/<name>/<version>/ with slice.ts, patient.ts,
// golden.hu and manifest.json.
#ifndef M3LUNG_MODEL_BUNDLE_BUNDLE_H_
#define M3LUNG_MODEL_BUNDLE_BUNDLE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/bundle/manifest.h"
#include "model/bundle/precision.h"
#include "model/engine/inference.h"

namespace m3lung {

struct LoadOptions {
  std::string device = "cpu";  // or "cuda", "cuda:N"
  // Batch sizes that ScoreSlices() will be called with; each is run until its
  // speed has settled before Load returns.
  std::vector<int> batch_sizes = {1};
  // Threads that the networks may keep busy on a CPU. 0: LibTorch's own choice.
  int threads = 0;
  // How many of them one batch gets; as many batches run at once as that allows
  // (InferenceRunner::concurrent_batches()). 0: all. kThreadsBySpeed (batch_threads.h): by the
  // network's speed.
  int threads_per_batch = 0;
  // What the slice network computes in, where the manifest allows it. Nothing: the first that the
  // manifest allows and the device has instructions for.
  std::optional<Precision> precision = std::nullopt;
  // Whether to take `precision` even where the manifest does not allow it, whatever the golden
  // slices give in it: to find out.
  bool any_precision = false;
  // Whether to take a slice network compiled for this processor (compiled_engine.h) where the
  // bundle has one that computes what slice.ts does.
  bool compiled = false;
  // Whether to have slice.ts's convolutions compiled for `batch_sizes` (fused_network.h).
  bool fused = true;
  // Looked at between the steps of loading, of which a run of the network is the longest.
  std::stop_token stop = {};
};

// A loaded bundle.
struct Bundle {
  Manifest manifest;
  std::string digest;  // SHA-256 of manifest.json
  std::string device;
  // What a run of each of LoadOptions::batch_sizes takes.
  std::vector<absl::Duration> batch_durations;
  std::string runs_on;  // "TorchScript fp32, fused", "AOTInductor bf16"
  std::string remark;   // why it runs slower than was asked for; else empty
  std::unique_ptr<InferenceRunner> runner;
};

// Loads one bundle. FAILED_PRECONDITION, with the file and the reason, where a
// digest or the golden output does not match, or the precision is not allowed; INVALID_ARGUMENT
// for a bad manifest or device; UNAVAILABLE where the device is not there; CANCELLED
// where it was asked to stop.
absl::StatusOr<std::shared_ptr<const Bundle>> LoadBundle(const std::filesystem::path& directory,
                                                         const LoadOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_BUNDLE_H_
