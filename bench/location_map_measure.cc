// Which measure of the location map lies on the lesions: trains a narrow slice
// network on synthetic slices, with labels alone, and compares the maps of each
// measure with the known lesions of studies it has not seen.
//
//   location_map_measure [--studies=N] [--steps=N] [--seed=N] ...   (--help)
//
// The table it prints stands in docs/adr/0004-location-map.md.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/thread_pool.h"
#include "model/slice_net.h"
#include "torch/torch.h"
#include "training/phantom_slices.h"

namespace m3lung {
namespace {

struct Options {
  int studies = 48;       // to train with
  int test_studies = 16;  // never trained with
  int slices = 16;        // of each study
  int size = 256;         // pixels
  int base_width = 8;
  int steps = 2500;
  int batch = 16;
  double rate = 0.02;
  int seed = 1;
  int lesion_pixels = 64;  // fewer in a slice: neither trained nor tested with
};

struct Set {
  torch::Tensor hu, masks;
  torch::Tensor lesion;  // int64 [N]: 0 without, 1 with
  torch::Tensor label;   // int64 [N]: the class, Healthy for a slice without lesion
};

Set MakeSet(const Options& options, int studies, uint64_t seed) {
  std::vector<Label> labels;
  for (int i = 0; i < studies; ++i) labels.push_back(static_cast<Label>(i % kClasses));
  const PhantomSlices slices = MakePhantomSlices(labels, options.slices, options.size, seed);
  const torch::Tensor pixels = slices.lesion_masks.flatten(1).sum(1);
  std::vector<int64_t> keep, lesion, label;
  for (int64_t i = 0; i < pixels.size(0); ++i) {
    const int64_t count = pixels[i].item<int64_t>();
    if (count > 0 && count < options.lesion_pixels) continue;
    keep.push_back(i);
    lesion.push_back(count > 0 ? 1 : 0);
    label.push_back(count > 0 ? static_cast<int64_t>(slices.labels[i]) : 0);
  }
  const torch::Tensor kept = torch::tensor(keep);
  return {slices.hu.index_select(0, kept), slices.lesion_masks.index_select(0, kept),
          torch::tensor(lesion), torch::tensor(label)};
}

void Train(SliceNet& net, const Set& set, const Options& options) {
  torch::optim::SGD optimizer(
      net->parameters(), torch::optim::SGDOptions(options.rate).momentum(0.9).weight_decay(1e-4));
  net->train();
  for (int step = 0; step < options.steps; ++step) {
    const double rate = options.rate * (1 - static_cast<double>(step) / options.steps);
    static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[0].options()).lr(rate);
    const torch::Tensor pick = torch::randint(set.hu.size(0), {options.batch});
    torch::Tensor hu = set.hu.index_select(0, pick).to(torch::kFloat32);
    hu = hu + 30 * torch::randn_like(hu);
    if (torch::rand({1}).item<float>() < 0.5F) hu = hu.flip({2});
    const torch::Tensor centres = -700 + 200 * torch::rand({options.batch});
    const ImageScores scores = net->ScoreImages(net->windows()->CutAt(hu, centres));
    const torch::Tensor loss =
        torch::cross_entropy_loss(scores.lesion_logits, set.lesion.index_select(0, pick)) +
        torch::cross_entropy_loss(scores.class_logits, set.label.index_select(0, pick));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if (step % 100 == 99 || step == 0) {
      std::fprintf(stderr, "\rstep %d of %d, loss %.3f ", step + 1, options.steps,
                   loss.item<double>());
    }
  }
  std::fprintf(stderr, "\n");
  net->eval();
}

// Of one map against one mask, both [S, S].
struct MapScores {
  double pointing = 0;   // 1 where the greatest value lies in a lesion
  double iou = 0;        // at the best threshold for this map
  double precision = 0;  // average precision over the pixels
};

MapScores Score(const torch::Tensor& map, const torch::Tensor& mask) {
  const torch::Tensor order = map.flatten().argsort(/*dim=*/0, /*descending=*/true);
  const torch::Tensor hit = mask.flatten().index_select(0, order).to(torch::kFloat64);
  const torch::Tensor hits = hit.cumsum(0);
  const torch::Tensor rank = torch::arange(1, hit.size(0) + 1, torch::kFloat64);
  const double positives = hits[-1].item<double>();
  return {hit[0].item<double>(), (hits / (rank + positives - hits)).max().item<double>(),
          (hit * hits / rank).sum().item<double>() / positives};
}

double Auc(const torch::Tensor& score, const torch::Tensor& truth) {
  const torch::Tensor positive = score.masked_select(truth == 1);
  const torch::Tensor negative = score.masked_select(truth == 0);
  const torch::Tensor difference = positive.unsqueeze(1) - negative.unsqueeze(0);
  return ((difference > 0).to(torch::kFloat64).mean() +
          0.5 * (difference == 0).to(torch::kFloat64).mean())
      .item<double>();
}

void Report(SliceNet& net, const Set& set) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> lesion, features;
  for (const torch::Tensor& hu : set.hu.split(8)) {
    const torch::Tensor centres = torch::full({hu.size(0)}, -600.0F);
    const ImageScores scores = net->ScoreImages(net->windows()->CutAt(hu, centres));
    lesion.push_back(scores.lesion_logits.softmax(1).select(1, 1));
    features.push_back(scores.feature_map);
  }
  const torch::Tensor feature_map = torch::cat(features);
  const int64_t diseased = set.lesion.sum().item<int64_t>();
  std::printf("held-out slices: %ld, with lesion %ld; slice-level lesion AUC %.3f\n",
              static_cast<long>(set.lesion.size(0)), static_cast<long>(diseased),
              Auc(torch::cat(lesion), set.lesion));
  std::printf(
      "| measure | pointing game | IoU at best threshold | average precision |\n"
      "|---|---|---|---|\n");
  const torch::Tensor as_lesion = torch::ones({set.lesion.size(0)}, torch::kInt64);
  for (const MapMeasure measure :
       {MapMeasure::kInnerProduct, MapMeasure::kCosine, MapMeasure::kEuclidean}) {
    const torch::Tensor maps =
        torch::upsample_bilinear2d(net->Maps(feature_map, as_lesion, measure).unsqueeze(1),
                                   {set.hu.size(1), set.hu.size(2)}, /*align_corners=*/false);
    MapScores sum;
    for (int64_t i = 0; i < set.hu.size(0); ++i) {
      if (set.lesion[i].item<int64_t>() == 0) continue;
      const MapScores one = Score(maps[i][0], set.masks[i]);
      sum.pointing += one.pointing;
      sum.iou += one.iou;
      sum.precision += one.precision;
    }
    std::printf("| %s | %.3f | %.3f | %.3f |\n", std::string(MapMeasureName(measure)).c_str(),
                sum.pointing / diseased, sum.iou / diseased, sum.precision / diseased);
  }
  const double share = set.masks.masked_select((set.lesion == 1).view({-1, 1, 1}))
                           .to(torch::kFloat64)
                           .mean()
                           .item<double>();
  std::printf("| by chance (share of lesion pixels) | %.3f | | %.3f |\n", share, share);
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  m3lung::Options options;
  CLI::App app("Compares the measures of the location map on synthetic lesions.");
  app.add_option("--studies", options.studies, "Studies to train with")->capture_default_str();
  app.add_option("--steps", options.steps, "Steps of training")->capture_default_str();
  app.add_option("--width", options.base_width, "Channels of the first convolution")
      ->capture_default_str();
  app.add_option("--size", options.size, "Side of a slice in pixels")->capture_default_str();
  app.add_option("--seed", options.seed, "Of weights, order and studies")->capture_default_str();
  app.footer("Example: location_map_measure --steps=2500 --seed=1");
  CLI11_PARSE(app, argc, argv);

  torch::set_num_threads(m3lung::UsableProcessors());
  torch::manual_seed(options.seed);
  const m3lung::Set train = MakeSet(options, options.studies, 1000 * options.seed);
  const m3lung::Set test = MakeSet(options, options.test_studies, 1000 * options.seed + 500);
  m3lung::SliceNetOptions net_options;
  net_options.base_width = options.base_width;
  net_options.input_size = options.size;
  m3lung::SliceNet net(net_options);
  Train(net, train, options);
  Report(net, test);
  return 0;
}
