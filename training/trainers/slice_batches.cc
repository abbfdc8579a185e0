// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/slice_batches.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"
#include "opencv2/imgproc.hpp"
#include "torch/torch.h"

namespace m3lung {
namespace {

// Streams of random numbers that have nothing to do with each other.
uint64_t Mixed(uint64_t seed, uint64_t a, uint64_t b) {
  uint64_t h = seed * 0x9e3779b97f4a7c15u + a * 0xc2b2ae3d27d4eb4fu + b * 0x165667b19e3779f9u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

// Pass `pass` over so many.
std::vector<int64_t> Shuffled(int64_t count, uint64_t seed, int64_t pass) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(Mixed(seed, 0x0de7, static_cast<uint64_t>(pass)));
  for (int64_t i = count - 1; i > 0; --i) {
    std::swap(order[i], order[random.Index(static_cast<int>(i + 1))]);
  }
  return order;
}

// Places [first, last) of an endless row of shuffled passes over so many.
std::vector<int64_t> PartOfRow(int64_t count, uint64_t seed, int64_t first, int64_t last) {
  std::vector<int64_t> part;
  while (first < last) {
    const std::vector<int64_t> pass = Shuffled(count, seed, first / count);
    const int64_t begin = first % count, end = std::min(count, begin + last - first);
    part.insert(part.end(), pass.begin() + begin, pass.begin() + end);
    first += end - begin;
  }
  return part;
}

template <typename T>
cv::Mat AsImage(const torch::Tensor& pixels) {
  return {static_cast<int>(pixels.size(0)), static_cast<int>(pixels.size(1)), cv::DataType<T>::type,
          const_cast<T*>(pixels.const_data_ptr<T>())};
}

// The share of each cell that `mask` covers, into `cells` [g, g] float32.
void Cover(const cv::Mat& mask, const torch::Tensor& cells) {
  cv::Mat values, shares;
  mask.convertTo(values, CV_32F);
  cv::resize(values, shares, AsImage<float>(cells).size(), 0, 0, cv::INTER_AREA);
  shares.copyTo(AsImage<float>(cells));
}

// Upper left corner, a multiple of kMaskCell, of a part of `side` pixels: such that a place of
// `mask` drawn at random lies in its inner half, or anywhere where `mask` shows none.
cv::Point CornerOfPart(const cv::Size& slice, const cv::Mat& mask, int side, Random& random) {
  constexpr int kCell = kMaskCell;
  const int last_x = (slice.width - side) / kCell, last_y = (slice.height - side) / kCell;
  std::vector<cv::Point> lesion;
  if (!mask.empty()) cv::findNonZero(mask, lesion);
  if (lesion.empty()) return {kCell * random.Index(last_x + 1), kCell * random.Index(last_y + 1)};
  const cv::Point& at = lesion[random.Index(static_cast<int>(lesion.size()))];
  const auto corner = [&](int middle, int last) {
    const double first = middle - side * random.Uniform(0.25, 0.75);
    return kCell * std::clamp(static_cast<int>(std::lround(first / kCell)), 0, last);
  };
  const int x = corner(at.x, last_x);
  return {x, corner(at.y, last_y)};
}

}  // namespace

absl::StatusOr<SliceSamples> CollectSliceSamples(const std::vector<PreparedStudy>& studies) {
  SliceSamples result;
  std::array<int64_t, kClasses> studies_of = {}, samples_of = {};
  for (const PreparedStudy& study : studies) {
    ++studies_of[static_cast<int>(study.label)];
    bool any_known = study.slices.empty();
    for (size_t i = 0; i < study.slices.size(); ++i) {
      const std::optional<bool> lesion = study.slices[i].lesion;
      if (!lesion.has_value()) continue;
      any_known = true;
      if (study.label != Label::kHealthy && !*lesion) {
        ++result.dropped;
        continue;
      }
      ++samples_of[static_cast<int>(study.label)];
      const auto at = static_cast<int64_t>(i);
      SliceSample& sample = result.samples.emplace_back();
      sample.hu = study.hu[at];
      sample.label = study.label;
      sample.lesion = study.label != Label::kHealthy;
      if (study.lesion_masks.defined()) sample.lesion_mask = study.lesion_masks[at];
    }
    if (!any_known) result.unlabelled.push_back(study.name);
  }
  for (const Label label : kLabels) {
    const int i = static_cast<int>(label);
    if (studies_of[i] > 0 && samples_of[i] == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "none of the ", studies_of[i], " studies of ", LabelName(label),
          " has a slice to train on; diseased studies need slice labels (column slice_labels of "
          "the data set)"));
    }
  }
  return result;
}

