// SPDX-License-Identifier: Apache-2.0
#include "server/study_intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/study_slice.h"

namespace m3lung {
namespace {

constexpr int kMaxStudyIdBytes = 128;
constexpr int kMaxChunkBytes = 1 << 20;

ApiError Ok() { return {absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED}; }

ApiError Invalid(v1::ErrorReason reason, absl::string_view message) {
  return {absl::InvalidArgumentError(message), reason};
}

ApiError HeaderMustBeFirst() {
  return Invalid(v1::HEADER_MISPLACED, "the first message must be the header");
}

ApiError StudyTooLarge(absl::string_view what) {
  return {absl::ResourceExhaustedError(
              absl::StrCat("the study has more than ", what,
                           ", the server's limit; send its series as studies of their own")),
          v1::STUDY_TOO_LARGE};
}

}  // namespace

ApiError StudyIntake::Take(v1::AnalyzeStudyRequest request,
                           std::optional<ReceivedInstance>& finished) {
  switch (request.message_case()) {
    case v1::AnalyzeStudyRequest::kHeader:
      return TakeHeader(std::move(*request.mutable_header()));
    case v1::AnalyzeStudyRequest::kDicom:
      return TakeChunk(std::move(*request.mutable_dicom()), finished);
    case v1::AnalyzeStudyRequest::kHuSlice:
      return TakeHuSlice(std::move(*request.mutable_hu_slice()), finished);
    case v1::AnalyzeStudyRequest::MESSAGE_NOT_SET:
      break;
  }
  return Invalid(v1::EMPTY_REQUEST, "a request must hold header, dicom or hu_slice");
}

ApiError StudyIntake::TakeHeader(v1::StudyHeader header) {
  if (has_header()) {
    return Invalid(v1::HEADER_MISPLACED, "the header came twice; it is the first message, once");
  }
  if (header.client_study_id().size() > kMaxStudyIdBytes) {
    return Invalid(v1::HEADER_INVALID,
                   absl::StrCat("header: client_study_id has ", header.client_study_id().size(),
                                " bytes; at most ", kMaxStudyIdBytes));
  }
  if (header.expected_instances() < 0) {
    return Invalid(v1::HEADER_INVALID,
                   absl::StrCat("header: expected_instances must not be negative; was ",
                                header.expected_instances()));
  }
  if (!v1::CropMode_IsValid(header.crop_mode()) ||
      !v1::LesionMapSize_IsValid(header.lesion_maps()) ||
      !v1::Priority_IsValid(header.priority())) {
    return Invalid(v1::HEADER_INVALID,
                   "header: crop_mode, lesion_maps or priority has a value that this version of "
                   "the API does not know");
  }
  header_ = std::move(header);
  return Ok();
}

ApiError StudyIntake::TakeChunk(v1::DicomChunk chunk, std::optional<ReceivedInstance>& finished) {
  if (!has_header()) return HeaderMustBeFirst();
  if (chunk.data().size() > kMaxChunkBytes) {
    return Invalid(v1::CHUNK_TOO_LARGE, absl::StrCat("dicom: a chunk has ", chunk.data().size(),
                                                     " bytes; at most ", kMaxChunkBytes));
  }
  if (!in_instance_) {
    if (ApiError error = BeginInstance(); !error.status.ok()) return error;
  }
  if (ApiError error = CountBytes(chunk.data().size()); !error.status.ok()) return error;
  if (bytes_.size() + chunk.data().size() > static_cast<size_t>(limits_.instance_bytes())) {
    too_large_ = true;  // Read on to its end, and keep none of it.
    std::string().swap(bytes_);
  }
  if (!too_large_) bytes_.append(chunk.data());
  if (!chunk.last()) return Ok();

  in_instance_ = false;
  finished.emplace();
  finished->number = instances_++;
  finished->too_large = std::exchange(too_large_, false);
  finished->dicom = std::exchange(bytes_, {});
  return Ok();
}

ApiError StudyIntake::TakeHuSlice(v1::HuSlice slice, std::optional<ReceivedInstance>& finished) {
  if (!has_header()) return HeaderMustBeFirst();
  if (in_instance_) {
    return Invalid(v1::INSTANCE_UNFINISHED, "a hu_slice came before the last chunk of an instance");
  }
  if (absl::Status status = CheckHuSlice(slice, ToDecodeLimits(limits_)); !status.ok()) {
    return {std::move(status), v1::HU_SLICE_INVALID};
  }
  if (ApiError error = BeginInstance(); !error.status.ok()) return error;
  if (ApiError error = CountBytes(slice.hu().size()); !error.status.ok()) return error;
  in_instance_ = false;
  finished.emplace();
  finished->number = instances_++;
  finished->hu_slice = std::move(slice);
  return Ok();
}

ApiError StudyIntake::BeginInstance() {
  if (instances_ >= limits_.instances_per_study()) {
    return StudyTooLarge(absl::StrCat(limits_.instances_per_study(), " instances"));
  }
  in_instance_ = true;
  return Ok();
}

ApiError StudyIntake::CountBytes(size_t bytes) {
  study_bytes_ += static_cast<int64_t>(bytes);
  if (study_bytes_ <= limits_.study_bytes()) return Ok();
  return StudyTooLarge(absl::StrCat(limits_.study_bytes(), " bytes"));
}

ApiError StudyIntake::CheckEnd() const {
  if (!has_header()) return Invalid(v1::HEADER_MISPLACED, "the stream ended before its header");
  if (in_instance_) {
    return Invalid(v1::INSTANCE_UNFINISHED,
                   "the stream ended within an instance; mark its last chunk with `last`");
  }
  return Ok();
}

}  // namespace m3lung
