// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/manifest.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace m3lung {
namespace {

// Fields stay in order, and numbers are floats, so that 0.99 is written as 0.99.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, int64_t,
                                  uint64_t, float>;

constexpr std::pair<WeightsOrigin, const char*> kOrigins[] = {
    {WeightsOrigin::kRandom, "random"},
    {WeightsOrigin::kSyntheticData, "synthetic_data"},
    {WeightsOrigin::kMixedData, "mixed_data"},
    {WeightsOrigin::kRealData, "real_data"},
};

Json ClassNames() {
  Json names = Json::array();
  for (const Label label : kLabels) names.push_back(std::string(LabelName(label)));
  return names;
}

// Takes the fields of one JSON object, one after the other. The first thing wrong
// is kept; Finish() tells it, or else a field that nobody took.
class Fields {
 public:
  Fields(const Json& object, std::string prefix) : object_(object), prefix_(std::move(prefix)) {
    if (!object.is_object()) Fail("", "must be an object");
  }

  void Text(const std::string& name, std::string* out) {
    Take(name, "must be a text", [&](const Json& value) {
      if (!value.is_string()) return false;
      *out = value.get<std::string>();
      return true;
    });
  }

  // A whole number in [least, greatest].
  void Integer(const std::string& name, int least, int greatest, int* out) {
    Take(name, absl::StrCat("must be a whole number from ", least, " to ", greatest),
         [&](const Json& value) {
           if (!value.is_number_integer() && !value.is_number_unsigned()) return false;
           const auto number = value.get<int64_t>();
           if (number < least || number > greatest) return false;
           *out = static_cast<int>(number);
           return true;
         });
  }

  // A number in [least, greatest].
  void Number(const std::string& name, float least, float greatest, float* out) {
    Take(name, absl::StrCat("must be a number from ", least, " to ", greatest),
         [&](const Json& value) { return InRange(value, least, greatest, out); });
  }

  // `size` numbers in [least, greatest].
  template <typename Values>
  void Numbers(const std::string& name, size_t size, float least, float greatest, Values* out) {
    Take(name, absl::StrCat("must be ", size, " numbers from ", least, " to ", greatest),
         [&](const Json& value) { return AllInRange(value, size, least, greatest, out); });
  }

  // Anything else: `read` says whether the value is as `rule` demands.
  void Take(const std::string& name, const std::string& rule,
            const std::function<bool(const Json&)>& read) {
    taken_.insert(name);
    if (!object_.is_object()) return;
    const auto at = object_.find(name);
    if (at == object_.end()) {
      Fail(name, "is missing");
    } else if (!read(*at)) {
      Fail(name, rule);
    }
  }

  bool Has(const std::string& name) const { return object_.contains(name); }

  // The object under `name`, to be taken by Fields of its own; null where it is missing.
  const Json& Object(const std::string& name) {
    static const Json* const none = new Json;
    const Json* found = none;
    Take(name, "must be an object", [&](const Json& value) {
      found = &value;
      return value.is_object();
    });
    return *found;
  }

  absl::Status Finish() const {
    if (!status_.ok()) return status_;
    for (const auto& item : object_.items()) {
      if (taken_.count(item.key()) == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("unknown field \"", prefix_, item.key(), "\""));
      }
    }
    return absl::OkStatus();
  }

  template <typename Values>
  static bool AllInRange(const Json& value, size_t size, float least, float greatest, Values* out) {
    if (!value.is_array() || value.size() != size) return false;
    if constexpr (requires { out->resize(size); }) out->resize(size);
    for (size_t i = 0; i < size; ++i) {
      if (!InRange(value[i], least, greatest, &(*out)[i])) return false;
    }
    return true;
  }

 private:
  static bool InRange(const Json& value, float least, float greatest, float* out) {
    if (!value.is_number()) return false;
    *out = value.get<float>();
    return *out >= least && *out <= greatest;
  }

  void Fail(const std::string& name, absl::string_view reason) {
    if (!status_.ok()) return;
    status_ =
        name.empty() && prefix_.empty()
            ? absl::InvalidArgumentError(absl::StrCat("the manifest ", reason))
            : absl::InvalidArgumentError(absl::StrCat("field \"", prefix_, name, "\" ", reason));
  }

  const Json& object_;
  const std::string prefix_;
  std::set<std::string> taken_;
  absl::Status status_;
};

bool IsDigest(absl::string_view text) {
  if (text.size() != 64) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

// Fit to be a folder's name, and shown as it is.
bool IsPathName(absl::string_view text) {
  if (text.empty() || text.size() > 64 || text[0] == '.') return false;
  for (char c : text) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_') return false;
  }
  return true;
}

