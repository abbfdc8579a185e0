// SPDX-License-Identifier: Apache-2.0
// What a client sends of one study, held to the stream's rules: the header, then
// instances put together from their pieces.
#ifndef M3LUNG_SERVER_STUDY_INTAKE_H_
#define M3LUNG_SERVER_STUDY_INTAKE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "m3lung/v1/screening.pb.h"
#include "server/config.pb.h"
#include "server/conversions.h"

namespace m3lung {

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
  ApiError Take(v1::AnalyzeStudyRequest request, std::optional<ReceivedInstance>& finished);

  // Whether the stream may end here.
  ApiError CheckEnd() const;

  bool has_header() const { return header_.has_value(); }
  // REQUIRES: has_header().
  const v1::StudyHeader& header() const { return *header_; }
  int instances() const { return instances_; }    // received whole
  int64_t bytes() const { return study_bytes_; }  // of pixels and DICOM files, so far
  // Of the instance that is being received, as far as they are kept.
  int64_t bytes_kept() const { return static_cast<int64_t>(bytes_.size()); }

 private:
  ApiError TakeHeader(v1::StudyHeader header);
  ApiError TakeChunk(v1::DicomChunk chunk, std::optional<ReceivedInstance>& finished);
  ApiError TakeHuSlice(v1::HuSlice slice, std::optional<ReceivedInstance>& finished);
  ApiError BeginInstance();
  ApiError CountBytes(size_t bytes);

  const server::Limits& limits_;
  std::optional<v1::StudyHeader> header_;
  std::string bytes_;  // of the instance that is being received
  bool in_instance_ = false;
  bool too_large_ = false;
  int instances_ = 0;
  int64_t study_bytes_ = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_INTAKE_H_
