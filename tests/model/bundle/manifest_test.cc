// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/manifest.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Manifest Sample() {
  Manifest manifest;
  manifest.name = "sample";
  manifest.version = "2.1";
  manifest.slice_digest = std::string(64, 'a');
  manifest.patient_digest = std::string(64, 'b');
  manifest.golden_digest = std::string(64, '0');
  manifest.input_size = 256;
  manifest.feature_size = 768;
  manifest.window_centres_hu = {-700, -600, -500};
  manifest.window_width_hu = 1200;
  manifest.channel_mean = {0.485F, 0.456F, 0.406F};
  manifest.channel_deviation = {0.229F, 0.224F, 0.225F};
  manifest.crop_mode = CropMode::kPaper;
  manifest.map_measure = MapMeasure::kCosine;
  manifest.weights_origin = WeightsOrigin::kSyntheticData;
  manifest.training_data = "40 phantoms";
  manifest.made_by = "m3lung-train init --seed=3";
  manifest.golden_slices = 1;
  manifest.golden_probabilities = {{0.1F, 0.2F, 0.3F, 0.4F}};
  manifest.golden_lesion_probabilities = {0.9F};
  manifest.golden_patient_probabilities = {0.4F, 0.3F, 0.2F, 0.1F};
  manifest.golden_tolerance = 0.001F;
  return manifest;
}

std::string SampleWith(absl::string_view from, absl::string_view to) {
  const std::string json = FormatManifest(Sample());
  EXPECT_THAT(json, HasSubstr(std::string(from)));
  return absl::StrReplaceAll(json, {{from, to}});
}

TEST(ManifestTest, WrittenAndReadBackIsTheSame) {
  M3L_ASSERT_OK_AND_ASSIGN(const Manifest read, ParseManifest(FormatManifest(Sample())));
  EXPECT_EQ(FormatManifest(read), FormatManifest(Sample()));
  EXPECT_EQ(read.window_centres_hu, Sample().window_centres_hu);
  EXPECT_EQ(read.golden_probabilities, Sample().golden_probabilities);
  EXPECT_EQ(read.weights_origin, WeightsOrigin::kSyntheticData);
}

TEST(ManifestTest, AllowsFloat32AndWhatItLists) {
  EXPECT_TRUE(Sample().Allows(Precision::kFp32));
  EXPECT_FALSE(Sample().Allows(Precision::kBf16));
  Manifest both = Sample();
  both.precisions = {Precision::kBf16, Precision::kFp32};
  M3L_ASSERT_OK_AND_ASSIGN(const Manifest read, ParseManifest(FormatManifest(both)));
  EXPECT_EQ(read.precisions, both.precisions);  // in their order, which is one of preference
  // Manifests from before say nothing.
  M3L_ASSERT_OK_AND_ASSIGN(const Manifest old,
                           ParseManifest(SampleWith("\"precisions\": [\n    \"fp32\"\n  ],", "")));
  EXPECT_EQ(old.precisions, Sample().precisions);
  for (const char* bad : {"[]", "[\"bf16\"]", "[\"fp32\", \"int8\"]", "\"fp32\"", "[1]"}) {
    EXPECT_THAT(ParseManifest(SampleWith("[\n    \"fp32\"\n  ]", bad)).status(),
                StatusIs(kInvalid, HasSubstr("\"precisions\" must be a list")));
  }
}

TEST(ManifestTest, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {SampleWith("\"format_version\": 1", "\"format_version\": 2"), "\"format_version\""},
      {SampleWith("\"name\": \"sample\"", "\"name\": \"../sample\""), "\"name\""},
      {SampleWith("\"name\"", "\"nome\""), "field \"name\" is missing"},
      {SampleWith("256", "\"256\""), "\"input_size\" must be a whole number from 32 to 4096"},
      {SampleWith("256", "5000"), "\"input_size\""},
      {SampleWith("\"paper\"", "\"lung\""), "\"crop_mode\" must be \"paper\" or \"volume\""},
      {SampleWith("\"cosine\"", "\"sine\""), "\"map_measure\""},
      {SampleWith("\"CAP\"", "\"COPD\""), "\"classes\""},
      {SampleWith("\"synthetic_data\"", "\"unknown\""), "\"weights.origin\""},
      {SampleWith("1200.0", "-1"), "\"windows.width_hu\""},
      {SampleWith(std::string(64, 'b'), "B"), "\"files.patient.ts\""},
      {SampleWith("\"slices\": 1", "\"slices\": 2"), "\"golden.probabilities\" must be 2 lists"},
  };
  for (const auto& [json, expected] : cases) {
    EXPECT_THAT(ParseManifest(json), StatusIs(kInvalid, HasSubstr(expected)));
  }
}

TEST(ManifestTest, RefusesUnknownFieldsByName) {
  EXPECT_THAT(ParseManifest(SampleWith("\"name\":", "\"nmae\": 1, \"name\":")),
              StatusIs(kInvalid, "unknown field \"nmae\""));
  EXPECT_THAT(ParseManifest(SampleWith("\"made_by\":", "\"by\": 1, \"made_by\":")),
              StatusIs(kInvalid, "unknown field \"weights.by\""));
}

TEST(ManifestTest, RefusesWhatIsNotAnObject) {
  EXPECT_THAT(ParseManifest("{"), StatusIs(kInvalid, "the manifest is not JSON"));
  EXPECT_THAT(ParseManifest("[1]"), StatusIs(kInvalid, "the manifest must be an object"));
  EXPECT_THAT(ParseManifest(SampleWith("\"files\": {", "\"files\": 1, \"_\": {")),
              StatusIs(kInvalid, HasSubstr("\"files\" must be an object")));
}

TEST(ManifestTest, NoticeTellsWhatTheWeightsAre) {
  Manifest manifest = Sample();
  EXPECT_THAT(manifest.Notice(), HasSubstr("Research use only"));
  EXPECT_THAT(manifest.Notice(), HasSubstr("synthetic data alone (40 phantoms)"));
  manifest.weights_origin = WeightsOrigin::kRandom;
  EXPECT_THAT(manifest.Notice(), HasSubstr("random, not trained"));
}

}  // namespace
}  // namespace m3lung
