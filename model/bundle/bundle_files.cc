// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/bundle_files.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stop.h"

namespace m3lung {

std::string EncodeGolden(const std::vector<HuPixels>& slices) {
  std::string bytes;
  for (const HuPixels& slice : slices) {
    for (int16_t hu : slice) {
      const auto bits = static_cast<uint16_t>(hu);
      bytes.push_back(static_cast<char>(bits & 0xFF));
      bytes.push_back(static_cast<char>(bits >> 8));
    }
  }
  return bytes;
}

absl::StatusOr<std::vector<HuPixels>> DecodeGolden(absl::string_view bytes, int slices,
                                                   int input_size) {
  const size_t pixels = static_cast<size_t>(input_size) * input_size;
  if (bytes.size() != 2 * pixels * slices) {
    return absl::FailedPreconditionError(
        absl::StrCat(kGoldenFile, " has ", bytes.size(), " bytes; expected ", 2 * pixels * slices,
                     " for ", slices, " slices of ", input_size, " x ", input_size));
  }
  std::vector<HuPixels> decoded(slices, HuPixels(pixels));
  size_t at = 0;
  for (HuPixels& slice : decoded) {
    for (int16_t& hu : slice) {
      const auto low = static_cast<uint8_t>(bytes[at]), high = static_cast<uint8_t>(bytes[at + 1]);
      hu = static_cast<int16_t>(low | (high << 8));
      at += 2;
    }
  }
  return decoded;
}

absl::StatusOr<GoldenOutput> RunGolden(InferenceRunner& runner, const std::vector<HuPixels>& slices,
                                       int batch_size, const std::stop_token& stop) {
  GoldenOutput output;
  std::vector<std::vector<float>> features;
  std::vector<const int16_t*> batch(batch_size);
  for (size_t start = 0; start < slices.size(); start += batch_size) {
    M3L_RETURN_IF_ERROR(CheckStop(stop));
    for (int i = 0; i < batch_size; ++i) batch[i] = slices[(start + i) % slices.size()].data();
    M3L_ASSIGN_OR_RETURN(auto scores, runner.ScoreSlices(batch));
    for (size_t i = 0; i < scores.size() && start + i < slices.size(); ++i) {
      output.probabilities.push_back(scores[i].probabilities);
      output.lesion_probabilities.push_back(scores[i].lesion_probability);
      features.push_back(std::move(scores[i].features));
    }
  }
  std::vector<const std::vector<float>*> pointers;
  pointers.reserve(features.size());
  for (const auto& slice : features) pointers.push_back(&slice);
  M3L_ASSIGN_OR_RETURN(output.patient_probabilities, runner.AssessPatient(pointers));
  return output;
}

}  // namespace m3lung
