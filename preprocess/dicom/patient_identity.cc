// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/patient_identity.h"

#include <string>

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcelem.h"
#include "preprocess/dicom/attribute_value.h"

namespace m3lung {
namespace {

// The value's bytes, whatever its character set and its value representation: two names in Chinese
// must not become the same row of question marks.
std::string ValueBytes(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr || !element->isLeaf() ||
      element->getLengthField() > kMaxValueBytes) {
    return "";
  }
  Uint8* bytes = nullptr;
  if (element->getUint8Array(bytes).good() && bytes != nullptr) {
    return {reinterpret_cast<const char*>(bytes), element->getLengthField()};
  }
  OFString value;
  if (element->getOFStringArray(value).bad()) return "";
  return {value.data(), value.size()};
}

}  // namespace

StudyIdentity ReadStudyIdentity(DcmItem& data_set) {
  return {.study = IdentityDigest(ValueBytes(data_set, DCM_StudyInstanceUID)),
          .patient_id = IdentityDigest(ValueBytes(data_set, DCM_PatientID)),
          .patient_name = IdentityDigest(ComparableName(ValueBytes(data_set, DCM_PatientName)))};
}

}  // namespace m3lung
