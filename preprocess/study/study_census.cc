// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/study_census.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

void Insert(uint64_t digest, std::unordered_set<uint64_t>& digests) {
  if (digest != 0) digests.insert(digest);
}

std::string Counted(size_t count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
}

}  // namespace

void StudyCensus::Add(const StudyIdentity& identity) {
  Insert(identity.study, studies_);
  Insert(identity.patient_id, patient_ids_);
  Insert(identity.patient_name, patient_names_);
  if (identity.study == 0) return;
  Insert(identity.patient_id, known_ids_);
  Insert(identity.patient_name, known_names_);
}

void StudyCensus::AddImage(const StudyIdentity& identity, const std::string& series_uid) {
  Add(identity);
  const uint64_t series = IdentityDigest(series_uid);
  if (identity.study != 0) {
    Insert(series, series_);
  } else {
    nameless_.push_back({identity, series});
  }
}

bool StudyCensus::ContradictsItself() const {
  return studies_.size() > 1 || patient_ids_.size() > 1 || patient_names_.size() > 1;
}

bool StudyCensus::IsStranger(const Nameless& image) const {
  return !studies_.empty() && series_.count(image.series) == 0 &&
         known_ids_.count(image.identity.patient_id) == 0 &&
         known_names_.count(image.identity.patient_name) == 0;
}

int StudyCensus::Strangers() const {
  return static_cast<int>(std::count_if(nameless_.begin(), nameless_.end(),
                                        [&](const Nameless& one) { return IsStranger(one); }));
}

Finding StudyCensus::Describe() const {
  std::string came;
  const size_t patients = std::max(patient_ids_.size(), patient_names_.size());
  if (ContradictsItself()) {
    came = studies_.empty() ? "" : Counted(studies_.size(), "study", "studies");
    if (patients > 0) {
      absl::StrAppend(&came, came.empty() ? "" : " of ", Counted(patients, "patient", "patients"));
    }
  } else {
    came =
        absl::StrCat("a study, and ", Counted(Strangers(), "image that names", "images that name"),
                     " neither its study nor its patient");
  }
  return {StudyReason::kSeveralStudies, Verdict::kRejected,
          absl::StrCat("the stream holds ", came,
                       " (told apart by Study Instance UID, patient id and patient name), and is "
                       "not analysed; send one study alone, or name it in the header's "
                       "study_instance_uid")};
}

}  // namespace m3lung
