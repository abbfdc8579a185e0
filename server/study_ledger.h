// SPDX-License-Identifier: Apache-2.0
// What became of each instance and each slice of one study.
#ifndef M3LUNG_SERVER_STUDY_LEDGER_H_
#define M3LUNG_SERVER_STUDY_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "m3lung/v1/results.pb.h"
#include "model/inference.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/study_assembler.h"
#include "server/study_slice.h"

namespace m3lung {

// A slice's number in the ledger: its place in the order sent, from 0.
using SliceNumber = int;

// Thread safety: none; the session's lock guards it.
class StudyLedger {
 public:
  // Instances are added once each, in the order sent.
  void AddSkipped(const absl::Status& why, const std::string& sop_instance_uid);
  void AddDecoded(std::vector<StudySlice> slices, const std::string& sop_instance_uid);

  // Decides on the instance added last by what came before it: the first slice's
  // series is the study's, and what repeats a slice of it is skipped, its pixels
  // with it. For studies whose slices are answered as they come; returns those to be
  // scored.
  std::vector<SliceNumber> AdmitAsItCame();

  // Decides on all slices: by the rules of the study assembler, or, where slices
  // were admitted as they came, only what the study amounts to.
  void SetAssembled(AssembledStudy study);

  // Whether the instance holds slices; where not, it is skipped.
  bool IsDecoded(int instance) const { return instances_[instance].status.ok(); }
  // Lets go of the pixels of slices that are not used. How many bytes they were.
  int64_t ReleaseUnusedPixels();
  void ReleasePixels(SliceNumber slice);

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

  // From here on REQUIRES SetAssembled().
  const AssembledStudy& study() const { return study_; }
  // Used slices from head to feet.
  const std::vector<SliceNumber>& HeadToFeet() const { return head_to_feet_; }
  // The lung mask of a used slice, empty where it shows none.
  cv::Mat LungMaskOf(SliceNumber slice) const;
  // Features of the scored slices from head to feet.
  std::vector<const std::vector<float>*> Features() const;

  // Of the instances skipped by themselves, not by the choice of a series: whether
  // one may have been a slice that the study now lacks, and whether all of them
  // were images of another plane.
  bool SkippedADamagedOne() const;
  bool AllWereNotAxial() const;

 private:
  struct Instance {
    std::string sop_instance_uid = {};
    absl::Status status = {};  // why it could not be decoded
    SliceNumber first = 0;
    int slices = 0;
  };

  SliceDecision DecideAsItCame(SliceNumber number) const;

  std::vector<Instance> instances_;
  std::vector<StudySlice> slices_;
  std::vector<SliceDecision> decisions_;  // of slices_, as far as decided
  bool as_they_came_ = false;
  std::vector<SliceNumber> admitted_;  // as they came
  std::map<SliceNumber, SliceScores> scores_;
  AssembledStudy study_;
  std::vector<SliceNumber> head_to_feet_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_LEDGER_H_
