// SPDX-License-Identifier: Apache-2.0
// The models that this server answers with.
#ifndef M3LUNG_SERVER_OPS_MODEL_REGISTRY_H_
#define M3LUNG_SERVER_OPS_MODEL_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "m3lung/v1/model.pb.h"
#include "m3lung/v1/results.pb.h"
#include "model/bundle/bundle.h"
#include "server/batching/slice_batcher.h"

namespace m3lung {

// A loaded bundle with the batcher that feeds it.
struct ServedModel {
  std::shared_ptr<const Bundle> bundle;
  // The same on further devices; the batcher feeds all of them.
  std::vector<std::shared_ptr<const Bundle>> copies = {};
  v1::ModelReference reference;
  std::unique_ptr<SliceBatcher> batcher;  // last: ends before the bundle it uses
};

// Thread safety: all methods may be called from any thread.
class ModelRegistry {
 public:
  ModelRegistry() = default;
  // Stop().
  ~ModelRegistry() { Stop(); }
  ModelRegistry(const ModelRegistry&) = delete;
  ModelRegistry& operator=(const ModelRegistry&) = delete;

  // Puts `models` in the place of those there were, which end with the studies that
  // use them. One is the newest of its name when it comes after the others of that
  // name. Empty `default_name`: the first is the default. NOT_FOUND, naming the models
  // given, for a name that is none of theirs; then nothing changes.
  absl::Status Replace(std::vector<std::shared_ptr<ServedModel>> models,
                       absl::string_view default_name = "");
  // Replace() with these and one more.
  void Add(std::shared_ptr<ServedModel> model);

  // Ends the replaced models that no study uses any more, and says whether there were any. To
  // be called now and then; takes as long as their last batches.
  bool EndUnused();

  // Stops the batchers of all models, so that no batch thread is left, and that what still holds a
  // model may let go of it on any thread. No model is to be added any more.
  void Stop();

  // The loaded model whose manifest has this digest, or null.
  std::shared_ptr<ServedModel> FindDigest(absl::string_view digest) const;

  // Empty name: the default model. Empty version: the newest. NOT_FOUND names
  // the models there are.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(absl::string_view name,
                                                    absl::string_view version) const;

  // In the order added, the default marked.
  std::vector<v1::Model> List() const;

 private:
  mutable absl::Mutex mu_;
  std::vector<std::shared_ptr<ServedModel>> models_ ABSL_GUARDED_BY(mu_);
  std::string default_name_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<ServedModel>> replaced_ ABSL_GUARDED_BY(mu_);
};

// How a model presents itself.
v1::Model DescribeModel(const ServedModel& model, bool is_default);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_MODEL_REGISTRY_H_
