// SPDX-License-Identifier: Apache-2.0
#include "client/study_client.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <future>
#include <map>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/status_macros.h"
#include "client/remote_status.h"

namespace m3lung::client {
namespace {

using Stream = grpc::ClientReaderWriter<v1::AnalyzeStudyRequest, v1::AnalyzeStudyResponse>;

constexpr size_t kChunkBytes = 256 << 10;

// Tells the caller of each change, from the thread that made it.
class ProgressTeller {
 public:
  ProgressTeller(int total, const std::function<void(const StudyStage&)>& tell) : tell_(tell) {
    absl::MutexLock lock(&mu_);
    stage_.instances_total = total;
  }

  template <typename Change>
  void Update(const Change& change) {
    absl::MutexLock lock(&mu_);
    change(stage_);
    if (tell_) tell_(stage_);
  }

  StudyStage stage() {
    absl::MutexLock lock(&mu_);
    return stage_;
  }

 private:
  const std::function<void(const StudyStage&)>& tell_;
  absl::Mutex mu_;
  StudyStage stage_ ABSL_GUARDED_BY(mu_);
};

// False where the stream is broken; the reader learns why.
absl::StatusOr<bool> SendFile(const std::filesystem::path& path, Stream& stream) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path.string()));
  v1::AnalyzeStudyRequest request;
  v1::DicomChunk& chunk = *request.mutable_dicom();
  do {
    std::string& data = *chunk.mutable_data();
    data.resize(kChunkBytes);
    file.read(data.data(), static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<size_t>(file.gcount()));
    // Looks ahead, since an instance may end with a full piece.
    chunk.set_last(!file || file.peek() == std::ifstream::traits_type::eof());
    if (file.bad()) return absl::DataLossError(absl::StrCat("cannot read ", path.string()));
    if (!stream.Write(request)) return false;
  } while (!chunk.last());
  return true;
}

absl::Status SendStudy(const std::vector<std::filesystem::path>& files,
                       const v1::StudyHeader& header, Stream& stream, ProgressTeller& progress) {
  v1::AnalyzeStudyRequest request;
  *request.mutable_header() = header;
  request.mutable_header()->set_expected_instances(static_cast<int>(files.size()));
  if (!stream.Write(request)) return absl::OkStatus();
  for (const std::filesystem::path& file : files) {
    M3L_ASSIGN_OR_RETURN(const bool sent, SendFile(file, stream));
    if (!sent) return absl::OkStatus();
    progress.Update([](StudyStage& stage) { ++stage.instances_sent; });
  }
  stream.WritesDone();
  return absl::OkStatus();
}

void Take(v1::AnalyzeStudyResponse& response, v1::StudyAnswer& answer, ProgressTeller& progress) {
  switch (response.message_case()) {
    case v1::AnalyzeStudyResponse::kProgress:
      if (!response.progress().upload_ended()) break;
      progress.Update([&response](StudyStage& stage) {
        stage.upload_ended = true;
        stage.slices_used = response.progress().slices_used();
      });
      break;
    case v1::AnalyzeStudyResponse::kReceipt:
      *answer.add_receipts() = std::move(*response.mutable_receipt());
      break;
    case v1::AnalyzeStudyResponse::kSlice:
      *answer.add_slices() = std::move(*response.mutable_slice());
      progress.Update([](StudyStage& stage) { ++stage.slices_answered; });
      break;
    case v1::AnalyzeStudyResponse::kPatient:
      *answer.mutable_patient() = std::move(*response.mutable_patient());
      break;
    case v1::AnalyzeStudyResponse::MESSAGE_NOT_SET:
      break;  // of a newer version
  }
}

// Gives every slice its index, then sorts: slices from head to feet, receipts as sent.
void Arrange(v1::StudyAnswer& answer) {
  using InstanceAndFrame = std::pair<int, int>;
  std::map<InstanceAndFrame, int> index_of;
  const v1::PatientResult& patient = answer.patient();
  for (int i = 0; i < patient.instances_head_to_feet_size(); ++i) {
    // Older servers know of no frames: every instance is one slice.
    const int frame = i < patient.frames_head_to_feet_size() ? patient.frames_head_to_feet(i) : 0;
    index_of.emplace(InstanceAndFrame(patient.instances_head_to_feet(i), frame), i);
  }
  for (v1::SliceResult& slice : *answer.mutable_slices()) {
    const auto found = index_of.find(InstanceAndFrame(slice.instance(), slice.frame()));
    if (!slice.has_index() && found != index_of.end()) slice.set_index(found->second);
  }
  std::stable_sort(answer.mutable_slices()->begin(), answer.mutable_slices()->end(),
                   [](const v1::SliceResult& a, const v1::SliceResult& b) {
                     return std::make_tuple(!a.has_index(), a.index(), -a.position_mm()) <
                            std::make_tuple(!b.has_index(), b.index(), -b.position_mm());
                   });
  std::stable_sort(answer.mutable_receipts()->begin(), answer.mutable_receipts()->end(),
                   [](const v1::InstanceReceipt& a, const v1::InstanceReceipt& b) {
                     return a.instance() < b.instance();
                   });
}

// gRPC's own words for a lost connection name sockets; a person needs to know
// how far the study was.
absl::Status DescribeLostConnection(const absl::Status& status, bool answered,
                                    const StudyStage& stage) {
  if (status.code() != absl::StatusCode::kUnavailable || !ReasonOf(status).empty()) return status;
  if (!answered) {
    return WithMessage(status, absl::StrCat("no server answers: ", status.message()));
  }
  return WithMessage(
      status, absl::StrCat("the connection to the server was lost after ", stage.instances_sent,
                           " of ", stage.instances_total, " instances sent and ",
                           stage.slices_answered, " slices answered: ", status.message()));
}

}  // namespace

StudyClient::StudyClient(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(v1::ScreeningService::NewStub(channel)) {}

absl::StatusOr<v1::StudyAnswer> StudyClient::Analyze(
    const std::vector<std::filesystem::path>& files, const StudyOptions& options) {
  grpc::ClientContext context;
  if (options.timeout != absl::InfiniteDuration()) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  }
  ProgressTeller progress(static_cast<int>(files.size()), options.on_progress);
  const std::unique_ptr<Stream> stream = stub_->AnalyzeStudy(&context);

  // Writes wait while the server has enough to do, and the server waits while
  // its answers are not read, so that both must go on at once.
  std::future<absl::Status> sent = std::async(std::launch::async, [&] {
    absl::Status status = SendStudy(files, options.header, *stream, progress);
    if (!status.ok()) context.TryCancel();
    return status;
  });
  v1::StudyAnswer answer;
  bool answered = false;
  for (v1::AnalyzeStudyResponse response; stream->Read(&response);) {
    answered = true;
    Take(response, answer, progress);
  }
  const absl::Status unread = sent.get();
  const absl::Status finished = FromRemote(stream->Finish(), context);

  if (!unread.ok()) return unread;
  if (!finished.ok()) return DescribeLostConnection(finished, answered, progress.stage());
  if (!answer.has_patient()) {
    return absl::InternalError("the server ended the study without a result for the patient");
  }
  Arrange(answer);
  return answer;
}

}  // namespace m3lung::client
