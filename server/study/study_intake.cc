// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/call_error.h"
#include "server/study/study_slice.h"

namespace m3lung {
namespace {

constexpr int kMaxStudyIdBytes = 128;

absl::Status Invalid(v1::ErrorReason reason, absl::string_view message) {
  return CallError(absl::InvalidArgumentError(message), reason);
}

absl::Status HeaderMustBeFirst() {
  return Invalid(v1::HEADER_MISPLACED, "the first message must be the header");
}

}  // namespace

absl::Status StudyTooLarge(absl::string_view excess) {
  return CallError(absl::ResourceExhaustedError(absl::StrCat(
                       excess, ", the server's limit; send its series as studies of their own")),
                   v1::STUDY_TOO_LARGE);
}

absl::Status StudyIntake::Take(v1::AnalyzeStudyRequest request,
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

absl::Status StudyIntake::TakeHeader(v1::StudyHeader header) {
  if (has_header()) {
    return Invalid(v1::HEADER_MISPLACED, "the header came twice; it is the first message, once");
  }
  if (header.client_study_id().size() > kMaxStudyIdBytes) {
    return Invalid(v1::HEADER_INVALID,
                   absl::StrCat("header: client_study_id has ", header.client_study_id().size(),
                                " bytes; at most ", kMaxStudyIdBytes));
  }
  if (header.study_instance_uid().size() > kMaxStudyIdBytes) {
    return Invalid(v1::HEADER_INVALID, absl::StrCat("header: study_instance_uid has ",
                                                    header.study_instance_uid().size(),
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
  return absl::OkStatus();
}

absl::Status StudyIntake::TakeChunk(v1::DicomChunk chunk,
                                    std::optional<ReceivedInstance>& finished) {
  if (!has_header()) return HeaderMustBeFirst();
  if (chunk.data().size() > kMaxChunkBytes) {
    return Invalid(v1::CHUNK_TOO_LARGE, absl::StrCat("dicom: a chunk has ", chunk.data().size(),
                                                     " bytes; at most ", kMaxChunkBytes));
  }
  if (!in_instance_) {
    M3L_RETURN_IF_ERROR(BeginInstance());
  }
  M3L_RETURN_IF_ERROR(CountBytes(chunk.data().size()));
  if (bytes_.size() + chunk.data().size() > static_cast<size_t>(limits_.instance_bytes())) {
    too_large_ = true;  // Read on to its end, and keep none of it.
    std::string().swap(bytes_);
  }
  if (!too_large_) bytes_.append(chunk.data());
  if (!chunk.last()) return absl::OkStatus();

  in_instance_ = false;
  finished.emplace();
  finished->number = instances_++;
  finished->too_large = std::exchange(too_large_, false);
  finished->dicom = std::exchange(bytes_, {});
  return absl::OkStatus();
}

absl::Status StudyIntake::TakeHuSlice(v1::HuSlice slice,
                                      std::optional<ReceivedInstance>& finished) {
  if (!has_header()) return HeaderMustBeFirst();
  if (in_instance_) {
    return Invalid(v1::INSTANCE_UNFINISHED, "a hu_slice came before the last chunk of an instance");
  }
  if (absl::Status status = CheckHuSlice(slice, ToDecodeLimits(limits_)); !status.ok()) {
    return CallError(std::move(status), v1::HU_SLICE_INVALID);
  }
  M3L_RETURN_IF_ERROR(BeginInstance());
  M3L_RETURN_IF_ERROR(CountBytes(slice.hu().size()));
  in_instance_ = false;
  finished.emplace();
  finished->number = instances_++;
  finished->hu_slice = std::move(slice);
  return absl::OkStatus();
}

absl::Status StudyIntake::BeginInstance() {
  if (instances_ >= limits_.instances_per_study()) {
    return StudyTooLarge(
        absl::StrCat("the study has more than ", limits_.instances_per_study(), " instances"));
  }
  in_instance_ = true;
  return absl::OkStatus();
}

absl::Status StudyIntake::CountBytes(size_t bytes) {
  study_bytes_ += static_cast<int64_t>(bytes);
  if (study_bytes_ <= limits_.study_bytes()) return absl::OkStatus();
  return StudyTooLarge(absl::StrCat("the study has more than ", limits_.study_bytes(), " bytes"));
}

absl::Status StudyIntake::CheckEnd() const {
  if (!has_header()) return Invalid(v1::HEADER_MISPLACED, "the stream ended before its header");
  if (in_instance_) {
    return Invalid(v1::INSTANCE_UNFINISHED,
                   "the stream ended within an instance; mark its last chunk with `last`");
  }
  return absl::OkStatus();
}

}  // namespace m3lung
