// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/patient_trainer.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "torch/torch.h"
#include "training/progress.h"
#include "training/trainers/checkpoint.h"
#include "training/trainers/net_options.h"
#include "training/trainers/optimizer.h"
#include "training/trainers/scalars.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kKind[] = "patient";

Json TrainingNotes(const PatientTrainingOptions& options, size_t studies) {
  return {{"studies", studies},
          {"epochs", options.epochs},
          {"batch_size", options.batch_size},
          {"learning_rate", options.schedule.initial},
          {"schedule", std::string(ScheduleName(options.schedule.kind))},
          {"decay_every", options.schedule.decay_every},
          {"warm_up", options.schedule.warm_up},
          {"optimizer", std::string(OptimizerName(options.optimizer))},
          {"weight_decay", options.weight_decay},
          {"least_slices", options.least_slices},
          {"seed", options.seed}};
}

// A random part of the slices, in their order.
torch::Tensor LeaveOut(const torch::Tensor& features, double least, Random& random) {
  if (least >= 1) return features;
  const double share = random.Uniform(least, 1);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < features.size(0); ++i) {
    if (random.Uniform(0, 1) < share) kept.push_back(i);
  }
  if (kept.empty()) return features;
  return features.index_select(0, torch::tensor(kept));
}

struct Mean {
  double loss = 0;
  double accuracy = 0;
};

// Over all of `studies`, in evaluation mode.
Mean Evaluate(PatientNet& net, const std::vector<const StudyFeatures*>& studies) {
  const torch::NoGradGuard no_grad;
  net->eval();
  Mean mean;
  for (const StudyFeatures* study : studies) {
    const torch::Tensor logits = net->forward(study->features).unsqueeze(0);
    const torch::Tensor label = torch::tensor({static_cast<int64_t>(study->label)});
    mean.loss += torch::nn::functional::cross_entropy(logits, label).item<double>();
    mean.accuracy += logits.argmax(1).eq(label).item<bool>() ? 1 : 0;
  }
  const double count = static_cast<double>(std::max<size_t>(1, studies.size()));
  return {mean.loss / count, mean.accuracy / count};
}

class PatientTraining {
 public:
  PatientTraining(const PatientTrainingOptions& options, fs::path checkpoint, fs::path scalars,
                  std::vector<const StudyFeatures*> train,
                  std::vector<const StudyFeatures*> validation)
      : options_(options),
        checkpoint_(std::move(checkpoint)),
        scalars_file_(std::move(scalars)),
        train_(std::move(train)),
        validation_(std::move(validation)),
        training_(TrainingNotes(options, train_.size())),
        net_(options.net),
        optimizer_(MakeOptimizer(options.optimizer, net_->parameters(), options.schedule.initial,
                                 options.weight_decay)) {}

