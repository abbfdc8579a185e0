// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/slice_trainer.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/output_checks.h"
#include "base/status_macros.h"
#include "model/engine/cuda_library.h"
#include "opencv2/core/utility.hpp"
#include "torch/torch.h"
#include "training/progress.h"
#include "training/trainers/checkpoint.h"
#include "training/trainers/initial_weights.h"
#include "training/trainers/mask_loss.h"
#include "training/trainers/mixed_precision.h"
#include "training/trainers/net_options.h"
#include "training/trainers/optimizer.h"
#include "training/trainers/scalars.h"
#include "training/trainers/slice_losses.h"
#include "training/trainers/slice_run.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Also within a long epoch, so that little is lost when the machine goes.
constexpr absl::Duration kSaveEvery = absl::Minutes(10);
// Slices of the validation split that are looked at after an epoch, evenly spaced.
constexpr int64_t kValidationSlices = 512;

void ToChannelsLast(SliceNet& net) {
  for (torch::Tensor& parameter : net->parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
}

// One training from its beginning, or from a checkpoint, to its end or a stop.
class SliceTraining {
 public:
  SliceTraining(const PreparedData& data, const SliceTrainingOptions& options, fs::path run,
                torch::Device device, SliceNet net, const std::string& started_from,
                std::vector<SliceSample> samples, std::vector<SliceSample> validation)
      : options_(options),
        run_(std::move(run)),
        device_(device),
        samples_(std::move(samples)),
        validation_(std::move(validation)),
        batches_(BatchesPerEpoch(static_cast<int64_t>(samples_.size()), options.batches)),
        training_(SliceTrainingNotes(data, options, static_cast<int64_t>(samples_.size()))),
        net_(std::move(net)) {
    training_["start_from"] = started_from;
    net_->to(device_);
    ToChannelsLast(net_);
    optimizer_ = MakeOptimizer(OptimizerKind::kSgd, net_->parameters(), options.schedule.initial,
                               options.weight_decay, options.momentum);
  }

  absl::Status Resume() try {
    const absl::StatusOr<Json> notes = ReadCheckpointNotes(Checkpoint(), kSliceKind);
    if (absl::IsNotFound(notes.status())) return absl::OkStatus();
    M3L_RETURN_IF_ERROR(notes.status());
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("net"), m3lung::ToJson(options_.net)));
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("training"), training_));
    M3L_RETURN_IF_ERROR(LoadCheckpoint(Checkpoint(), *net_, optimizer_.get()));
    ToChannelsLast(net_);
    epoch_ = notes->at("epoch");
    batch_ = notes->at("batch");
    sums_ = SliceSumsFrom(notes->at("sums"));
    scalars_ = notes->at("scalars");
    return absl::OkStatus();
  } catch (const Json::exception& e) {
    return NotACheckpoint(Checkpoint(), e.what());
  }

  absl::StatusOr<TrainingEnd> Run(const StopRequested& stop) {
    Progress progress("slice", "batches", options_.epochs * batches_);
    progress.Skip(epoch_ * batches_ + batch_);
    BatchPrefetcher prefetcher(samples_, options_.batches, options_.epochs, epoch_, batch_);
    absl::Time saved = Clock::Real().Now();
    while (epoch_ < options_.epochs) {
      Step(*prefetcher.Next());
      progress.Advance(1,
                       absl::StrFormat("epoch %d, loss %.3f, %.1f %% of classes right", epoch_ + 1,
                                       (sums_.lesion_loss + sums_.class_loss) / sums_.images,
                                       100.0 * sums_.classes_right / sums_.images));
      if (++batch_ == batches_) {
        M3L_RETURN_IF_ERROR(EndEpoch());
        saved = Clock::Real().Now();
      } else if (Clock::Real().Now() - saved >= kSaveEvery) {
        M3L_RETURN_IF_ERROR(Save());
        saved = Clock::Real().Now();
      }
      if (stop() && epoch_ < options_.epochs) {
        M3L_RETURN_IF_ERROR(Save());
        return TrainingEnd::kStopped;
      }
    }
    return TrainingEnd::kFinished;
  }

 private:
  fs::path Checkpoint() const { return run_ / kSliceCheckpoint; }

  double LearningRate() const {
    return options_.schedule.At(
        static_cast<double>(epoch_) + static_cast<double>(batch_) / static_cast<double>(batches_),
        options_.epochs);
  }

  ImageScores Score(const SliceBatch& batch) {
    const AutocastScope autocast(device_, options_.precision == Precision::kBf16);
    const torch::Tensor images =
        net_->windows()->CutAt(batch.hu.to(device_), batch.centres_hu.to(device_));
    const bool whole = batch.hu.size(1) == options_.net.input_size;
    return whole ? net_->ScoreImages(images) : net_->ScoreParts(images, batch.places);
  }

  void Step(const SliceBatch& batch) {
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::SGDOptions&>(group.options()).lr(LearningRate());
    }
    net_->train();
    const torch::Tensor lesions = batch.lesions.to(device_), labels = batch.labels.to(device_);
    optimizer_->zero_grad();
    const ImageScores scores = Score(batch);
    const SliceLosses losses = LossesOf(scores, lesions, labels);
    torch::Tensor total = losses.Total();
    if (options_.mask_weight > 0) {
      const torch::Tensor mask = MaskLoss(*net_, scores, batch.covers.to(device_), labels);
      total = total + options_.mask_weight * mask;
      sums_.mask_loss += mask.item<double>() * static_cast<double>(labels.size(0));
    }
    total.backward();
    optimizer_->step();
    Add(scores, losses, lesions, labels, sums_);
  }

  Json Validate() {
    const torch::NoGradGuard no_grad;
    net_->eval();
    SliceSums sums;
    const auto total = static_cast<int64_t>(validation_.size());
    const int64_t count = std::min(total, kValidationSlices);
    BatchOptions plain;  // through the middle window, unchanged
    plain.augmentation = {.flip = false, .lowest_centre_hu = -600, .highest_centre_hu = -600};
    for (int64_t first = 0; first < count; first += options_.batches.size) {
      std::vector<int64_t> order;
      for (int64_t k = first; k < std::min(count, first + options_.batches.size); ++k) {
        order.push_back(k * total / count);
      }
      plain.size = static_cast<int>(order.size());
      const SliceBatch batch = MakeBatch(validation_, order, plain, 0, 0);
      const torch::Tensor lesions = batch.lesions.to(device_), labels = batch.labels.to(device_);
      const ImageScores scores = Score(batch);
      Add(scores, LossesOf(scores, lesions, labels), lesions, labels, sums);
    }
    return ScalarsOf(sums, "validation_");
  }

  absl::Status EndEpoch() {
    Json row = {{"epoch", epoch_ + 1}, {"learning_rate", LearningRate()}};
    row.update(ScalarsOf(sums_, ""));
    if (options_.mask_weight > 0) {
      row["mask_loss"] = sums_.mask_loss / static_cast<double>(std::max<int64_t>(1, sums_.images));
    }
    if (!validation_.empty()) row.update(Validate());
    scalars_.push_back(std::move(row));
    ++epoch_;
    batch_ = 0;
    sums_ = {};
    M3L_RETURN_IF_ERROR(Save());
    return WriteScalars(run_ / kSliceScalars, scalars_);
  }

  absl::Status Save() {
    return SaveCheckpoint(Checkpoint(),
                          {{"kind", kSliceKind},
                           {"net", m3lung::ToJson(options_.net)},
                           {"training", training_},
                           {"epoch", epoch_},
                           {"batch", batch_},
                           {"finished", epoch_ == options_.epochs},
                           {"sums", ToJson(sums_)},
                           {"scalars", scalars_}},
                          *net_, *optimizer_);
  }

  const SliceTrainingOptions options_;
  const fs::path run_;
  const torch::Device device_;
  const std::vector<SliceSample> samples_, validation_;
  const int64_t batches_;  // an epoch
  Json training_;

  SliceNet net_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;

  int64_t epoch_ = 0, batch_ = 0;  // the next one
  SliceSums sums_;
  Json scalars_ = Json::array();
};

