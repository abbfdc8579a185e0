// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/checkpoint.h"

#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "torch/serialize.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr char kNotes[] = "notes";
constexpr char kNet[] = "net";
constexpr char kOptimizer[] = "optimizer";

absl::StatusOr<torch::serialize::InputArchive> Open(const fs::path& path, torch::Device device) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return absl::NotFoundError(absl::StrCat("there is no ", path.string()));
  }
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path.string(), device);
    return archive;
  } catch (const c10::Error& e) {
    return NotACheckpoint(path, e.what_without_backtrace());
  }
}

}  // namespace

absl::Status NotACheckpoint(const fs::path& path, absl::string_view why) {
  return absl::DataLossError(absl::StrCat(path.string(),
                                          " is no checkpoint of m3lung-train, or of another "
                                          "version of it, or is damaged; give another --run: ",
                                          why));
}

absl::Status SaveCheckpoint(const fs::path& path, const CheckpointNotes& notes,
                            const torch::nn::Module& net,
                            const torch::optim::Optimizer& optimizer) {
  std::ostringstream bytes;
  try {
    torch::serialize::OutputArchive archive, net_archive, optimizer_archive;
    archive.write(kNotes, c10::IValue(notes.dump()));
    net.save(net_archive);
    archive.write(kNet, net_archive);
    optimizer.save(optimizer_archive);
    archive.write(kOptimizer, optimizer_archive);
    archive.save_to(bytes);
  } catch (const c10::Error& e) {
    return absl::InternalError(
        absl::StrCat("cannot make ", path.string(), ": ", e.what_without_backtrace()));
  }
  return WriteFile(path, bytes.str());
}

absl::StatusOr<CheckpointNotes> ReadCheckpointNotes(const fs::path& path,
                                                    const std::string& kind) try {
  M3L_ASSIGN_OR_RETURN(torch::serialize::InputArchive archive, Open(path, torch::kCPU));
  c10::IValue text;
  if (!archive.try_read(kNotes, text) || !text.isString()) {
    return NotACheckpoint(path, "it has no notes");
  }
  CheckpointNotes notes = CheckpointNotes::parse(text.toStringRef(), nullptr, false);
  if (notes.is_discarded() || notes.value("kind", "") != kind) {
    return NotACheckpoint(path, absl::StrCat("it holds no ", kind, " network"));
  }
  return notes;
} catch (const c10::Error& e) {
  return NotACheckpoint(path, e.what_without_backtrace());
} catch (const CheckpointNotes::exception& e) {
  return NotACheckpoint(path, e.what());
}

absl::Status LoadCheckpoint(const fs::path& path, torch::nn::Module& net,
                            torch::optim::Optimizer* optimizer) {
  // Weights and momentum go where the network is.
  const std::vector<torch::Tensor> parameters = net.parameters();
  const torch::Device device =
      parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
  M3L_ASSIGN_OR_RETURN(torch::serialize::InputArchive archive, Open(path, device));
  try {
    torch::serialize::InputArchive net_archive;
    archive.read(kNet, net_archive);
    net.load(net_archive);
    if (optimizer != nullptr) {
      torch::serialize::InputArchive optimizer_archive;
      archive.read(kOptimizer, optimizer_archive);
      optimizer->load(optimizer_archive);
    }
  } catch (const c10::Error& e) {
    return NotACheckpoint(path, e.what_without_backtrace());
  }
  return absl::OkStatus();
}

absl::Status CheckSameTraining(const CheckpointNotes& there, const CheckpointNotes& asked) {
  for (const auto& [name, value] : asked.items()) {
    const auto found = there.find(name);
    if (found != there.end() && *found == value) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the run that is there was made with ", name, "=",
                     found == there.end() ? "nothing" : found->dump(), ", not ", value.dump(),
                     "; give another --run, or the same options to go on with it"));
  }
  return absl::OkStatus();
}

}  // namespace m3lung
