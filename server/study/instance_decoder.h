// SPDX-License-Identifier: Apache-2.0
// From an instance's bytes to its slices.
#ifndef M3LUNG_SERVER_STUDY_INSTANCE_DECODER_H_
#define M3LUNG_SERVER_STUDY_INSTANCE_DECODER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/study/pipeline.h"
#include "server/config.pb.h"
#include "server/study/study_intake.h"

namespace m3lung {

// What came of an instance.
struct InstanceSlices {
  // At least one; or why the instance is skipped, with a SkipReason.
  absl::StatusOr<std::vector<StudySlice>> slices;
  // What is known of an instance that is skipped; of others its SOP Instance UID.
  PeekedHeader header = {};
  absl::Duration decode_time = {};
  absl::Duration crop_time = {};

  int64_t bytes() const;  // of pixels
  int64_t coarse_bytes() const;
};

// Decodes an instance, and with `paper_input_size` makes each slice's input by the paper's box.
// `admit` is asked before memory is taken; where it refuses, its error is returned, and the
// instance may be decoded again.
// Thread safety: may be called from any thread.
absl::StatusOr<InstanceSlices> DecodeReceived(
    const ReceivedInstance& instance, const server::Limits& limits,
    std::optional<int> paper_input_size, const Clock& clock,
    const std::function<absl::Status(const MemoryNeed&)>& admit);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_INSTANCE_DECODER_H_