// Of one split. Tells standard error of the studies that have to be left out.
absl::StatusOr<SliceSamples> SamplesOf(const PreparedData& data, Split split) {
  std::vector<PreparedStudy> studies;
  for (const PreparedStudy& study : data.studies) {
    if (study.split == split) studies.push_back(study);
  }
  absl::StatusOr<SliceSamples> samples = CollectSliceSamples(studies);
  if (!samples.ok()) {
    return absl::Status(samples.status().code(),
                        absl::StrCat("split ", SplitName(split), ": ", samples.status().message()));
  }
  const std::string left_out = DescribeUnlabelled(*samples, split);
  if (!left_out.empty()) std::cerr << left_out << "\n";
  return samples;
}

// What a checkpoint takes: weights and momentum. Each is written beside the one that it replaces.
int64_t CheckpointBytes(const torch::nn::Module& net) {
  int64_t bytes = 0;
  for (const torch::Tensor& parameter : net.parameters()) {
    bytes += 2 * parameter.numel() * parameter.element_size();
  }
  return bytes;
}

absl::Status CheckOptions(const PreparedData& data, const SliceTrainingOptions& options) {
  M3L_RETURN_IF_ERROR(Validate(options.net));
  if (options.net.input_size != data.input_size) {
    return absl::InvalidArgumentError(absl::StrCat("the prepared slices have a side of ",
                                                   data.input_size, " pixels, the network takes ",
                                                   options.net.input_size));
  }
  if (options.batches.part % 32 != 0 || options.batches.part > data.input_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("a part of a slice must be a multiple of 32 pixels, up to the slice's ",
                     data.input_size, "; was ", options.batches.part));
  }
  if (options.mask_weight > 0 && !options.net.multi_task) {
    return absl::InvalidArgumentError(
        "a weight of the masks' loss needs multi_task: it is taken at the lesion classifier");
  }
  return absl::OkStatus();
}

