// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/features.h"

#include <sstream>
#include <system_error>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "model/engine/cuda_library.h"
#include "nlohmann/json.hpp"
#include "torch/torch.h"
#include "training/progress.h"
#include "training/trainers/slice_run.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kFolder[] = "features";
constexpr char kIndexFile[] = "features.json";

absl::StatusOr<std::string> NetworkDigest(const fs::path& run) {
  M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(run / kSliceCheckpoint));
  return Sha256Hex(bytes);
}

absl::StatusOr<Json> ReadIndex(const fs::path& run) {
  const fs::path path = run / kFolder / kIndexFile;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return absl::NotFoundError(absl::StrCat("there are no features in ", run.string(),
                                            "; run m3lung-train features --run=", run.string()));
  }
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Json index = Json::parse(text, nullptr, false);
  if (index.is_discarded()) return absl::DataLossError(absl::StrCat(path.string(), " is no JSON"));
  return index;
}

absl::Status WriteTensors(const fs::path& path, const std::vector<torch::Tensor>& tensors) {
  std::ostringstream bytes;
  torch::save(tensors, bytes);
  return WriteFile(path, bytes.str());
}

std::vector<torch::Tensor> Score(SliceNet& net, const torch::Tensor& hu, torch::Device device,
                                 int batch_size) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> probabilities, lesions, features;
  for (const torch::Tensor& batch : hu.split(batch_size)) {
    const auto [classes, lesion, maps, feature] = net->forward(batch.to(device));
    probabilities.push_back(classes.cpu());
    lesions.push_back(lesion.select(1, 1).cpu());
    features.push_back(feature.cpu());
  }
  return {torch::cat(probabilities), torch::cat(lesions), torch::cat(features)};
}

}  // namespace

absl::Status MakeFeatures(const PreparedData& data, const fs::path& run,
                          const FeaturesOptions& options, const StopRequested& stop) {
  M3L_ASSIGN_OR_RETURN(TrainedSliceNet trained, LoadSliceNet(run));
  if (trained.net->options().input_size != data.input_size) {
    return absl::InvalidArgumentError(absl::StrCat("the prepared slices have a side of ",
                                                   data.input_size, " pixels, the network takes ",
                                                   trained.net->options().input_size));
  }
  M3L_ASSIGN_OR_RETURN(const torch::Device device, OpenDevice(options.device));
  M3L_ASSIGN_OR_RETURN(const std::string digest, NetworkDigest(run));
  if (options.threads > 0) torch::set_num_threads(options.threads);
  trained.net->to(device);

  const fs::path folder = run / kFolder;
  std::error_code error;
  // Of another network: made anew.
  const absl::StatusOr<Json> there = ReadIndex(run);
  if (there.ok() && there->value("network", "") != digest) fs::remove_all(folder, error);
  M3L_RETURN_IF_ERROR(MakeFolder(folder));
  Json index = {{"network", digest}, {"studies", Json::array()}};
  for (const PreparedStudy& study : data.studies) {
    index["studies"].push_back({{"study", study.name},
                                {"label", std::string(LabelName(study.label))},
                                {"split", std::string(SplitName(study.split))}});
  }
  M3L_RETURN_IF_ERROR(WriteFile(folder / kIndexFile, index.dump(1)));

  Progress progress("features", "studies", static_cast<int64_t>(data.studies.size()));
  for (const PreparedStudy& study : data.studies) {
    const fs::path path = folder / (study.name + ".pt");
    if (fs::exists(path, error)) {
      progress.Skip(1);
      continue;
    }
    if (stop()) return absl::CancelledError("stopped; run it again to go on");
    // Study names may have folders in them.
    fs::create_directories(path.parent_path(), error);
    M3L_RETURN_IF_ERROR(
        WriteTensors(path, Score(trained.net, study.hu, device, options.batch_size)));
    progress.Advance();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StudyFeatures>> ReadFeatures(const fs::path& run) {
  M3L_ASSIGN_OR_RETURN(const Json index, ReadIndex(run));
  M3L_ASSIGN_OR_RETURN(const std::string digest, NetworkDigest(run));
  if (index.value("network", "") != digest) {
    return absl::FailedPreconditionError(
        absl::StrCat("the features in ", run.string(),
                     " are of another slice network; run m3lung-train features again"));
  }
  std::vector<StudyFeatures> result;
  for (const Json& item : index.at("studies")) {
    StudyFeatures& study = result.emplace_back();
    study.name = item.value("study", "");
    M3L_ASSIGN_OR_RETURN(study.label, ParseLabel(item.value("label", "")));
    M3L_ASSIGN_OR_RETURN(study.split, ParseSplit(item.value("split", "")));
    const fs::path path = run / kFolder / (study.name + ".pt");
    M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    try {
      std::vector<torch::Tensor> tensors;
      std::istringstream stream(bytes);
      torch::load(tensors, stream);
      TORCH_CHECK(tensors.size() == 3, "it holds ", tensors.size(), " tensors");
      std::tie(study.probabilities, study.lesion_probabilities, study.features) =
          std::tuple(tensors[0], tensors[1], tensors[2]);
    } catch (const c10::Error& e) {
      return absl::DataLossError(absl::StrCat(path.string(), ": ", e.what_without_backtrace()));
    }
  }
  return result;
}

}  // namespace m3lung
