// SPDX-License-Identifier: Apache-2.0
// Which measure of closeness draws the best location map?
//
// Trains a small slice net on synthetic slices, with slice labels alone, then
// compares the maps of every measure with the known lesions of held-out studies.
// The net is trained without attention, so that its features favour no measure.
//
//   location_map_measure --seed=1
//
// Expect: a table of three rows in a few minutes on two cores; the result that
// the default was chosen by stands in docs/adr/0004-location-map.md.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "model/networks/slice_net.h"
#include "torch/torch.h"
#include "training/phantom_slices.h"

namespace m3lung {
namespace {

constexpr int kLeastLesionPixels = 30;  // of a slice that counts as diseased
constexpr int kGridCell = 16;           // input pixels to a point of the map

struct Options {
  uint64_t seed = 1;
  int steps = 300;
  int batch = 16;
  int base_width = 12;
  int input_size = 256;
  int studies = 32;  // for training; half of them healthy
  int held_out = 18;
  int slices = 10;  // of each study
};

// Healthy slices, and diseased ones with a lesion in them (the paper drops the
// rest of a diseased study too).
struct Samples {
  torch::Tensor hu;            // int16 [N, S, S]
  torch::Tensor lesion_masks;  // bool [N, S, S]
  torch::Tensor labels;        // int64 [N]
};

Samples MakeSamples(const std::vector<Label>& studies, const Options& options, uint64_t seed) {
  const PhantomSlices slices = MakePhantomSlices(studies, options.slices, options.input_size, seed);
  const torch::Tensor pixels = slices.lesion_masks.flatten(1).sum(1);
  std::vector<int64_t> labels, kept;
  for (size_t i = 0; i < slices.labels.size(); ++i) {
    labels.push_back(static_cast<int64_t>(slices.labels[i]));
    if (labels.back() == 0 ||
        pixels[static_cast<int64_t>(i)].item<int64_t>() > kLeastLesionPixels) {
      kept.push_back(static_cast<int64_t>(i));
    }
  }
  const torch::Tensor index = torch::tensor(kept);
  return {slices.hu.index_select(0, index), slices.lesion_masks.index_select(0, index),
          torch::tensor(labels).index_select(0, index)};
}

// Half healthy, the rest of the three diseases in turn.
std::vector<Label> StudiesOf(int count) {
  std::vector<Label> labels;
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 2 == 0 ? Label::kHealthy : static_cast<Label>(1 + i / 2 % 3));
  }
  return labels;
}

void Train(SliceNet& net, const Samples& samples, const Options& options) {
  torch::optim::SGD optimizer(
      net->parameters(), torch::optim::SGDOptions(/*lr=*/0.02).momentum(0.9).weight_decay(1e-4));
  auto& group = static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[0].options());
  net->train();
  for (int step = 0; step < options.steps; ++step) {
    group.lr(0.02 * (1 - static_cast<double>(step) / options.steps));
    const torch::Tensor chosen = torch::randint(samples.hu.size(0), {options.batch}, torch::kInt64);
    torch::Tensor hu = samples.hu.index_select(0, chosen);
    const torch::Tensor labels = samples.labels.index_select(0, chosen);
    if (torch::rand({1}).item<float>() < 0.5) hu = hu.flip(2);
    hu = hu + torch::randn_like(hu, torch::kFloat32) * 20;
    const torch::Tensor centres = torch::rand({options.batch}) * 200 - 700;
    const ImageScores scores = net->ScoreImages(net->windows()->CutAt(hu, centres));
    const torch::Tensor loss =
        torch::nn::functional::cross_entropy(scores.lesion_logits, (labels > 0).to(torch::kInt64)) +
        torch::nn::functional::cross_entropy(scores.class_logits, labels);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if ((step + 1) % 50 == 0) {
      std::fprintf(stderr, "step %d of %d: loss %.3f\n", step + 1, options.steps,
                   loss.item<float>());
    }
  }
  net->eval();
}

// Area under the precision-recall curve of one slice's pixels.
double AveragePrecision(const torch::Tensor& map, const torch::Tensor& mask) {
  const torch::Tensor hits =
      mask.flatten()
          .index_select(0, map.flatten().argsort(/*dim=*/0, /*descending=*/true))
          .to(torch::kFloat64);
  const torch::Tensor precision = hits.cumsum(0) / torch::arange(1, hits.numel() + 1);
  return (precision * hits).sum().item<double>() / hits.sum().item<double>();
}

struct Quality {
  double pointing = 0;           // share of maps whose peak is within half a cell of a lesion
  double intersection = 0;       // mean intersection over union at the best threshold
  double threshold = 0;          // the one threshold, for all slices
  double average_precision = 0;  // mean over slices
};

