#include "training/trainers/slice_trainer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "model/cuda_library.h"
#include "opencv2/core/utility.hpp"
#include "torch/torch.h"
#include "training/progress.h"
#include "training/trainers/checkpoint.h"
#include "training/trainers/initial_weights.h"
#include "training/trainers/mask_loss.h"
#include "training/trainers/mixed_precision.h"
#include "training/trainers/net_options.h"
#include "training/trainers/scalars.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kKind[] = "slice";
// Also within a long epoch, so that little is lost when the machine goes.
constexpr absl::Duration kSaveEvery = absl::Minutes(10);
// Slices of the validation split that are looked at after an epoch, evenly spaced.
constexpr int64_t kValidationSlices = 512;

// What the result depends on.
Json TrainingNotes(const PreparedData& data, const SliceTrainingOptions& options, int64_t samples) {
  const AugmentationOptions& a = options.batches.augmentation;
  return {{"samples", samples},
          {"crop_mode", data.crop_mode},
          {"epochs", options.epochs},
          {"batch_size", options.batches.size},
          {"images_per_epoch", options.batches.images_per_epoch},
          {"balanced", options.batches.balanced},
          {"part", options.batches.part},
          {"learning_rate", options.schedule.initial},
          {"schedule", options.schedule.kind},
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
            {"gas_share", a.gas_share},
            {"lung_shift_hu", a.lung_shift_hu},
            {"lung_slope_hu", a.lung_slope_hu},
            {"lung_mottle_hu", a.lung_mottle_hu},
            {"lung_spread", a.lung_spread}}},
          {"initial_weights", options.initial_weights.filename().string()},
          {"start_from", ""},
          {"precision", options.precision}};
}

void ToChannelsLast(SliceNet& net) {
  for (torch::Tensor& parameter : net->parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
}

// Sums over the images of an epoch, so that the means are exact whatever
// interrupts it.
struct Sums {
  int64_t images = 0;
  double lesion_loss = 0, class_loss = 0, mask_loss = 0;
  int64_t lesions_right = 0, classes_right = 0;
};

Json ToJson(const Sums& sums) {
  return {{"images", sums.images},
          {"lesion_loss", sums.lesion_loss},
          {"class_loss", sums.class_loss},
          {"mask_loss", sums.mask_loss},
          {"lesions_right", sums.lesions_right},
          {"classes_right", sums.classes_right}};
}

Sums SumsFrom(const Json& json) {
  return {.images = json.at("images"),
          .lesion_loss = json.at("lesion_loss"),
          .class_loss = json.at("class_loss"),
          .mask_loss = json.at("mask_loss"),
          .lesions_right = json.at("lesions_right"),
          .classes_right = json.at("classes_right")};
}

struct Losses {
  torch::Tensor lesion, classes;  // means over the batch; `lesion` undefined without multi_task

  torch::Tensor Total() const { return lesion.defined() ? lesion + classes : classes; }
};

Losses LossesOf(const ImageScores& scores, const torch::Tensor& lesions,
                const torch::Tensor& labels) {
  Losses losses;
  losses.classes =
      torch::nn::functional::cross_entropy(scores.class_logits.to(torch::kFloat32), labels);
  if (scores.lesion_logits.defined()) {
    losses.lesion =
        torch::nn::functional::cross_entropy(scores.lesion_logits.to(torch::kFloat32), lesions);
  }
  return losses;
}

int64_t CountRight(const torch::Tensor& logits, const torch::Tensor& truth) {
  return logits.argmax(1).eq(truth).sum().item<int64_t>();
}

void Add(const ImageScores& scores, const Losses& losses, const torch::Tensor& lesions,
         const torch::Tensor& labels, Sums& sums) {
  const int64_t images = labels.size(0);
  sums.images += images;
  sums.class_loss += losses.classes.item<double>() * static_cast<double>(images);
  sums.classes_right += CountRight(scores.class_logits, labels);
  if (!losses.lesion.defined()) return;
  sums.lesion_loss += losses.lesion.item<double>() * static_cast<double>(images);
  sums.lesions_right += CountRight(scores.lesion_logits, lesions);
}

Json ScalarsOf(const Sums& sums, absl::string_view prefix) {
  const double images = static_cast<double>(std::max<int64_t>(1, sums.images));
  const auto name = [&](absl::string_view scalar) { return absl::StrCat(prefix, scalar); };
  return {{name("lesion_loss"), sums.lesion_loss / images},
          {name("class_loss"), sums.class_loss / images},
          {name("lesion_accuracy"), static_cast<double>(sums.lesions_right) / images},
          {name("class_accuracy"), static_cast<double>(sums.classes_right) / images}};
}

// Gives `net` the weights of another training's network. How that was trained, in a line.
absl::StatusOr<std::string> TakeWeights(const fs::path& run, const SliceNetOptions& options,
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
        training_(TrainingNotes(data, options, static_cast<int64_t>(samples_.size()))),
        net_(std::move(net)) {
    training_["start_from"] = started_from;
    net_->to(device_);
    ToChannelsLast(net_);
    optimizer_.emplace(net_->parameters(), torch::optim::SGDOptions(options.schedule.initial)
                                               .momentum(options.momentum)
                                               .weight_decay(options.weight_decay));
  }

  absl::Status Resume() {
    const absl::StatusOr<Json> notes = ReadCheckpointNotes(Checkpoint(), kKind);
    if (absl::IsNotFound(notes.status())) return absl::OkStatus();
    M3L_RETURN_IF_ERROR(notes.status());
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("net"), m3lung::ToJson(options_.net)));
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("training"), training_));
    M3L_RETURN_IF_ERROR(LoadCheckpoint(Checkpoint(), *net_, &*optimizer_));
    ToChannelsLast(net_);
    epoch_ = notes->at("epoch");
    batch_ = notes->at("batch");
    sums_ = SumsFrom(notes->at("sums"));
    scalars_ = notes->at("scalars");
    return absl::OkStatus();
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
    const AutocastScope autocast(device_, options_.precision == "bf16");
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
    const Losses losses = LossesOf(scores, lesions, labels);
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
    Sums sums;
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
                          {{"kind", kKind},
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
  std::optional<torch::optim::SGD> optimizer_;

  int64_t epoch_ = 0, batch_ = 0;  // the next one
  Sums sums_;
  Json scalars_ = Json::array();
};

