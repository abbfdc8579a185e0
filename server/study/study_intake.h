// SPDX-License-Identifier: Apache-2.0
// What a client sends of one study, held to the stream's rules: the header, then
// instances put together from their pieces.
#ifndef M3LUNG_SERVER_STUDY_STUDY_INTAKE_H_
#define M3LUNG_SERVER_STUDY_STUDY_INTAKE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "m3lung/v1/screening.pb.h"
#include "server/config.pb.h"

namespace m3lung {

inline constexpr int kMaxChunkBytes = 1 << 20;

// RESOURCE_EXHAUSTED (STUDY_TOO_LARGE). `excess`: what the study has more of than the server takes.
absl::Status StudyTooLarge(absl::string_view excess);

// One whole instance.
struct ReceivedInstance {
  int number = 0;                       // in the order sent, from 0
  std::string dicom;                    // a DICOM file, unless hu_slice is set
  std::optional<v1::HuSlice> hu_slice;  // checked: its bytes fit its size
  bool too_large = false;               // over limits.instance_bytes; nothing of it was kept

  int64_t bytes() const {
    return static_cast<int64_t>(dicom.size() + (hu_slice ? hu_slice->hu().size() : 0));
  }
};

// Thread safety: none; the session's lock guards it.
class StudyIntake {
 public:
  // REQUIRES: `limits` outlives this object.
  explicit StudyIntake(const server::Limits& limits) : limits_(limits) {}

  // Takes the next request. Fills `finished` where it completes an instance. An
  // error ends the study; its reason is one of ErrorReason's first group, or
  // STUDY_TOO_LARGE.
  absl::Status Take(v1::AnalyzeStudyRequest request, std::optional<ReceivedInstance>& finished);

  // Whether the stream may end here.
  absl::Status CheckEnd() const;

  bool has_header() const { return header_.has_value(); }
  // REQUIRES: has_header().
  const v1::StudyHeader& header() const { return *header_; }
  int instances() const { return instances_; }    // received whole
  int64_t bytes() const { return study_bytes_; }  // of pixels and DICOM files, so far
  // What the instance that is being received takes, as far as it is kept: the bytes of a long one
  // lie there twice for a moment whenever their buffer grows.
  int64_t bytes_kept() const {
    const auto bytes = static_cast<int64_t>(bytes_.size());
    return bytes > kMaxChunkBytes ? 2 * bytes : bytes;
  }

 private:
  absl::Status TakeHeader(v1::StudyHeader header);
  absl::Status TakeChunk(v1::DicomChunk chunk, std::optional<ReceivedInstance>& finished);
  absl::Status TakeHuSlice(v1::HuSlice slice, std::optional<ReceivedInstance>& finished);
  absl::Status BeginInstance();
  absl::Status CountBytes(size_t bytes);

  const server::Limits& limits_;
  std::optional<v1::StudyHeader> header_;
  std::string bytes_;  // of the instance that is being received
  bool in_instance_ = false;
  bool too_large_ = false;
  int instances_ = 0;
  int64_t study_bytes_ = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_STUDY_INTAKE_H_
