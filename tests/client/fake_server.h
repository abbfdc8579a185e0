// SPDX-License-Identifier: Apache-2.0
// A server on a loopback port whose answers a test scripts.
#ifndef M3LUNG_TESTS_CLIENT_FAKE_SERVER_H_
#define M3LUNG_TESTS_CLIENT_FAKE_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/server.h"
#include "m3lung/v1/model.grpc.pb.h"
#include "m3lung/v1/screening.grpc.pb.h"

namespace m3lung::client {

using ServerStream = grpc::ServerReaderWriter<v1::AnalyzeStudyResponse, v1::AnalyzeStudyRequest>;
using StudyScript = std::function<grpc::Status(grpc::ServerContext&, ServerStream&)>;

// What a script reads of a study.
struct ReceivedStudy {
  v1::StudyHeader header;
  std::vector<std::string> instances;
  size_t largest_chunk = 0;
};

class FakeServer final : v1::ScreeningService::Service,
                         v1::ModelService::Service,
                         grpc::health::v1::Health::Service {
 public:
  explicit FakeServer(StudyScript script);
  ~FakeServer() override;

  const std::string& address() const { return address_; }
  // Breaks off the calls under way and waits for their scripts to return.
  void Vanish();

  // Before calls are made.
  std::map<std::string, grpc::health::v1::HealthCheckResponse::ServingStatus> health;
  v1::ListModelsResponse models;

 private:
  grpc::Status AnalyzeStudy(grpc::ServerContext* context, ServerStream* stream) override;
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;
  grpc::Status Check(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;

  const StudyScript script_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// Reads one instance; false at half-close.
bool ReadInstance(ServerStream& stream, ReceivedStudy& study);

// A made-up answer for `slices` instances, sent from feet to head: instance i is
// slice slices - 1 - i. Slice k's lesion probability is k / slices; from the
// middle on slices are called COVID-19, before that Healthy; maps are 4 x 4.
v1::SliceResult FakeSlice(int instance, int slices);
v1::PatientResult FakePatient(int slices);
v1::StudyAnswer FakeAnswer(int slices);  // slices from head to feet, with index

// Reads a whole study and answers it. The first half of the slices is answered
// while the upload goes on, without an index; the rest after its end, with one.
// Instances that begin with "bad" are skipped as NOT_DICOM. What was received is
// written to `received`.
grpc::Status AnswerNormally(ServerStream& stream, ReceivedStudy& received);

}  // namespace m3lung::client

#endif  // M3LUNG_TESTS_CLIENT_FAKE_SERVER_H_
