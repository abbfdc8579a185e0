// SPDX-License-Identifier: Apache-2.0
#include "server/study/instance_decoder.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "preprocess/skip_reason.h"
#include "server/study/study_slice.h"

namespace m3lung {
namespace {

template <typename BytesOfSlice>
int64_t Sum(const absl::StatusOr<std::vector<StudySlice>>& slices, BytesOfSlice bytes_of) {
  int64_t sum = 0;
  if (slices.ok()) {
    for (const StudySlice& slice : *slices) sum += bytes_of(slice);
  }
  return sum;
}

}  // namespace

int64_t InstanceSlices::bytes() const {
  return Sum(slices, [](const StudySlice& slice) { return slice.bytes(); });
}

int64_t InstanceSlices::coarse_bytes() const {
  return Sum(slices, [](const StudySlice& slice) { return slice.coarse_bytes(); });
}

absl::StatusOr<InstanceSlices> DecodeReceived(
    const ReceivedInstance& instance, const server::Limits& limits,
    std::optional<int> paper_input_size, const Clock& clock,
    const std::function<absl::Status(const MemoryNeed&)>& admit) {
  const absl::Time start = clock.Now();
  InstanceSlices decoded;
  if (instance.too_large) {
    decoded.slices = SkipError(
        SkipReason::kTooLarge,
        absl::StrCat("has more than ", limits.instance_bytes(), " bytes, the server's limit"));
  } else if (instance.hu_slice.has_value()) {
    M3L_RETURN_IF_ERROR(admit({.frames = 1, .bytes = instance.bytes()}));
    decoded.slices = std::vector<StudySlice>{FromHuSlice(instance.number, *instance.hu_slice)};
    decoded.header.sop_instance_uid = instance.hu_slice->sop_instance_uid();
  } else {
    absl::Status refusal;
    DecodeLimits decode_limits = ToDecodeLimits(limits);
    decode_limits.admit = [&](const MemoryNeed& need) {
      refusal = admit(need);
      return refusal;
    };
    decoded.slices = ReadInstance(instance.number, instance.dicom, decode_limits);
    if (!refusal.ok()) return refusal;
    if (decoded.slices.ok()) {
      decoded.header.sop_instance_uid = decoded.slices->front().summary.header.sop_instance_uid;
    } else {
      decoded.header = PeekHeader(instance.dicom);
    }
  }
  const absl::Time ready = clock.Now();
  decoded.decode_time = ready - start;
  if (paper_input_size.has_value() && decoded.slices.ok()) {
    for (StudySlice& slice : *decoded.slices) MakeNetworkInputByPaper(*paper_input_size, slice);
    decoded.crop_time = clock.Now() - ready;
  }
  return decoded;
}

}  // namespace m3lung