void TakeMatching(Fields& fields, const std::string& name, const std::string& rule,
                  bool (*fits)(absl::string_view), std::string* out) {
  fields.Take(name, rule, [&](const Json& value) {
    if (!value.is_string()) return false;
    *out = value.get<std::string>();
    return fits(*out);
  });
}

// One of `values` by its name.
template <typename Value, size_t kCount>
void TakeNamed(Fields& fields, const std::string& name, const std::array<Value, kCount>& values,
               absl::string_view (*name_of)(Value), Value* out) {
  std::string rule = "must be ";
  for (size_t i = 0; i < kCount; ++i) {
    const absl::string_view before = i == 0 ? "" : i + 1 < kCount ? ", " : " or ";
    absl::StrAppend(&rule, before, "\"", name_of(values[i]), "\"");
  }
  fields.Take(name, rule, [&](const Json& value) {
    for (const Value candidate : values) {
      if (value != std::string(name_of(candidate))) continue;
      *out = candidate;
      return true;
    }
    return false;
  });
}

absl::Status ParseFiles(const Json& object, Manifest* manifest) {
  Fields fields(object, "files.");
  const std::string rule = "must be a SHA-256 in 64 lower-case hexadecimal digits";
  TakeMatching(fields, "slice.ts", rule, IsDigest, &manifest->slice_digest);
  TakeMatching(fields, "patient.ts", rule, IsDigest, &manifest->patient_digest);
  TakeMatching(fields, "golden.hu", rule, IsDigest, &manifest->golden_digest);
  return fields.Finish();
}

absl::Status ParseWindows(const Json& object, Manifest* manifest) {
  Fields fields(object, "windows.");
  fields.Take("centres_hu", "must be 1 to 16 numbers from -2000 to 4000", [&](const Json& value) {
    return value.is_array() && !value.empty() && value.size() <= 16 &&
           Fields::AllInRange(value, value.size(), -2000, 4000, &manifest->window_centres_hu);
  });
  fields.Number("width_hu", 1, 10000, &manifest->window_width_hu);
  fields.Numbers("channel_mean", 3, -100, 100, &manifest->channel_mean);
  fields.Numbers("channel_deviation", 3, 1e-6F, 100, &manifest->channel_deviation);
  return fields.Finish();
}

absl::Status ParseWeights(const Json& object, Manifest* manifest) {
  Fields fields(object, "weights.");
  fields.Take("origin", "must be \"random\", \"synthetic_data\", \"mixed_data\" or \"real_data\"",
              [&](const Json& value) {
                for (const auto& [origin, name] : kOrigins) {
                  if (value != name) continue;
                  manifest->weights_origin = origin;
                  return true;
                }
                return false;
              });
  fields.Text("training_data", &manifest->training_data);
  fields.Text("made_by", &manifest->made_by);
  return fields.Finish();
}

bool ReadPrecisions(const Json& value, std::vector<Precision>* precisions) {
  if (!value.is_array()) return false;
  precisions->clear();
  for (const Json& name : value) {
    if (!name.is_string()) return false;
    const auto precision = ParsePrecision(name.get<std::string>());
    if (!precision.ok()) return false;
    precisions->push_back(*precision);
  }
  return std::count(precisions->begin(), precisions->end(), Precision::kFp32) == 1;
}

absl::Status ParseGolden(const Json& object, Manifest* manifest) {
  Fields fields(object, "golden.");
  fields.Integer("slices", 1, 64, &manifest->golden_slices);
  const auto slices = static_cast<size_t>(manifest->golden_slices);
  fields.Number("tolerance", 0, 0.1F, &manifest->golden_tolerance);
  fields.Take(
      "probabilities", absl::StrCat("must be ", slices, " lists of 4 probabilities"),
      [&](const Json& value) {
        if (!value.is_array() || value.size() != slices) return false;
        manifest->golden_probabilities.resize(slices);
        for (size_t i = 0; i < slices; ++i) {
          if (!Fields::AllInRange(value[i], kClasses, 0, 1, &manifest->golden_probabilities[i])) {
            return false;
          }
        }
        return true;
      });
  fields.Numbers("lesion_probabilities", slices, 0, 1, &manifest->golden_lesion_probabilities);
  fields.Numbers("patient_probabilities", kClasses, 0, 1, &manifest->golden_patient_probabilities);
  return fields.Finish();
}

}  // namespace

