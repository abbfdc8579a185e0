// The models that this server answers with.
#ifndef M3LUNG_SERVER_MODEL_REGISTRY_H_
#define M3LUNG_SERVER_MODEL_REGISTRY_H_

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
#include "model/bundle.h"
#include "server/batching/slice_batcher.h"

namespace m3lung {

// A loaded bundle with the batcher that feeds it.
struct ServedModel {
  std::shared_ptr<const Bundle> bundle;
  v1::ModelReference reference;
  std::unique_ptr<SliceBatcher> batcher;  // last: ends before the bundle it uses
};

// Thread safety: all methods may be called from any thread.
class ModelRegistry {
 public:
  ModelRegistry() = default;
  // Stops the batchers, so that what still holds a model may let go of it on any
  // thread.
  ~ModelRegistry();
  ModelRegistry(const ModelRegistry&) = delete;
  ModelRegistry& operator=(const ModelRegistry&) = delete;

  // Adds a model, the newest of its name when it comes after the others of that
  // name. The first added is the default unless SetDefault() names another.
  void Add(std::shared_ptr<ServedModel> model);

  // NOT_FOUND, naming the models there are, for a name that is not loaded.
  absl::Status SetDefault(absl::string_view name);

  // Empty name: the default model. Empty version: the newest. NOT_FOUND names
  // the models there are.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(absl::string_view name,
                                                    absl::string_view version) const;

  // In the order added, the default marked.
  std::vector<v1::Model> List() const;

 private:
  absl::Status NotFound(absl::string_view name, absl::string_view version) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::vector<std::shared_ptr<ServedModel>> models_ ABSL_GUARDED_BY(mu_);
  std::string default_name_ ABSL_GUARDED_BY(mu_);
};

// How a model presents itself.
v1::Model DescribeModel(const ServedModel& model, bool is_default);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_MODEL_REGISTRY_H_