std::vector<PreparedStudy> OfSplit(const PreparedData& data, Split split) {
  std::vector<PreparedStudy> studies;
  for (const PreparedStudy& study : data.studies) {
    if (study.split == split) studies.push_back(study);
  }
  return studies;
}

absl::Status CheckOptions(const PreparedData& data, const SliceTrainingOptions& options) {
  M3L_RETURN_IF_ERROR(Validate(options.net));
  if (options.net.input_size != data.input_size) {
    return absl::InvalidArgumentError(absl::StrCat("the prepared slices have a side of ",
                                                   data.input_size, " pixels, the network takes ",
                                                   options.net.input_size));
  }
  if (options.schedule.kind != "step" && options.schedule.kind != "linear") {
    return absl::InvalidArgumentError(
        absl::StrCat("a schedule must be step or linear; was \"", options.schedule.kind, "\""));
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
  M3L_ASSIGN_OR_RETURN(chosen.precision, ChoosePrecision(options.precision, device));
  chosen.batches.covers = options.mask_weight > 0;
  M3L_ASSIGN_OR_RETURN(SliceSamples train, CollectSliceSamples(OfSplit(data, Split::kTrain)));
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
  absl::StatusOr<SliceSamples> validation = CollectSliceSamples(OfSplit(data, Split::kValidation));
  if (options.threads > 0) torch::set_num_threads(options.threads);
  cv::setNumThreads(1);  // one thread makes batches beside those that train
  torch::manual_seed(options.batches.seed);
  SliceNet net(options.net);
  if (!options.initial_weights.empty()) {
    M3L_RETURN_IF_ERROR(LoadInitialWeights(options.initial_weights, net));
  }
  std::string started_from;
  if (!options.start_from.empty()) {
    M3L_ASSIGN_OR_RETURN(started_from, TakeWeights(options.start_from, options.net, net));
  }
  M3L_RETURN_IF_ERROR(MakeFolder(run));
  SliceTraining training(
      data, chosen, run, device, net, started_from, std::move(train.samples),
      validation.ok() ? std::move(validation->samples) : std::vector<SliceSample>());
  M3L_RETURN_IF_ERROR(training.Resume());
  return training.Run(stop);
}

absl::StatusOr<TrainedSliceNet> LoadSliceNet(const fs::path& run, bool finished_only) {
  const fs::path path = run / kSliceCheckpoint;
  M3L_ASSIGN_OR_RETURN(const Json notes, ReadCheckpointNotes(path, kKind));
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
  const Json& training = notes.at("training");
  const auto started_from = training.value("start_from", std::string());
  trained.provenance = absl::StrCat(
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
  return trained;
}

}  // namespace m3lung
