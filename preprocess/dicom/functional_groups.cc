// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/functional_groups.h"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcsequen.h"

namespace m3lung {
namespace {

DcmSequenceOfItems* Sequence(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad()) return nullptr;
  return dynamic_cast<DcmSequenceOfItems*>(element);
}

DcmItem* FirstItem(DcmItem& item, const DcmTagKey& tag) {
  DcmSequenceOfItems* sequence = Sequence(item, tag);
  return sequence == nullptr || sequence->card() == 0 ? nullptr : sequence->getItem(0);
}

}  // namespace

FunctionalGroups::FunctionalGroups(DcmDataset& data_set)
    : shared_(FirstItem(data_set, DCM_SharedFunctionalGroupsSequence)) {
  DcmSequenceOfItems* sequence = Sequence(data_set, DCM_PerFrameFunctionalGroupsSequence);
  if (sequence == nullptr) return;
  DcmObject* object = nullptr;
  while ((object = sequence->nextInContainer(object)) != nullptr) {
    frames_.push_back(dynamic_cast<DcmItem*>(object));
  }
}

DicomAttributes FunctionalGroups::Of(int frame, const DcmTagKey& group, DcmItem& otherwise) const {
  DcmItem* found = nullptr;
  if (static_cast<size_t>(frame) < frames_.size() && frames_[frame] != nullptr) {
    found = FirstItem(*frames_[frame], group);
  }
  if (found == nullptr && shared_ != nullptr) found = FirstItem(*shared_, group);
  return DicomAttributes(found == nullptr ? otherwise : *found);
}

}  // namespace m3lung
