// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/slice_run.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "torch/torch.h"
#include "training/trainers/net_options.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = CheckpointNotes;

std::string Provenance(const Json& notes) {
  const Json& training = notes.at("training");
  const auto started_from = training.value("start_from", std::string());
  return absl::StrCat(
      started_from, started_from.empty() ? "" : "; then ", training.at("samples").get<int64_t>(),
      " slices, ", notes.at("epoch").get<int64_t>(), " epochs of ",
      training.at("images_per_epoch").get<int64_t>() > 0
          ? absl::StrCat(training.at("images_per_epoch").get<int64_t>())
          : std::string("all"),
      " images, batch ", training.at("batch_size").get<int>(), ", rate ",
      training.at("learning_rate").get<double>(), " (", training.at("schedule").get<std::string>(),
      "), ",
      training.value("part", 0) > 0
          ? absl::StrCat("parts of ", training.at("part").get<int>(), " pixels, ")
          : "",
      training.value("mask_weight", 0.0) > 0
          ? absl::StrCat("masks' loss times ", training.at("mask_weight").get<double>(), ", ")
          : "",
      "seed ", training.at("seed").get<uint64_t>());
}

}  // namespace

CheckpointNotes SliceTrainingNotes(const PreparedData& data, const SliceTrainingOptions& options,
                                   int64_t samples) {
  const AugmentationOptions& a = options.batches.augmentation;
  return {{"samples", samples},
          {"crop_mode", std::string(CropModeName(data.crop_mode))},
          {"epochs", options.epochs},
          {"batch_size", options.batches.size},
          {"images_per_epoch", options.batches.images_per_epoch},
          {"balanced", options.batches.balanced},
          {"part", options.batches.part},
          {"learning_rate", options.schedule.initial},
          {"schedule", std::string(ScheduleName(options.schedule.kind))},
          {"decay_every", options.schedule.decay_every},
          {"warm_up", options.schedule.warm_up},
          {"momentum", options.momentum},
          {"mask_weight", options.mask_weight},
          {"weight_decay", options.weight_decay},
          {"seed", options.batches.seed},
          {"augmentation",
           {{"flip", a.flip},
            {"centres_hu", {a.lowest_centre_hu, a.highest_centre_hu}},
            {"turn_degrees", a.turn_degrees},
            {"scale", {a.scale_low, a.scale_high}},
            {"shift", a.shift},
            {"noise_hu", a.noise_hu},
            {"blur_pixels", a.blur_pixels},
            {"density_shift_hu", a.density_shift_hu},
            {"bend", a.bend},
            {"bowel_share", a.bowel_share},
            {"lung_shift_hu", a.lung_shift_hu},
            {"lung_slope_hu", a.lung_slope_hu},
            {"lung_mottle_hu", a.lung_mottle_hu},
            {"lung_spread", a.lung_spread}}},
          {"initial_weights", options.initial_weights.filename().string()},
          {"start_from", ""},
          {"precision", std::string(PrecisionName(options.precision.value_or(Precision::kFp32)))}};
}

absl::StatusOr<TrainedSliceNet> LoadSliceNet(const fs::path& run, bool finished_only) try {
  const fs::path path = run / kSliceCheckpoint;
  M3L_ASSIGN_OR_RETURN(const Json notes, ReadCheckpointNotes(path, kSliceKind));
  if (finished_only && !notes.value("finished", false)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path.string(), " is of a training that has not ended (", notes.at("epoch").get<int64_t>(),
        " epochs done); run m3lung-train slice "
        "again to go on with it"));
  }
  M3L_ASSIGN_OR_RETURN(const SliceNetOptions options, SliceNetOptionsFrom(notes.at("net")));
  TrainedSliceNet trained;
  trained.net = SliceNet(options);
  M3L_RETURN_IF_ERROR(LoadCheckpoint(path, *trained.net));
  trained.net->eval();
  trained.provenance = Provenance(notes);
  return trained;
} catch (const Json::exception& e) {
  return NotACheckpoint(run / kSliceCheckpoint, e.what());
}

absl::StatusOr<std::string> TakeSliceWeights(const fs::path& run, const SliceNetOptions& options,
                                             SliceNet& net) {
  M3L_ASSIGN_OR_RETURN(const TrainedSliceNet start, LoadSliceNet(run, /*finished_only=*/false));
  const Json there = m3lung::ToJson(start.net->options()), asked = m3lung::ToJson(options);
  if (there != asked) {
    return absl::InvalidArgumentError(absl::StrCat("the network of ", run.string(), " is ",
                                                   there.dump(), ", not ", asked.dump(),
                                                   "; begin with one of the same options"));
  }
  const torch::NoGradGuard no_grad;
  for (const auto& item : start.net->named_parameters()) {
    net->named_parameters()[item.key()].copy_(item.value());
  }
  for (const auto& item : start.net->named_buffers()) {
    net->named_buffers()[item.key()].copy_(item.value());
  }
  return start.provenance;
}

}  // namespace m3lung