std::string DescribeUnlabelled(const SliceSamples& samples, Split split) {
  if (samples.unlabelled.empty()) return "";
  return absl::StrCat("left out ", samples.unlabelled.size(), " diseased studies of split ",
                      SplitName(split),
                      ", which have no slice labels: ", absl::StrJoin(samples.unlabelled, ", "));
}

int64_t BatchesPerEpoch(int64_t samples, const BatchOptions& options) {
  const int64_t images = options.images_per_epoch > 0 ? options.images_per_epoch : samples;
  return std::max<int64_t>(1, images / options.size);
}

std::vector<Label> LabelsOf(absl::Span<const SliceSample> samples) {
  std::vector<Label> labels;
  labels.reserve(samples.size());
  for (const SliceSample& sample : samples) labels.push_back(sample.label);
  return labels;
}

std::vector<int64_t> EpochOrder(absl::Span<const Label> labels, const BatchOptions& options,
                                int64_t epoch) {
  const auto samples = static_cast<int64_t>(labels.size());
  const int64_t images = BatchesPerEpoch(samples, options) * options.size;
  const int64_t first = epoch * images, last = first + images;
  if (!options.balanced) return PartOfRow(samples, options.seed, first, last);

  std::vector<std::vector<int64_t>> classes;  // the samples of each that there is
  for (const Label label : kLabels) {
    std::vector<int64_t> members;
    for (int64_t i = 0; i < samples; ++i) {
      if (labels[i] == label) members.push_back(i);
    }
    if (!members.empty()) classes.push_back(std::move(members));
  }
  const auto turns = static_cast<int64_t>(classes.size());
  std::vector<int64_t> order(static_cast<size_t>(images));
  for (int64_t turn = 0; turn < turns; ++turn) {
    // Of the places of the whole training those that are this class's turn: turn, turn +
    // turns, ...; the class's row goes on from one to the next.
    const auto before = [&](int64_t place) { return (place - turn + turns - 1) / turns; };
    const std::vector<int64_t> row = PartOfRow(
        static_cast<int64_t>(classes[turn].size()),
        Mixed(options.seed, 0xba1a, static_cast<uint64_t>(turn)), before(first), before(last));
    for (size_t i = 0; i < row.size(); ++i) {
      const int64_t place = (before(first) + static_cast<int64_t>(i)) * turns + turn;
      order[place - first] = classes[turn][row[i]];
    }
  }
  return order;
}

