// SPDX-License-Identifier: Apache-2.0
// A client of ScreeningService.AnalyzeStudy.
#ifndef M3LUNG_CLIENT_STUDY_CLIENT_H_
#define M3LUNG_CLIENT_STUDY_CLIENT_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.grpc.pb.h"

namespace m3lung::client {

// How far a study has come.
struct StudyStage {
  int instances_sent = 0;
  int instances_total = 0;
  int slices_answered = 0;  // results received, those of slices without lung too
  // Known when upload_ended is true.
  int slices_used = 0;
  // The server has every instance.
  bool upload_ended = false;
};

struct StudyOptions {
  // Sent as it is, but for expected_instances, which is set to the number of files.
  v1::StudyHeader header;
  // Longest time for the whole study.
  absl::Duration timeout = absl::InfiniteDuration();
  // Called at each change, from two threads but never at once; must not block
  // for long. May be empty.
  std::function<void(const StudyStage&)> on_progress;
};

// Thread safety: Analyze() may be called from any thread; calls are independent.
class StudyClient {
 public:
  explicit StudyClient(const std::shared_ptr<grpc::Channel>& channel);

  // Sends `files`, each as one DICOM instance in the order given, and collects
  // the answers. At most one piece of one file is in memory at a time.
  //
  // Returns slices from head to feet, each with its index, and receipts by
  // instance. The error is the server's (its reason by ReasonOf() of
  // remote_status.h); UNAVAILABLE where there is no server, or no more;
  // DEADLINE_EXCEEDED beyond the timeout; a file's own error where it cannot be
  // read, and then the study is withdrawn.
  absl::StatusOr<v1::StudyAnswer> Analyze(const std::vector<std::filesystem::path>& files,
                                          const StudyOptions& options);

 private:
  const std::unique_ptr<v1::ScreeningService::Stub> stub_;
};

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_STUDY_CLIENT_H_
