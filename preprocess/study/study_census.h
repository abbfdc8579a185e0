// SPDX-License-Identifier: Apache-2.0
// Whether what came as one study is one.
#ifndef M3LUNG_PREPROCESS_STUDY_STUDY_CENSUS_H_
#define M3LUNG_PREPROCESS_STUDY_STUDY_CENSUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "preprocess/study/findings.h"
#include "preprocess/study_identity.h"

namespace m3lung {

// Counts the studies and patients that instances name. What an instance does not say tells nothing
// apart: data without names are the rule where patients were made anonymous.
class StudyCensus {
 public:
  // An object without an image, or an image that cannot be used.
  void Add(const StudyIdentity& identity);
  // An image that can be used, of the series `series_uid` (empty: not stated).
  void AddImage(const StudyIdentity& identity, const std::string& series_uid);

  // Whether two instances contradict each other, whatever will still come.
  bool ContradictsItself() const;

  // From here on of a stream that has ended.
  // Images that name no study where others do, and that share neither series nor patient with one
  // that does: they may be anyone's.
  int Strangers() const;
  bool IsSeveral() const { return ContradictsItself() || Strangers() > 0; }
  // For a person; how many there are and what to do. REQUIRES: IsSeveral().
  Finding Describe() const;

 private:
  struct Nameless {
    StudyIdentity identity;
    uint64_t series = 0;
  };

  bool IsStranger(const Nameless& image) const;

  std::unordered_set<uint64_t> studies_, patient_ids_, patient_names_;
  std::unordered_set<uint64_t> series_;  // of images that name their study
  // Patients' ids and names that stand beside a study's name.
  std::unordered_set<uint64_t> known_ids_, known_names_;
  std::vector<Nameless> nameless_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_STUDY_CENSUS_H_
