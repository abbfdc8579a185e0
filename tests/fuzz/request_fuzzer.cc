// SPDX-License-Identifier: Apache-2.0
// Any messages, in any order, as a client's side of AnalyzeStudy: the session
// keeps its promises, and ends once.
//
// The bytes are a list of steps: one byte that says what happens, two with the
// length of what belongs to it (little endian), then that. Steps that the stream
// cannot take (a request where none was asked for) do nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "server/call_error.h"
#include "server/study/study_session.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/invariants.h"
#include "tests/fuzz/session_stage.h"
#include "tests/testing/fake_model.h"

namespace m3lung {
namespace {

using ::m3lung::testing::ByteSource;
using ::m3lung::testing::FakeModel;
using ::m3lung::testing::IsPrintable;
using ::m3lung::testing::MakeFakeModel;
using ::m3lung::testing::SessionStage;

// As tests/fuzz/write_seeds.cc writes them.
enum class Step {
  kRequest,
  kChunk,
  kLastChunk,
  kWorkFirst,
  kWorkLast,
  kRead,
  kHalfClose,
  kCancel,
  kFail
};
constexpr int kSteps = 9;

server::Limits SmallLimits() {
  server::Limits limits;
  limits.set_instances_per_study(8);
  limits.set_instance_bytes(16 << 10);
  limits.set_study_bytes(64 << 10);
  limits.set_unanswered_slices(3);
  limits.set_image_side(64);
  return limits;
}

// Counts on from study to study: making it takes longer than a study does.
ServerMetrics& Metrics() {
  static auto* const metrics = new ServerMetrics;
  return *metrics;
}

// A server with one model, a session in it, and its client.
class Study {
 public:
  Study() {
    models_.Add(fake_.model);
    session_ = StudySession::Create(environment_, stage_, 1);
    session_->Start();
  }
  ~Study() {
    while (stage_.RunOne(/*first=*/true)) {
    }
    if (!stage_.ended()) return;
    session_->OnClosed();  // What the client has not read is held until then.
    M3L_FUZZ_REQUIRE(budget_.taken() == 0);
  }

  void Do(Step step, absl::string_view payload) {
    v1::AnalyzeStudyRequest request;
    switch (step) {
      case Step::kRequest:
        // What does not parse, gRPC refuses before a session sees it.
        if (request.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
          Send(std::move(request));
        }
        break;
      case Step::kChunk:
      case Step::kLastChunk:
        request.mutable_dicom()->set_data(std::string(payload));
        request.mutable_dicom()->set_last(step == Step::kLastChunk);
        Send(std::move(request));
        break;
      case Step::kWorkFirst:
      case Step::kWorkLast:
        stage_.RunOne(step == Step::kWorkFirst);
        break;
      case Step::kRead:
        stage_.WriteOne(*session_);
        break;
      case Step::kHalfClose:
        if (!half_closed_ && stage_.TakeRead()) HalfClose();
        break;
      case Step::kCancel:
        session_->OnCancel();
        break;
      case Step::kFail:
        fake_.runner->FailWith(absl::InternalError("the network fails"));
        break;
    }
  }

  // Lets a client that keeps reading half-close; the session then ends by itself.
  void RunToTheEnd() {
    while (!stage_.ended()) {
      if (stage_.RunOne(/*first=*/true) || stage_.WriteOne(*session_)) continue;
      if (stage_.TakeRead()) {
        M3L_FUZZ_REQUIRE(!half_closed_);
        HalfClose();
        continue;
      }
      stage_.AwaitNews();
    }
  }

  void Check() const;

 private:
  void Send(v1::AnalyzeStudyRequest request) {
    if (half_closed_ || !stage_.TakeRead()) return;
    instances_ += request.has_hu_slice() || (request.has_dicom() && request.dicom().last());
    session_->OnRequest(std::move(request));
  }
  void HalfClose() {
    half_closed_ = true;
    session_->OnHalfClose();
  }

  const FakeModel fake_ = MakeFakeModel();
  const server::Limits limits_ = SmallLimits();
  SessionStage stage_;
  ModelRegistry models_;
  MemoryBudget budget_{16 << 20};
  Admission admission_{limits_, budget_};
  const SessionEnvironment environment_{models_,       stage_,  stage_,    Metrics(),
                                        Clock::Real(), limits_, admission_};
  std::shared_ptr<StudySession> session_;
  int instances_ = 0;  // sent whole
  bool half_closed_ = false;
};

void Study::Check() const {
  const absl::Status error = stage_.error();
  if (!error.ok()) {
    M3L_FUZZ_REQUIRE(!error.message().empty());
    M3L_FUZZ_REQUIRE(IsPrintable(error.message()));
    M3L_FUZZ_REQUIRE(ErrorReasonOf(error) != v1::ERROR_REASON_UNSPECIFIED ||
                     error.code() == absl::StatusCode::kCancelled);
  }
  std::set<int> receipts, used, answered;
  std::set<std::pair<int, int>> slices;  // instance and frame
  int patients = 0;
  for (const v1::AnalyzeStudyResponse& response : stage_.sent()) {
    M3L_FUZZ_REQUIRE(patients == 0);  // The patient comes last.
    // A string that is no UTF-8 does not survive the way to the client.
    v1::AnalyzeStudyResponse arrived;
    M3L_FUZZ_REQUIRE(arrived.ParseFromString(response.SerializeAsString()));
    if (response.has_receipt()) {
      const v1::InstanceReceipt& receipt = response.receipt();
      M3L_FUZZ_REQUIRE(receipts.insert(receipt.instance()).second);
      const bool is_used = receipt.status() == v1::USED;
      M3L_FUZZ_REQUIRE(is_used || receipt.status() == v1::SKIPPED);
      M3L_FUZZ_REQUIRE(is_used == (receipt.reason() == v1::SKIP_REASON_UNSPECIFIED));
      if (is_used) used.insert(receipt.instance());
    }
    if (response.has_slice()) {
      const v1::SliceResult& slice = response.slice();
      M3L_FUZZ_REQUIRE(slices.emplace(slice.instance(), slice.frame()).second);
      answered.insert(slice.instance());
    }
    patients += response.has_patient();
  }
  M3L_FUZZ_REQUIRE(receipts.empty() || (*receipts.begin() >= 0 && *receipts.rbegin() < instances_));
  M3L_FUZZ_REQUIRE(std::includes(used.begin(), used.end(), answered.begin(), answered.end()));
  M3L_FUZZ_REQUIRE(patients == (error.ok() ? 1 : 0));
  if (!error.ok()) return;
  M3L_FUZZ_REQUIRE(half_closed_);
  M3L_FUZZ_REQUIRE(static_cast<int>(receipts.size()) == instances_);
  M3L_FUZZ_REQUIRE(answered == used);
}

void RunAndCheck(absl::string_view bytes) {
  spdlog::set_level(spdlog::level::off);
  Study study;
  ByteSource data(bytes);
  while (!data.empty()) {
    const auto step = static_cast<Step>(data.Integer(0, kSteps - 1));
    study.Do(step, data.Bytes(data.Word()));
  }
  study.RunToTheEnd();
  study.Check();
}

}  // namespace
}  // namespace m3lung

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  m3lung::RunAndCheck(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