absl::StatusOr<Manifest> ParseManifest(absl::string_view json) {
  const Json object = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return absl::InvalidArgumentError("the manifest is not JSON");

  Manifest manifest;
  Fields fields(object, "");
  int format = 0;
  fields.Integer("format_version", Manifest::kFormatVersion, Manifest::kFormatVersion, &format);
  const std::string path_rule = "must be 1 to 64 letters, digits, '.', '-' or '_', no '.' first";
  TakeMatching(fields, "name", path_rule, IsPathName, &manifest.name);
  TakeMatching(fields, "version", path_rule, IsPathName, &manifest.version);
  fields.Take("classes", "must be [\"HEALTHY\", \"COVID_19\", \"H1N1\", \"CAP\"], in this order",
              [](const Json& value) { return value == ClassNames(); });
  fields.Integer("input_size", 32, 4096, &manifest.input_size);
  fields.Integer("feature_size", 1, 1 << 16, &manifest.feature_size);
  TakeNamed(fields, "crop_mode", kCropModes, CropModeName, &manifest.crop_mode);
  TakeNamed(fields, "map_measure", kMapMeasures, MapMeasureName, &manifest.map_measure);
  fields.Number("healthy_share_threshold", 0, 1, &manifest.healthy_share_threshold);
  if (fields.Has("precisions")) {  // older manifests say nothing, and mean float32
    fields.Take("precisions", "must be a list of \"fp32\", \"bf16\" and \"fp16\", with \"fp32\"",
                [&](const Json& value) { return ReadPrecisions(value, &manifest.precisions); });
  }
  const Json& files = fields.Object("files");
  const Json& windows = fields.Object("windows");
  const Json& weights = fields.Object("weights");
  const Json& golden = fields.Object("golden");
  M3L_RETURN_IF_ERROR(fields.Finish());
  M3L_RETURN_IF_ERROR(ParseFiles(files, &manifest));
  M3L_RETURN_IF_ERROR(ParseWindows(windows, &manifest));
  M3L_RETURN_IF_ERROR(ParseWeights(weights, &manifest));
  M3L_RETURN_IF_ERROR(ParseGolden(golden, &manifest));
  return manifest;
}

std::string FormatManifest(const Manifest& manifest) {
  const char* origin = "";
  for (const auto& [value, name] : kOrigins) {
    if (value == manifest.weights_origin) origin = name;
  }
  Json precisions = Json::array();
  for (const Precision precision : manifest.precisions) {
    precisions.push_back(std::string(PrecisionName(precision)));
  }
  const Json json = {
      {"format_version", Manifest::kFormatVersion},
      {"name", manifest.name},
      {"version", manifest.version},
      {"classes", ClassNames()},
      {"input_size", manifest.input_size},
      {"feature_size", manifest.feature_size},
      {"crop_mode", std::string(CropModeName(manifest.crop_mode))},
      {"map_measure", std::string(MapMeasureName(manifest.map_measure))},
      {"healthy_share_threshold", manifest.healthy_share_threshold},
      {"precisions", precisions},
      {"files",
       {{"slice.ts", manifest.slice_digest},
        {"patient.ts", manifest.patient_digest},
        {"golden.hu", manifest.golden_digest}}},
      {"windows",
       {{"centres_hu", manifest.window_centres_hu},
        {"width_hu", manifest.window_width_hu},
        {"channel_mean", manifest.channel_mean},
        {"channel_deviation", manifest.channel_deviation}}},
      {"weights",
       {{"origin", origin},
        {"training_data", manifest.training_data},
        {"made_by", manifest.made_by}}},
      {"golden",
       {{"slices", manifest.golden_slices},
        {"tolerance", manifest.golden_tolerance},
        {"probabilities", manifest.golden_probabilities},
        {"lesion_probabilities", manifest.golden_lesion_probabilities},
        {"patient_probabilities", manifest.golden_patient_probabilities}}},
  };
  return json.dump(2) + "\n";
}

bool Manifest::Allows(Precision precision) const {
  return std::find(precisions.begin(), precisions.end(), precision) != precisions.end();
}

std::string Manifest::Notice() const {
  std::string use = "Research use only. ";
  switch (weights_origin) {
    case WeightsOrigin::kRandom:
      return absl::StrCat(use, "The model's weights are random, not trained: its results mean ",
                          "nothing.");
    case WeightsOrigin::kSyntheticData:
      return absl::StrCat(use, "The model was trained on synthetic data alone (", training_data,
                          "): its results say nothing about real patients.");
    case WeightsOrigin::kMixedData:
      return absl::StrCat(use, "The model was trained on real data mixed with synthetic data (",
                          training_data, ").");
    case WeightsOrigin::kRealData:
      return absl::StrCat(use, "The model was trained on real data (", training_data, ").");
  }
  return use;
}

}  // namespace m3lung
