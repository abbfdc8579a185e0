// SPDX-License-Identifier: Apache-2.0
// A served model without networks, for slices of 4 x 4 pixels.
#ifndef M3LUNG_TESTS_TESTING_FAKE_MODEL_H_
#define M3LUNG_TESTS_TESTING_FAKE_MODEL_H_

#include <memory>
#include <utility>

#include "base/clock.h"
#include "server/ops/model_registry.h"
#include "tests/testing/fake_runner.h"

namespace m3lung::testing {

struct FakeModel {
  std::shared_ptr<ServedModel> model;
  FakeRunner* runner = nullptr;  // the model's
};

inline FakeModel MakeFakeModel() {
  auto runner = std::make_unique<FakeRunner>();
  FakeModel made = {.model = std::make_shared<ServedModel>(), .runner = runner.get()};
  auto bundle = std::make_shared<Bundle>();
  bundle->manifest.input_size = 4;
  bundle->manifest.crop_mode = CropMode::kPaper;
  bundle->device = "cpu";
  bundle->runs_on = "nothing";
  bundle->runner = std::move(runner);
  made.model->bundle = std::move(bundle);
  made.model->reference.set_name("fake");
  made.model->reference.set_notice("made of nothing");
  made.model->batcher =
      *SliceBatcher::Create({.max_wait = absl::ZeroDuration()}, {made.runner}, Clock::Real(), {});
  return made;
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_FAKE_MODEL_H_
