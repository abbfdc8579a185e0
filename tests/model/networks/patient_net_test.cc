// SPDX-License-Identifier: Apache-2.0
#include "model/networks/patient_net.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeTinyPatientNet;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TinyPatientOptions;
using ::testing::HasSubstr;
using ::testing::Pair;

class PatientNetTest : public ::testing::Test {
 protected:
  static torch::Tensor Features(int slices, uint64_t seed = 5) {
    torch::manual_seed(seed);
    return torch::rand({slices, TinyPatientOptions().feature_size});
  }

 private:
  const torch::NoGradGuard no_grad_;
};

TEST(PartOfSlicesTest, DividesEvenlyWhereItCan) {
  EXPECT_THAT(PartOfSlices(12, 0, 4), Pair(0, 3));
  EXPECT_THAT(PartOfSlices(12, 3, 4), Pair(9, 12));
}

TEST(PartOfSlicesTest, NeverEmptyAndCoversAll) {
  for (int64_t slices = 1; slices <= 20; ++slices) {
    for (int parts = 1; parts <= 6; ++parts) {
      int64_t covered = 0;
      for (int part = 0; part < parts; ++part) {
        const auto [first, last] = PartOfSlices(slices, part, parts);
        EXPECT_LT(first, last);
        EXPECT_LE(first, covered);
        covered = last;
      }
      EXPECT_EQ(covered, slices);
    }
  }
}

TEST_F(PatientNetTest, GivesLogitsForAnyNumberOfSlicesInEveryVariant) {
  for (auto variant : {PatientVariant::kMaxPooling, PatientVariant::kAggregation,
                       PatientVariant::kRefineAndAggregate}) {
    PatientNetOptions options = TinyPatientOptions();
    options.variant = variant;
    PatientNet net = MakeTinyPatientNet(options);
    for (int slices : {1, 2, 3, 4, 5, 50}) {
      const torch::Tensor logits = net(Features(slices));
      EXPECT_EQ(logits.sizes(), (torch::IntArrayRef{4}));
      EXPECT_TRUE(torch::isfinite(logits).all().item<bool>());
    }
  }
}

// Equations 1 to 3 slice by slice, head by head, as the ADR reads them.
TEST_F(PatientNetTest, SummaryFollowsTheEquations) {
  const PatientNetOptions options = TinyPatientOptions();
  PatientNet net = MakeTinyPatientNet(options);
  const auto p = net->named_parameters();
  const int n = 5, reduced = options.reduced_size;
  const torch::Tensor f = Features(n);
  const auto fc = [&](const std::string& name, const torch::Tensor& x) {
    return p[name + ".weight"].matmul(x) + p[name + ".bias"];
  };
  const auto attend = [&](const torch::Tensor& query, const std::vector<torch::Tensor>& keys,
                          const std::vector<torch::Tensor>& values) {
    torch::Tensor sum = torch::zeros({reduced});
    double total = 0;
    for (size_t j = 0; j < keys.size(); ++j) {
      const double weight = std::exp(query.dot(keys[j]).item<double>() / std::sqrt(reduced));
      sum += weight * values[j];
      total += weight;
    }
    return sum / total;
  };

  std::vector<torch::Tensor> keys, values;
  for (int i = 0; i < n; ++i) {
    std::vector<torch::Tensor> heads;
    for (int h = 0; h < options.heads; ++h) {
      const auto head = [&](const torch::Tensor& x) {
        return x.slice(0, h * reduced, (h + 1) * reduced);
      };
      std::vector<torch::Tensor> head_keys, head_values;
      for (int j = 0; j < n; ++j) {
        head_keys.push_back(head(fc("refine_key", f[j])));
        head_values.push_back(head(fc("refine_value", f[j])));
      }
      heads.push_back(attend(head(fc("refine_query", f[i])), head_keys, head_values));
    }
    const torch::Tensor refined = f[i] + fc("refine_out", torch::cat(heads));
    keys.push_back(fc("aggregate_key", refined));
    values.push_back(fc("aggregate_value", refined));
  }
  const torch::Tensor expected = attend(p["aggregate_query"], keys, values);
  EXPECT_TRUE(torch::allclose(net->SummarisePart(f), expected, 1e-4, 1e-5));
}

TEST_F(PatientNetTest, OrderWithinAPartDoesNotMatterButThePartDoes) {
  PatientNet net = MakeTinyPatientNet(TinyPatientOptions());
  const torch::Tensor f = Features(6);
  EXPECT_TRUE(torch::allclose(net->SummarisePart(f), net->SummarisePart(f.flip(0)), 1e-4, 1e-6));
  EXPECT_FALSE(torch::allclose(net(f), net(f.flip(0)), 0, 1e-6));
}

TEST_F(PatientNetTest, MaxPoolingTakesTheGreatestOfEachFeature) {
  PatientNetOptions options = TinyPatientOptions();
  options.variant = PatientVariant::kMaxPooling;
  PatientNet net = MakeTinyPatientNet(options);
  const torch::Tensor f = Features(6);
  EXPECT_TRUE(torch::equal(net->SummarisePart(f), std::get<0>(f.max(0))));
  EXPECT_TRUE(torch::equal(net(f), net(f.flip(0))));
}

TEST_F(PatientNetTest, VariantsOfTableFourDifferInTheirParameters) {
  PatientNetOptions options = TinyPatientOptions();
  EXPECT_EQ(PatientNet(options)->named_parameters()["reduce.weight"].size(1),
            10 * options.reduced_size);
  options.variant = PatientVariant::kAggregation;
  options.scales = {3};
  PatientNet single(options);
  EXPECT_EQ(single->named_parameters()["reduce.weight"].size(1), 3 * options.reduced_size);
  EXPECT_FALSE(single->named_parameters().contains("refine_query.weight"));
}

TEST_F(PatientNetTest, RefusesOptionsOutOfRange) {
  PatientNetOptions options;
  options.heads = 0;
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("number of heads")));
  options = {};
  options.scales = {1, 0};
  EXPECT_THAT(Validate(options), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("scale")));
}

}  // namespace
}  // namespace m3lung
