// What became of each instance of one study, and the patient's result.
#ifndef M3LUNG_SERVER_STUDY_LEDGER_H_
#define M3LUNG_SERVER_STUDY_LEDGER_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "m3lung/v1/results.pb.h"
#include "model/inference.h"
#include "server/slice_preparation.h"

namespace m3lung {

// Thread safety: none; the session's lock guards it.
class StudyLedger {
 public:
  // Decides whether an instance is used, and records it. Called once for each
  // instance, in the order sent, so that the answer does not depend on which
  // was decoded first. The first image's series is the study's.
  v1::InstanceReceipt Admit(int instance, const absl::StatusOr<PreparedSlice>& slice,
                            const std::string& sop_instance_uid);

  // Records the scores of a used instance.
  void AddScores(int instance, SliceScores scores);

  int admitted() const { return used_count_ + skipped_; }
  int used() const { return used_count_; }
  int scored() const { return scored_; }

  // Used instances from head to feet, by their position along the slice normal,
  // ties in the order sent.
  std::vector<int> HeadToFeet() const;

  // Features of the used slices from head to feet. REQUIRES: all are scored.
  std::vector<const std::vector<float>*> Features() const;

  // The patient's result: everything that the ledger knows. `probabilities` are
  // the patient network's; ignored where no slice was used.
  // REQUIRES: all used slices are scored.
  v1::PatientResult MakePatientResult(const ClassProbabilities& probabilities,
                                      float healthy_share_threshold, int expected_instances) const;

 private:
  struct UsedSlice {
    double position_mm = 0;
    SliceScores scores;
  };

  absl::Status Check(const PreparedSlice& slice) const;

  std::map<int, UsedSlice> used_;  // by instance
  std::set<std::string> sop_instance_uids_;
  std::string series_instance_uid_;
  int used_count_ = 0;
  int skipped_ = 0;
  int scored_ = 0;
  bool skipped_a_damaged_one_ = false;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_LEDGER_H_
