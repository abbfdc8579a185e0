// SPDX-License-Identifier: Apache-2.0
#include "fake_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace m3lung::client {
namespace {

namespace health_v1 = grpc::health::v1;

void FillModel(v1::ModelReference& model) {
  model.set_name("fake");
  model.set_version("3");
  model.set_digest(std::string(64, 'a'));
  model.set_notice("Weights are <random> & mean nothing.");
}

}  // namespace

FakeServer::FakeServer(StudyScript script) : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(static_cast<v1::ScreeningService::Service*>(this));
  builder.RegisterService(static_cast<v1::ModelService::Service*>(this));
  builder.RegisterService(static_cast<health_v1::Health::Service*>(this));
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() { Vanish(); }

void FakeServer::Vanish() { server_->Shutdown(std::chrono::system_clock::now()); }

grpc::Status FakeServer::AnalyzeStudy(grpc::ServerContext* context, ServerStream* stream) {
  return script_(*context, *stream);
}

grpc::Status FakeServer::ListModels(grpc::ServerContext* /*context*/,
                                    const v1::ListModelsRequest* /*request*/,
                                    v1::ListModelsResponse* response) {
  *response = models;
  return grpc::Status::OK;
}

grpc::Status FakeServer::Check(grpc::ServerContext* /*context*/,
                               const health_v1::HealthCheckRequest* request,
                               health_v1::HealthCheckResponse* response) {
  const auto found = health.find(request->service());
  if (found == health.end()) return {grpc::StatusCode::NOT_FOUND, "unknown service"};
  response->set_status(found->second);
  return grpc::Status::OK;
}

bool ReadInstance(ServerStream& stream, ReceivedStudy& study) {
  v1::AnalyzeStudyRequest request;
  bool begun = false;
  while (stream.Read(&request)) {
    if (request.has_header()) {
      study.header = request.header();
      continue;
    }
    if (!begun) study.instances.emplace_back();
    begun = true;
    study.instances.back() += request.dicom().data();
    study.largest_chunk = std::max(study.largest_chunk, request.dicom().data().size());
    if (request.dicom().last()) return true;
  }
  return false;
}

v1::SliceResult FakeSlice(int instance, int slices) {
  const int index = slices - 1 - instance;
  const bool ill = index >= slices / 2;
  v1::SliceResult slice;
  slice.set_sop_instance_uid(absl::StrCat("1.2.", instance));
  slice.set_instance(instance);
  slice.set_position_mm(5.0 * instance);
  slice.set_scored(true);
  slice.set_label(ill ? v1::COVID_19 : v1::HEALTHY);
  for (const float p : {ill ? 0.05F : 0.9F, ill ? 0.9F : 0.05F, 0.05F, 0.0F}) {
    slice.add_probabilities(p);
  }
  slice.set_lesion_probability(static_cast<float>(index) / static_cast<float>(slices));
  v1::LungBox& box = *slice.mutable_lung_box();
  box.set_x(8);
  box.set_y(4);
  box.set_width(40);
  box.set_height(30);
  box.set_method("paper");
  v1::LesionMap& map = *slice.mutable_lesion_map();
  map.set_rows(4);
  map.set_columns(4);
  for (int i = 0; i < 16; ++i) map.add_values(i == 5 ? 1.0F : 0.0F);
  map.mutable_covers()->set_x(8);
  map.mutable_covers()->set_y(4);
  map.mutable_covers()->set_width(40);
  map.mutable_covers()->set_height(30);
  FillModel(*slice.mutable_model());
  return slice;
}

v1::PatientResult FakePatient(int slices) {
  v1::PatientResult patient;
  patient.set_verdict(v1::OK);
  patient.set_label(v1::COVID_19);
  for (const float p : {0.125F, 0.75F, 0.0625F, 0.0625F}) patient.add_probabilities(p);
  patient.mutable_non_parametric()->set_label(v1::COVID_19);
  patient.mutable_non_parametric()->set_healthy_share(0.5F);
  patient.mutable_non_parametric()->set_threshold(0.99F);
  for (const int count : {slices / 2, slices - slices / 2, 0, 0}) {
    patient.add_slices_by_label(count);
  }
  patient.set_instances_received(slices);
  patient.set_slices_used(slices);
  for (int i = slices - 1; i >= 0; --i) patient.add_instances_head_to_feet(i);
  FillModel(*patient.mutable_model());
  patient.mutable_timings()->set_total_ms(1500);
  return patient;
}

v1::StudyAnswer FakeAnswer(int slices) {
  v1::StudyAnswer answer;
  for (int i = 0; i < slices; ++i) {
    v1::InstanceReceipt& receipt = *answer.add_receipts();
    receipt.set_instance(i);
    receipt.set_status(v1::USED);
    *answer.add_slices() = FakeSlice(slices - 1 - i, slices);
    answer.mutable_slices(i)->set_index(i);
  }
  *answer.mutable_patient() = FakePatient(slices);
  return answer;
}

grpc::Status AnswerNormally(ServerStream& stream, ReceivedStudy& received) {
  std::vector<int> used;
  int answered = 0;
  int expected = 0;
  const auto answer_slice = [&](int place, bool with_index) {
    v1::AnalyzeStudyResponse response;
    *response.mutable_slice() = FakeSlice(used[static_cast<size_t>(place)], expected);
    if (with_index) response.mutable_slice()->set_index(static_cast<int>(used.size()) - 1 - place);
    stream.Write(response);
  };
  while (ReadInstance(stream, received)) {
    expected = received.header.expected_instances();
    const int instance = static_cast<int>(received.instances.size()) - 1;
    const bool bad = absl::StartsWith(received.instances.back(), "bad");
    v1::AnalyzeStudyResponse response;
    response.mutable_receipt()->set_instance(instance);
    response.mutable_receipt()->set_status(bad ? v1::SKIPPED : v1::USED);
    if (bad) {
      response.mutable_receipt()->set_reason(v1::NOT_DICOM);
      response.mutable_receipt()->set_detail("no DICOM data set in 3 bytes");
    }
    stream.Write(response);
    if (bad) continue;
    used.push_back(instance);
    if (instance < expected / 2) {
      answer_slice(static_cast<int>(used.size()) - 1, false);
      ++answered;
    }
  }
  const int count = static_cast<int>(used.size());
  v1::AnalyzeStudyResponse progress;
  progress.mutable_progress()->set_upload_ended(true);
  progress.mutable_progress()->set_slices_used(count);
  stream.Write(progress);
  for (int place = count - 1; place >= answered; --place) answer_slice(place, true);

  v1::AnalyzeStudyResponse last;
  v1::PatientResult& patient = *last.mutable_patient();
  patient = FakePatient(count);
  patient.set_instances_received(static_cast<int>(received.instances.size()));
  patient.set_instances_skipped(patient.instances_received() - count);
  patient.clear_instances_head_to_feet();
  for (int place = count - 1; place >= 0; --place) {
    patient.add_instances_head_to_feet(used[static_cast<size_t>(place)]);
  }
  if (count == 0) {
    patient.Clear();
    patient.set_verdict(v1::REJECTED);
    patient.add_reasons(v1::NO_USABLE_INSTANCE);
  } else if (count < patient.instances_received()) {
    patient.set_verdict(v1::DEGRADED);
    patient.add_reasons(v1::INSTANCES_SKIPPED);
  }
  stream.Write(last);
  return grpc::Status::OK;
}

}  // namespace m3lung::client
