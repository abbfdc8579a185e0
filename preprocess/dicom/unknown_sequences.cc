// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/unknown_sequences.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcsequen.h"

namespace m3lung {
namespace {

// A sequence whose length is known before it is read.
class SizedSequence final : public DcmSequenceOfItems {
 public:
  SizedSequence(const DcmTag& tag, Uint32 bytes) : DcmSequenceOfItems(tag, bytes) {}
};

bool IsUnknownSequence(DcmElement& element) {
  return element.getTag().getEVR() == EVR_UN &&
         DcmTag(element.getTag().getXTag()).getEVR() == EVR_SQ;
}

// The sequence that the bytes of `element` hold, null where they hold none.
std::unique_ptr<DcmSequenceOfItems> Reread(const DicomInputStream& stream, const DecodeTimer& timer,
                                           DcmElement& element) {
  const absl::string_view bytes = stream.ValueOf(element);
  const Uint32 length = element.getLengthField();
  if (bytes.size() != length) return nullptr;
  auto sequence = std::make_unique<SizedSequence>(DcmTag(element.getTag().getXTag()), length);
  DicomInputStream within(bytes, 0, timer);
  sequence->transferInit();
  const OFCondition read =
      sequence->read(within, EXS_LittleEndianImplicit, EGL_noChange, /*maxReadLength=*/0);
  sequence->transferEnd();
  return read.good() && within.offset() == length ? std::move(sequence) : nullptr;
}

void ReadUnknownIn(const DicomInputStream& stream, const DecodeTimer& timer, DcmItem& item) {
  std::vector<DcmElement*> unknown;
  DcmObject* object = nullptr;
  while ((object = item.nextInContainer(object)) != nullptr) {
    auto* element = dynamic_cast<DcmElement*>(object);
    if (element != nullptr && IsUnknownSequence(*element)) unknown.push_back(element);
  }
  for (DcmElement* element : unknown) {
    std::unique_ptr<DcmSequenceOfItems> sequence = Reread(stream, timer, *element);
    if (sequence != nullptr) item.insert(sequence.release(), /*replaceOld=*/OFTrue);
  }
}

}  // namespace

void ReadUnknownSequences(const DicomInputStream& stream, const DecodeTimer& timer,
                          DcmDataset& data_set) {
  for (const DcmTagKey& tag :
       {DCM_SharedFunctionalGroupsSequence, DCM_PerFrameFunctionalGroupsSequence}) {
    DcmElement* element = nullptr;
    if (data_set.findAndGetElement(tag, element).bad()) continue;
    if (IsUnknownSequence(*element)) {
      std::unique_ptr<DcmSequenceOfItems> sequence = Reread(stream, timer, *element);
      if (sequence != nullptr) data_set.insert(sequence.release(), /*replaceOld=*/OFTrue);
      continue;
    }
    auto* groups = dynamic_cast<DcmSequenceOfItems*>(element);
    DcmObject* object = nullptr;
    while (groups != nullptr && (object = groups->nextInContainer(object)) != nullptr) {
      if (auto* item = dynamic_cast<DcmItem*>(object); item != nullptr) {
        ReadUnknownIn(stream, timer, *item);
      }
    }
  }
}

}  // namespace m3lung