  absl::Status Resume() try {
    const absl::StatusOr<Json> notes = ReadCheckpointNotes(checkpoint_, kKind);
    if (absl::IsNotFound(notes.status())) return absl::OkStatus();
    M3L_RETURN_IF_ERROR(notes.status());
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("net"), ToJson(options_.net)));
    M3L_RETURN_IF_ERROR(CheckSameTraining(notes->at("training"), training_));
    M3L_RETURN_IF_ERROR(LoadCheckpoint(checkpoint_, *net_, optimizer_.get()));
    epoch_ = notes->at("epoch");
    scalars_ = notes->at("scalars");
    return absl::OkStatus();
  } catch (const Json::exception& e) {
    return NotACheckpoint(checkpoint_, e.what());
  }

  // Epochs are short: a stop waits for the end of one.
  absl::StatusOr<TrainingEnd> Run(const StopRequested& stop) {
    Progress progress("patient", "epochs", options_.epochs);
    progress.Skip(epoch_);
    while (epoch_ < options_.epochs) {
      const double rate = options_.schedule.At(static_cast<double>(epoch_), options_.epochs);
      const Mean trained = TrainEpoch(rate);
      Json row = {{"epoch", epoch_ + 1},
                  {"learning_rate", rate},
                  {"loss", trained.loss},
                  {"accuracy", trained.accuracy}};
      if (!validation_.empty()) {
        const Mean mean = Evaluate(net_, validation_);
        row["validation_loss"] = mean.loss;
        row["validation_accuracy"] = mean.accuracy;
      }
      scalars_.push_back(std::move(row));
      ++epoch_;
      M3L_RETURN_IF_ERROR(Save());
      progress.Advance(1, absl::StrFormat("loss %.3f, %.1f %% of studies right", trained.loss,
                                          100 * trained.accuracy));
      if (stop() && epoch_ < options_.epochs) return TrainingEnd::kStopped;
    }
    return TrainingEnd::kFinished;
  }

 private:
  Mean TrainEpoch(double rate) {
    for (auto& group : optimizer_->param_groups()) group.options().set_lr(rate);
    net_->train();
    // A function of seed and epoch alone, so that a training that goes on sees what
    // it would have seen.
    Random random(options_.seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(epoch_) + 1);
    std::vector<size_t> order(train_.size());
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size() - 1; i > 0; --i) {
      std::swap(order[i], order[static_cast<size_t>(random.Index(static_cast<int>(i + 1)))]);
    }
    Mean mean;
    const auto batch_size = static_cast<size_t>(options_.batch_size);
    for (size_t first = 0; first < order.size(); first += batch_size) {
      const size_t last = std::min(order.size(), first + batch_size);
      optimizer_->zero_grad();
      for (size_t k = first; k < last; ++k) {
        const StudyFeatures& study = *train_[order[k]];
        const torch::Tensor logits =
            net_->forward(LeaveOut(study.features, options_.least_slices, random)).unsqueeze(0);
        const torch::Tensor label = torch::tensor({static_cast<int64_t>(study.label)});
        const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, label);
        // Studies have different numbers of slices, so each is a pass of its own.
        (loss / static_cast<double>(last - first)).backward();
        mean.loss += loss.item<double>();
        mean.accuracy += logits.argmax(1).eq(label).item<bool>() ? 1 : 0;
      }
      optimizer_->step();
    }
    const double count = static_cast<double>(order.size());
    return {mean.loss / count, mean.accuracy / count};
  }

  absl::Status Save() {
    M3L_RETURN_IF_ERROR(SaveCheckpoint(checkpoint_,
                                       {{"kind", kKind},
                                        {"net", ToJson(options_.net)},
                                        {"training", training_},
                                        {"epoch", epoch_},
                                        {"finished", epoch_ == options_.epochs},
                                        {"scalars", scalars_}},
                                       *net_, *optimizer_));
    return WriteScalars(scalars_file_, scalars_);
  }

  const PatientTrainingOptions options_;
  const fs::path checkpoint_, scalars_file_;
  const std::vector<const StudyFeatures*> train_, validation_;
  const Json training_;

  PatientNet net_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;

  int64_t epoch_ = 0;
  Json scalars_ = Json::array();
};

}  // namespace

absl::StatusOr<TrainingEnd> TrainPatientNet(const std::vector<StudyFeatures>& studies,
                                            const PatientTrainingOptions& options,
                                            const fs::path& run, const std::string& name,
                                            const StopRequested& stop) {
  M3L_RETURN_IF_ERROR(Validate(options.net));
  std::vector<const StudyFeatures*> train, validation;
  for (const StudyFeatures& study : studies) {
    if (study.features.size(0) == 0) continue;
    if (study.features.size(1) != options.net.feature_size) {
      return absl::InvalidArgumentError(absl::StrCat("the features have ", study.features.size(1),
                                                     " numbers, the network takes ",
                                                     options.net.feature_size));
    }
    if (study.split == Split::kTrain) train.push_back(&study);
    if (study.split == Split::kValidation) validation.push_back(&study);
  }
  if (train.empty()) return absl::InvalidArgumentError("there is no study of split train");
  M3L_RETURN_IF_ERROR(MakeFolder(run));
  if (options.threads > 0) torch::set_num_threads(options.threads);
  torch::manual_seed(options.seed);
  PatientTraining training(options, run / (name + ".pt"), run / (name + "-scalars.csv"),
                           std::move(train), std::move(validation));
  M3L_RETURN_IF_ERROR(training.Resume());
  return training.Run(stop);
}

absl::StatusOr<TrainedPatientNet> LoadPatientNet(const fs::path& run, const std::string& name) try {
  const fs::path path = run / (name + ".pt");
  M3L_ASSIGN_OR_RETURN(const Json notes, ReadCheckpointNotes(path, kKind));
  if (!notes.value("finished", false)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(),
                     " is of a training that has not ended; run m3lung-train "
                     "patient again to go on with it"));
  }
  M3L_ASSIGN_OR_RETURN(const PatientNetOptions options, PatientNetOptionsFrom(notes.at("net")));
  TrainedPatientNet trained;
  trained.net = PatientNet(options);
  M3L_RETURN_IF_ERROR(LoadCheckpoint(path, *trained.net));
  trained.net->eval();
  const Json& training = notes.at("training");
  trained.provenance = absl::StrCat(
      training.at("studies").get<int>(), " studies, ", training.at("epochs").get<int>(),
      " epochs, batch ", training.at("batch_size").get<int>(), ", ",
      training.at("optimizer").get<std::string>(), " at rate ",
      training.at("learning_rate").get<double>(), ", seed ", training.at("seed").get<uint64_t>());
  return trained;
} catch (const Json::exception& e) {
  return NotACheckpoint(run / (name + ".pt"), e.what());
}

}  // namespace m3lung