// `maps` in [0, 1] and `masks`, [N, S, S].
Quality Measure(const torch::Tensor& maps, const torch::Tensor& masks) {
  Quality quality;
  const int64_t count = maps.size(0);
  const torch::Tensor near =
      torch::max_pool2d(masks.to(torch::kFloat32).unsqueeze(1), kGridCell + 1, 1, kGridCell / 2)
          .flatten(1);
  quality.pointing =
      near.gather(1, maps.flatten(1).argmax(1, /*keepdim=*/true)).mean().item<double>();
  for (int percent = 5; percent < 100; percent += 5) {
    const torch::Tensor above = maps >= percent / 100.0;
    const torch::Tensor both = (above & masks).flatten(1).sum(1).to(torch::kFloat64);
    const torch::Tensor either = (above | masks).flatten(1).sum(1).to(torch::kFloat64);
    const double mean = (both / either).mean().item<double>();
    if (mean > quality.intersection) {
      quality.intersection = mean;
      quality.threshold = percent / 100.0;
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    quality.average_precision += AveragePrecision(maps[i], masks[i]) / static_cast<double>(count);
  }
  return quality;
}

// Area under the ROC curve of `scores` for `positive`.
double AreaUnderCurve(const torch::Tensor& scores, const torch::Tensor& positive) {
  const torch::Tensor with = scores.masked_select(positive).unsqueeze(1);
  const torch::Tensor without = scores.masked_select(~positive).unsqueeze(0);
  return ((with > without).to(torch::kFloat64) + 0.5 * (with == without).to(torch::kFloat64))
      .mean()
      .item<double>();
}

// What the trained net says of all held-out slices.
struct HeldOut {
  torch::Tensor lesion_probability;         // [N]
  std::vector<torch::Tensor> feature_maps;  // a window: [N, C, g, g]
};

HeldOut Score(SliceNet& net, const Samples& samples) {
  HeldOut result;
  torch::Tensor sum = torch::zeros({samples.hu.size(0)});
  for (float centre : net->options().windows.centres_hu) {
    std::vector<torch::Tensor> lesion, features;
    for (const torch::Tensor& hu : samples.hu.split(16)) {
      const ImageScores scores =
          net->ScoreImages(net->windows()->CutAt(hu, torch::full({hu.size(0)}, centre)));
      lesion.push_back(scores.lesion_logits.softmax(1).select(1, 1));
      features.push_back(scores.feature_map);
    }
    sum += torch::cat(lesion);
    result.feature_maps.push_back(torch::cat(features));
  }
  result.lesion_probability = sum / static_cast<double>(result.feature_maps.size());
  return result;
}

// The maps for "with lesion", mean over the windows, at the slices' size.
torch::Tensor LesionMaps(SliceNet& net, const HeldOut& scored, MapMeasure measure) {
  const torch::Tensor with = torch::ones({scored.feature_maps[0].size(0)}, torch::kInt64);
  torch::Tensor sum;
  for (const torch::Tensor& features : scored.feature_maps) {
    const torch::Tensor maps = net->Maps(features, with, measure);
    sum = sum.defined() ? sum + maps : maps;
  }
  const int64_t size = net->options().input_size;
  return torch::nn::functional::interpolate(
             (sum / static_cast<double>(scored.feature_maps.size())).unsqueeze(1),
             torch::nn::functional::InterpolateFuncOptions()
                 .size(std::vector<int64_t>{size, size})
                 .mode(torch::kBilinear)
                 .align_corners(false))
      .squeeze(1);
}

void Run(const Options& options) {
  torch::manual_seed(options.seed);
  const Samples train = MakeSamples(StudiesOf(options.studies), options, 1000 * options.seed);
  const Samples test = MakeSamples(StudiesOf(options.held_out), options, 1000 * options.seed + 500);
  std::fprintf(stderr, "%d slices to train on, %d held out\n", static_cast<int>(train.hu.size(0)),
               static_cast<int>(test.hu.size(0)));

  SliceNetOptions net_options;
  net_options.base_width = options.base_width;
  net_options.input_size = options.input_size;
  net_options.attention = false;
  SliceNet net(net_options);
  Train(net, train, options);

  const torch::NoGradGuard no_grad;
  const HeldOut scored = Score(net, test);
  const torch::Tensor diseased = test.labels > 0;
  const torch::Tensor index = diseased.nonzero().squeeze(1);
  const torch::Tensor masks = test.lesion_masks.index_select(0, index);
  std::printf("Held out: %d slices, %d with lesions; AUC of the lesion probability %.3f\n",
              static_cast<int>(test.hu.size(0)), static_cast<int>(index.size(0)),
              AreaUnderCurve(scored.lesion_probability, diseased));
  std::printf("Lesion share of a diseased slice (average precision of a map by chance): %.3f\n\n",
              masks.to(torch::kFloat64).mean().item<double>());
  std::printf("| measure | pointing game | mean IoU | at threshold | average precision |\n");
  std::printf("|---|---|---|---|---|\n");
  for (auto measure : kMapMeasures) {
    const Quality quality = Measure(LesionMaps(net, scored, measure).index_select(0, index), masks);
    std::printf("| %s | %.3f | %.3f | %.2f | %.3f |\n",
                std::string(MapMeasureName(measure)).c_str(), quality.pointing,
                quality.intersection, quality.threshold, quality.average_precision);
  }
}

}  // namespace
}  // namespace m3lung

int main(int argc, char** argv) {
  m3lung::Options options;
  CLI::App app("Compares the measures that a location map can be drawn by.");
  app.add_option("--seed", options.seed, "Of studies, weights and order")->capture_default_str();
  const auto number = [&](const char* name, int& value, const char* what) {
    app.add_option(name, value, what)->check(CLI::PositiveNumber)->capture_default_str();
  };
  number("--steps", options.steps, "Of training");
  number("--base-width", options.base_width, "Channels of the first convolution");
  number("--input-size", options.input_size, "Side of a slice in pixels, a multiple of 32");
  number("--studies", options.studies, "To train with");
  number("--slices", options.slices, "Of each study");
  app.footer("Example: location_map_measure --steps=6000 --input-size=128 --studies=96");
  CLI11_PARSE(app, argc, argv);
  m3lung::Run(options);
  return 0;
}
