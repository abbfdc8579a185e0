// SPDX-License-Identifier: Apache-2.0
// What became of each instance and each slice of one study, and what the study amounts to.
#ifndef M3LUNG_SERVER_STUDY_STUDY_LEDGER_H_
#define M3LUNG_SERVER_STUDY_STUDY_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "m3lung/v1/results.pb.h"
#include "model/answers/affected_lung.h"
#include "model/engine/inference.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/findings.h"
#include "preprocess/study/repetitions.h"
#include "preprocess/study/study_assembler.h"
#include "preprocess/study/study_census.h"
#include "server/study/study_slice.h"

namespace m3lung {

// A slice's number in the ledger: its place in the order sent, from 0.
using SliceNumber = int;

// Thread safety: none; the session's lock guards it.
class StudyLedger {
 public:
  // What the header announces. From here on only instances of this study (a Study Instance UID) are
  // used; empty: the stream holds one study. `instances`: 0 where their number is not known. Called
  // before instances are added.
  void Expect(const std::string& study_instance_uid, int instances);

  // Instances are added once each, in the order sent. One of another study than the one expected
  // is skipped as such, whatever else it is, and one that can be used is skipped where the stream
  // is known to hold several studies.
  void AddSkipped(const absl::Status& why, const std::string& sop_instance_uid,
                  const StudyIdentity& identity = {});
  void AddDecoded(std::vector<StudySlice> slices, const std::string& sop_instance_uid);

  // Decides on the instance added last by what came before it: the first slice's
  // series is the study's, and what repeats a slice of it is skipped, its pixels
  // with it. For studies whose slices are answered as they come; returns those to be
  // scored.
  std::vector<SliceNumber> AdmitAsItCame();

  // Decides on all slices: by the rules of the study assembler, or, where slices
  // were admitted as they came, only what the study amounts to. Called once, when all
  // instances have been added.
  void SetAssembled(AssembledStudy study);

  // Whether all that came is of one study; of a stream that has ended.
  const StudyCensus& census() const { return census_; }

  // Whether the instance holds slices; where not, it is skipped.
  bool IsDecoded(int instance) const { return instances_[instance].status.ok(); }
  // Let go of the pixels of all slices that are not used, or of one. How many bytes they were.
  int64_t ReleaseUnusedPixels();
  int64_t ReleasePixels(SliceNumber slice);
  // Lets go of the coarse slices, which only assembling needs.
  void ReleaseCoarse();

  // REQUIRES: the instance has been decided upon.
  v1::InstanceReceipt ReceiptOf(int instance) const;

  void AddScores(SliceNumber slice, SliceScores scores);

  int instances() const { return static_cast<int>(instances_.size()); }
  int skipped_instances() const;
  int used() const;  // slices
  int scored() const { return static_cast<int>(scores_.size()); }

  StudySlice& slice(SliceNumber number) { return slices_[number]; }
  const StudySlice& slice(SliceNumber number) const { return slices_[number]; }
  const SliceScores* scores(SliceNumber number) const;
  std::vector<SliceSummary> Summaries() const;
  // Where slices were admitted as they came: these.
  std::optional<std::vector<SliceNumber>> pinned() const;
  // Of a used slice once the study is assembled: its place from the head, from 0, and its lung
  // mask, empty where it shows none. Nothing for other slices, and before.
  std::optional<int> IndexOf(SliceNumber slice) const;
  cv::Mat LungMaskOf(SliceNumber slice) const;

  // From here on REQUIRES SetAssembled().
  const AssembledStudy& study() const { return study_; }
  // All that speaks against an answer, the worst first: what the study assembler found, and what
  // the instances' fates and their number say.
  const std::vector<Finding>& findings() const { return findings_; }
  Verdict verdict() const { return WorstVerdict(findings_); }
  // Used slices from head to feet.
  const std::vector<SliceNumber>& HeadToFeet() const { return head_to_feet_; }
  // Features of the scored slices from head to feet.
  std::vector<const std::vector<float>*> Features() const;
  // How much of a slice's lung is affected; without lung where it shows none, or has no scores.
  LungCounts CountsOf(SliceNumber slice) const;

 private:
  struct Instance {
    std::string sop_instance_uid = {};
    absl::Status status = {};  // why it could not be decoded
    SliceNumber first = 0;
    int slices = 0;
  };

  SliceDecision DecideAsItCame(SliceNumber number) const;
  // Whether the header names another study; counts those.
  bool IsOfAnother(const StudyIdentity& identity);
  // Of the instances skipped by themselves, not by the choice of a series: whether
  // one may have been a slice that the study now lacks, and whether all of them
  // were images of another plane.
  bool SkippedADamagedOne() const;
  bool AllWereNotAxial() const;
  std::string WhyNoneIsUsed() const;
  std::vector<Finding> Findings() const;

  uint64_t expected_study_ = 0;  // digest; 0: none is named
  int expected_instances_ = 0;   // 0: not known
  int others_ = 0;               // instances of other studies than the one expected
  StudyCensus census_;
  std::vector<Instance> instances_;
  std::vector<StudySlice> slices_;
  std::vector<SliceDecision> decisions_;  // of slices_, as far as decided
  bool as_they_came_ = false;
  std::vector<SliceNumber> admitted_;  // as they came
  Arrivals arrivals_;                  // the same
  std::map<SliceNumber, SliceScores> scores_;
  AssembledStudy study_;
  std::vector<Finding> findings_;
  std::vector<SliceNumber> head_to_feet_;
  std::vector<int> place_of_;  // of each slice in head_to_feet_; -1: not used
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_STUDY_LEDGER_H_
