// SPDX-License-Identifier: Apache-2.0
#include "volume_answer.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace m3lung::client {
namespace {

constexpr int kSlices = 30;
constexpr int kSingleImages = 10;
constexpr char kWarning[] = "SOPInstanceUID is empty";

bool HasLung(int index) { return index > 3 && index != 12 && index < 27; }

void AddSlice(int index, v1::StudyAnswer& answer) {
  const bool single = index < kSingleImages;
  v1::SliceResult& slice = *answer.add_slices();
  slice = FakeSlice(kSlices - 1 - index, kSlices);
  slice.clear_sop_instance_uid();
  slice.set_index(index);
  slice.set_instance(single ? kSingleImages - 1 - index : kSingleImages);
  slice.set_frame(single ? 0 : kSlices - 1 - index);
  slice.mutable_lung_box()->set_method("volume");
  slice.add_warnings(kWarning);
  if (HasLung(index)) {
    slice.set_affected_lung_share(static_cast<float>(index) / 100);
  } else {
    slice.set_scored(false);
    slice.clear_label();
    slice.clear_probabilities();
    slice.clear_lesion_probability();
    slice.clear_lesion_map();
  }
}

void AddUsed(int instance, int frames, v1::StudyAnswer& answer) {
  v1::InstanceReceipt& receipt = *answer.add_receipts();
  receipt.set_instance(instance);
  receipt.set_status(v1::USED);
  receipt.set_frames_used(frames);
  receipt.add_warnings(kWarning);
}

void AddSkipped(v1::SkipReason reason, const std::string& detail, v1::StudyAnswer& answer) {
  v1::InstanceReceipt& receipt = *answer.add_receipts();
  receipt.set_instance(answer.receipts_size() - 1);
  receipt.set_status(v1::SKIPPED);
  receipt.set_reason(reason);
  receipt.set_detail(detail);
}

void FillGeometry(v1::StudyGeometry& geometry) {
  geometry.set_median_spacing_mm(5);
  geometry.set_extent_mm(155);
  geometry.set_gaps(1);
  geometry.set_missing_slices(2);
  geometry.set_doubled_positions(1);
  geometry.set_gantry_tilt_degrees(12.5);
  geometry.set_slices_with_lung(22);
  geometry.set_lung_volume_ml(4210);
}

void AddSeries(v1::PatientResult& patient) {
  v1::SeriesSummary& chosen = *patient.add_series();
  chosen.set_series_instance_uid("2.25.1");
  chosen.set_acquisition_number(2);
  chosen.set_slices(kSlices);
  chosen.set_spacing_mm(5);
  chosen.set_extent_mm(155);
  chosen.set_chosen(true);
  chosen.set_detail("the most slices of a lung kernel");
  v1::SeriesSummary& other = *patient.add_series();
  other.set_slices(3);
  other.set_spacing_mm(10);
  other.set_extent_mm(20);
  other.set_detail("fewer slices than the chosen series");
}

void FillAffected(v1::AffectedLung& affected) {
  affected.set_whole(0.123F);
  affected.set_left(0.081F);
  affected.set_right(0.16F);
  affected.set_upper_third(0.02F);
  affected.set_middle_third(0.104F);
  affected.set_lower_third(0.249F);
}

}  // namespace

v1::StudyAnswer VolumeAnswer() {
  v1::StudyAnswer answer;
  for (int instance = 0; instance < kSingleImages; ++instance) AddUsed(instance, 1, answer);
  AddUsed(kSingleImages, kSlices - kSingleImages, answer);
  AddSkipped(v1::LOCALIZER, "ImageType says LOCALIZER, an overview for planning", answer);
  for (const int position : {10, 20, 30}) {
    AddSkipped(v1::OTHER_SERIES,
               absl::StrCat("of another series than the one chosen, at ", position, " mm"), answer);
  }
  AddSkipped(v1::NOT_DICOM, "the bytes are no DICOM file; send instances as they are stored",
             answer);
  AddSkipped(v1::NOT_DICOM, "the bytes are no DICOM file; send instances as they are stored",
             answer);
  for (int index = 0; index < kSlices; ++index) AddSlice(index, answer);

  v1::PatientResult& patient = *answer.mutable_patient();
  patient = FakePatient(kSlices);
  patient.set_verdict(v1::DEGRADED);
  patient.add_reasons(v1::SLICES_MISSING);
  patient.add_reasons(v1::POSITIONS_DOUBLED);
  patient.set_detail("2 slices are missing between others; send the whole series");
  patient.clear_slices_by_label();
  for (const int count : {10, 12, 0, 0}) patient.add_slices_by_label(count);
  patient.set_instances_received(answer.receipts_size());
  patient.set_instances_skipped(6);
  patient.clear_instances_head_to_feet();
  for (const v1::SliceResult& slice : answer.slices()) {
    patient.add_instances_head_to_feet(slice.instance());
    patient.add_frames_head_to_feet(slice.frame());
  }
  patient.set_series_instance_uid("2.25.1");
  patient.set_slices_without_lung(8);
  patient.add_warnings("the patient is under 16; the networks were made for adults");
  FillAffected(*patient.mutable_affected_lung());
  AddSeries(patient);
  FillGeometry(*patient.mutable_geometry());
  return answer;
}

v1::StudyAnswer AbstainedAnswer() {
  v1::StudyAnswer answer = VolumeAnswer();
  v1::PatientResult& patient = *answer.mutable_patient();
  patient.set_verdict(v1::ABSTAINED);
  patient.clear_reasons();
  patient.add_reasons(v1::TOO_FEW_LUNG_SLICES);
  patient.set_detail("22 slices show lung, and 30 are needed; send the whole chest");
  patient.clear_label();
  patient.clear_probabilities();
  patient.clear_non_parametric();
  return answer;
}

grpc::Status SendAfterUpload(const v1::StudyAnswer& answer, ServerStream& stream,
                             ReceivedStudy& received) {
  while (ReadInstance(stream, received)) {
  }
  v1::AnalyzeStudyResponse response;
  response.mutable_progress()->set_upload_ended(true);
  response.mutable_progress()->set_slices_used(answer.slices_size());
  stream.Write(response);
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    *response.mutable_receipt() = receipt;
    stream.Write(response);
  }
  const int slices = answer.slices_size();
  for (int i = 0; i < slices; ++i) {
    *response.mutable_slice() = answer.slices(i * 7 % slices);  // 7 does not divide 30
    response.mutable_slice()->clear_index();
    stream.Write(response);
  }
  *response.mutable_patient() = answer.patient();
  stream.Write(response);
  return grpc::Status::OK;
}

}  // namespace m3lung::client