SliceBatch MakeBatch(absl::Span<const SliceSample> samples, absl::Span<const int64_t> order,
                     const BatchOptions& options, int64_t epoch, int64_t batch) {
  const int64_t size = options.size;
  const int64_t side = options.part > 0 ? options.part : samples[0].hu.size(0);
  const int64_t cells = side / kMaskCell;
  SliceBatch result = {.hu = torch::empty({size, side, side}, torch::kInt16),
                       .centres_hu = torch::empty({size}, torch::kFloat32),
                       .lesions = torch::empty({size}, torch::kInt64),
                       .labels = torch::empty({size}, torch::kInt64),
                       .places = torch::zeros({size, 2}, torch::kInt64),
                       .covers = {}};
  if (options.covers) result.covers = torch::zeros({size, cells, cells}, torch::kFloat32);
  for (int64_t k = 0; k < size; ++k) {
    const int64_t place = batch * size + k;
    const SliceSample& sample = samples[order[place]];
    Random random(
        Mixed(options.seed, static_cast<uint64_t>(epoch) + 1, static_cast<uint64_t>(place)));
    result.centres_hu.mutable_data_ptr<float>()[k] = static_cast<float>(random.Uniform(
        options.augmentation.lowest_centre_hu, options.augmentation.highest_centre_hu));
    const bool has_mask =
        (options.covers || options.part > 0) && sample.lesion && sample.lesion_mask.defined();
    cv::Mat mask = has_mask ? AsImage<uint8_t>(sample.lesion_mask) : cv::Mat();
    cv::Rect part;
    const cv::Mat hu = AugmentPart(
        AsImage<int16_t>(sample.hu), options.augmentation,
        [&](cv::Size slice, const cv::Mat& moved) {
          part = options.part > 0 ? cv::Rect(CornerOfPart(slice, moved, options.part, random),
                                             cv::Size(options.part, options.part))
                                  : cv::Rect({0, 0}, slice);
          return part;
        },
        random, has_mask ? &mask : nullptr);
    hu.copyTo(AsImage<int16_t>(result.hu[k]));
    result.places[k][0] = part.y / kMaskCell;
    result.places[k][1] = part.x / kMaskCell;
    if (options.covers && has_mask) {
      Cover(mask, result.covers[k]);
    } else if (options.covers && sample.lesion) {
      result.covers[k].fill_(-1);
    }
    result.lesions.mutable_data_ptr<int64_t>()[k] = sample.lesion ? 1 : 0;
    result.labels.mutable_data_ptr<int64_t>()[k] = static_cast<int64_t>(sample.label);
  }
  return result;
}

BatchPrefetcher::BatchPrefetcher(absl::Span<const SliceSample> samples, BatchOptions options,
                                 int64_t epochs, int64_t first_epoch, int64_t first_batch)
    : samples_(samples),
      options_(std::move(options)),
      worker_(
          [this, epochs, first_epoch, first_batch] { Work(epochs, first_epoch, first_batch); }) {}

BatchPrefetcher::~BatchPrefetcher() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
}

void BatchPrefetcher::Work(int64_t epochs, int64_t first_epoch, int64_t first_batch) {
  std::exception_ptr failure;
  try {
    MakeAll(epochs, first_epoch, first_batch);
  } catch (...) {  // too little memory, say; told to who waits for the batch
    failure = std::current_exception();
  }
  absl::MutexLock lock(&mu_);
  failure_ = failure;
  ended_ = true;
}

void BatchPrefetcher::MakeAll(int64_t epochs, int64_t first_epoch, int64_t first_batch) {
  const std::vector<Label> labels = LabelsOf(samples_);
  const int64_t batches = BatchesPerEpoch(static_cast<int64_t>(labels.size()), options_);
  for (int64_t epoch = first_epoch; epoch < epochs; ++epoch) {
    const std::vector<int64_t> order = EpochOrder(labels, options_, epoch);
    for (int64_t batch = epoch == first_epoch ? first_batch : 0; batch < batches; ++batch) {
      if (!Push(MakeBatch(samples_, order, options_, epoch, batch))) return;
    }
  }
}

bool BatchPrefetcher::Push(SliceBatch batch) {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &BatchPrefetcher::HasRoomOrStops));
  if (stopping_) return false;
  queue_.push_back(std::move(batch));
  return true;
}

std::optional<SliceBatch> BatchPrefetcher::Next() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &BatchPrefetcher::HasBatchOrEnded));
  if (queue_.empty() && failure_ != nullptr) std::rethrow_exception(failure_);
  if (queue_.empty()) return std::nullopt;
  SliceBatch batch = std::move(queue_.front());
  queue_.pop_front();
  return batch;
}

}  // namespace m3lung
