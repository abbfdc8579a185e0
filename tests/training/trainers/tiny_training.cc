// SPDX-License-Identifier: Apache-2.0
#include "tests/training/trainers/tiny_training.h"

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "torch/torch.h"

namespace m3lung::testing {
namespace {

constexpr int kSlices = 6;
constexpr int kWithLesion = 3;
constexpr int kSquare = 8;

PreparedStudy TinyStudy(Label label, Split split, int number) {
  PreparedStudy study;
  study.name = study.patient = absl::StrCat(LabelName(label), "-", SplitName(split), "-", number);
  study.label = label;
  study.split = split;
  study.hu = torch::empty({kSlices, kTinySide, kTinySide}, torch::kInt16);
  study.lesion_masks = torch::zeros({kSlices, kTinySide, kTinySide}, torch::kUInt8);
  Random random(static_cast<uint64_t>(number) * 64 + static_cast<uint64_t>(label) * 8 +
                static_cast<uint64_t>(split));
  auto* pixels = study.hu.mutable_data_ptr<int16_t>();
  for (int64_t i = 0; i < study.hu.numel(); ++i) {
    pixels[i] = static_cast<int16_t>(random.Normal(-850, 30));
  }
  for (int i = 0; i < kSlices; ++i) {
    const bool lesion = label != Label::kHealthy && i >= kSlices - kWithLesion;
    study.slices.push_back({absl::StrCat(i, ".dcm"), -5.0 * i, lesion});
    if (!lesion) continue;
    const int64_t at = 2 + 9 * (static_cast<int64_t>(label) - 1) + random.Index(3);
    study.hu[i].slice(0, at, at + kSquare).slice(1, 12, 12 + kSquare).fill_(-100);
    study.lesion_masks[i].slice(0, at, at + kSquare).slice(1, 12, 12 + kSquare).fill_(1);
  }
  return study;
}

}  // namespace

PreparedData TinyData(int per_class) {
  PreparedData data;
  data.input_size = kTinySide;
  data.crop_mode = CropMode::kVolume;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    for (const Label label : kLabels) {
      for (int i = 0; i < per_class; ++i) data.studies.push_back(TinyStudy(label, split, i));
    }
  }
  return data;
}

SliceTrainingOptions TinySliceTraining(int epochs) {
  SliceTrainingOptions options;
  options.net.base_width = 4;
  options.net.blocks = {1, 1, 1, 1};
  options.net.input_size = kTinySide;
  options.epochs = epochs;
  options.schedule = {.initial = 0.02, .kind = ScheduleKind::kLinear};
  options.batches.size = 8;
  options.batches.augmentation.flip = true;
  options.threads = 1;
  return options;
}

}  // namespace m3lung::testing