// Of those with lesions.
bool AllMasks(absl::Span<const SliceSample> samples) {
  return std::all_of(samples.begin(), samples.end(), [](const SliceSample& sample) {
    return !sample.lesion || sample.lesion_mask.defined();
  });
}

bool AnyMask(absl::Span<const SliceSample> samples) {
  return std::any_of(samples.begin(), samples.end(),
                     [](const SliceSample& sample) { return sample.lesion_mask.defined(); });
}

}  // namespace

absl::StatusOr<TrainingEnd> TrainSliceNet(const PreparedData& data,
                                          const SliceTrainingOptions& options, const fs::path& run,
                                          const StopRequested& stop) {
  M3L_RETURN_IF_ERROR(CheckOptions(data, options));
  M3L_ASSIGN_OR_RETURN(const torch::Device device, OpenDevice(options.device));
  SliceTrainingOptions chosen = options;
  M3L_ASSIGN_OR_RETURN(chosen.precision, ChooseTrainingPrecision(options.precision, device));
  chosen.batches.covers = options.mask_weight > 0;
  M3L_ASSIGN_OR_RETURN(SliceSamples train, SamplesOf(data, Split::kTrain));
  M3L_ASSIGN_OR_RETURN(SliceSamples validation, SamplesOf(data, Split::kValidation));
  if (options.mask_weight > 0 && !AnyMask(train.samples)) {
    return absl::InvalidArgumentError(
        "no study of split train has masks of its lesions, which --mask-weight is for; give the "
        "data set's column truth, or leave the weight at 0");
  }
  if (options.batches.part > 0 && !AllMasks(train.samples)) {
    return absl::InvalidArgumentError(
        "a slice with lesions has no mask of them, which --part cuts about; give the data set's "
        "column truth for all studies of split train, or train on whole slices");
  }
  if (static_cast<int64_t>(train.samples.size()) < options.batches.size) {
    return absl::InvalidArgumentError(absl::StrCat("there are ", train.samples.size(),
                                                   " slices to train on, fewer than a batch of ",
                                                   options.batches.size));
  }
  if (options.threads > 0) torch::set_num_threads(options.threads);
  cv::setNumThreads(1);  // one thread makes batches beside those that train
  torch::manual_seed(options.batches.seed);
  SliceNet net(options.net);
  if (!options.initial_weights.empty()) {
    M3L_RETURN_IF_ERROR(LoadInitialWeights(options.initial_weights, net));
  }
  std::string started_from;
  if (!options.start_from.empty()) {
    M3L_ASSIGN_OR_RETURN(started_from, TakeSliceWeights(options.start_from, options.net, net));
  }
  M3L_RETURN_IF_ERROR(MakeFolder(run));
  std::error_code ignored;
  const bool goes_on = fs::exists(run / kSliceCheckpoint, ignored);
  M3L_RETURN_IF_ERROR(CheckRoom(run, (goes_on ? 1 : 2) * CheckpointBytes(*net)));
  SliceTraining training(data, chosen, run, device, net, started_from, std::move(train.samples),
                         std::move(validation.samples));
  M3L_RETURN_IF_ERROR(training.Resume());
  return training.Run(stop);
}

}  // namespace m3lung
