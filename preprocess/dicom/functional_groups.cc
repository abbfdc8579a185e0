// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/functional_groups.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcsequen.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// The sequence that `item` holds under `tag`, null where it has none; kMalformed where
// something else stands there.
absl::StatusOr<DcmSequenceOfItems*> FindSequence(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad()) return nullptr;
  auto* sequence = dynamic_cast<DcmSequenceOfItems*>(element);
  if (sequence != nullptr) return sequence->card() == 0 ? nullptr : sequence;
  if (element->getLengthField() == 0) return nullptr;
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat(NameOf(tag), " came as ", DcmVR(element->getVR()).getVRName(),
                                " and cannot be read as a sequence; resend the instance as its "
                                "scanner made it"));
}

// The first item under `tag`, null where there is none. `status` takes that something
// else stands there, or several items, of which nobody knows which holds.
DcmItem* OnlyItem(DcmItem& item, const DcmTagKey& tag, absl::Status& status) {
  const absl::StatusOr<DcmSequenceOfItems*> sequence = FindSequence(item, tag);
  status.Update(sequence.status());
  if (!sequence.ok() || *sequence == nullptr) return nullptr;
  if ((*sequence)->card() > 1) {
    status.Update(SkipError(SkipReason::kMalformed,
                            absl::StrCat(NameOf(tag), " has ", (*sequence)->card(),
                                         " items where 1 is allowed; resend the instance")));
  }
  return (*sequence)->getItem(0);
}

}  // namespace

absl::StatusOr<FunctionalGroups> FunctionalGroups::Find(DcmDataset& data_set) {
  FunctionalGroups groups;
  absl::Status status;
  groups.shared_ = OnlyItem(data_set, DCM_SharedFunctionalGroupsSequence, status);
  M3L_RETURN_IF_ERROR(status);
  M3L_ASSIGN_OR_RETURN(DcmSequenceOfItems * frames,
                       FindSequence(data_set, DCM_PerFrameFunctionalGroupsSequence));
  if (frames == nullptr) return groups;
  DcmObject* object = nullptr;
  while ((object = frames->nextInContainer(object)) != nullptr) {
    groups.frames_.push_back(dynamic_cast<DcmItem*>(object));
  }
  return groups;
}

DicomAttributes FunctionalGroups::Of(int frame, const DcmTagKey& group, DcmItem& otherwise) const {
  std::vector<DcmItem*> items;
  absl::Status status;
  for (DcmItem* groups : {Own(frame), shared_}) {
    DcmItem* item = groups == nullptr ? nullptr : OnlyItem(*groups, group, status);
    if (item != nullptr) items.push_back(item);
  }
  return DicomAttributes(std::move(items), otherwise, std::move(status));
}

bool FunctionalGroups::IsMixed(int frame, const DcmTagKey& group) const {
  DcmItem* own = Own(frame);
  absl::Status ignored;
  return own != nullptr && shared_ != nullptr && OnlyItem(*own, group, ignored) != nullptr &&
         OnlyItem(*shared_, group, ignored) != nullptr;
}

DcmItem* FunctionalGroups::Own(int frame) const {
  return static_cast<size_t>(frame) < frames_.size() ? frames_[frame] : nullptr;
}

}  // namespace m3lung
