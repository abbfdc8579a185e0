// SPDX-License-Identifier: Apache-2.0
// LibTorch's exceptions as errors.
#ifndef M3LUNG_MODEL_ENGINE_GUARDED_H_
#define M3LUNG_MODEL_ENGINE_GUARDED_H_

#include <exception>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "c10/core/InferenceMode.h"
#include "c10/util/Exception.h"
#include "torch/csrc/jit/runtime/graph_executor.h"

namespace m3lung {

// What `work` returns, a T or an absl::StatusOr<T>. What it throws becomes INTERNAL, "WHAT: ...".
template <typename T, typename Work>
absl::StatusOr<T> Guarded(absl::string_view what, const Work& work) try {
  const c10::InferenceMode inference;
  // The profiling executor would recompile for each new batch size and number of
  // slices, seconds each, and gains nothing on a frozen graph.
  const torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  return work();
} catch (const c10::Error& e) {
  return absl::InternalError(absl::StrCat(what, ": ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat(what, ": ", e.what()));
}

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_GUARDED_H_
