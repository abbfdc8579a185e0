// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/input_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace m3lung {
namespace {

// A level of nesting takes some hundred bytes of stack, so this allows hundreds
// of levels; real data sets have under ten. Threads have 8 MiB, some 1 MiB.
constexpr uintptr_t kMaxStackBytes = 256 << 10;

// An element takes three or four reads, so this allows over half a million elements,
// four times those of an Enhanced CT object of 2,000 frames.
constexpr uint32_t kMaxReads = 2'000'000;
constexpr uint32_t kReadsBetweenClocks = 4096;
constexpr size_t kNowhere = static_cast<size_t>(-1);

uintptr_t StackPosition() { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); }

// A stream that is at an error from the start.
class FailedProducer final : public DcmProducer {
 public:
  OFBool good() const override { return OFFalse; }
  OFCondition status() const override { return EC_InvalidStream; }
  OFBool eos() override { return OFTrue; }
  offile_off_t avail() override { return 0; }
  offile_off_t read(void*, offile_off_t) override { return 0; }
  offile_off_t skip(offile_off_t) override { return 0; }
  void putback(offile_off_t) override {}
};

class FailedStream final : public DcmInputStream {
 public:
  FailedStream() : DcmInputStream(&producer_) {}
  DcmInputStreamFactory* newFactory() const override { return nullptr; }

 private:
  FailedProducer producer_;
};

// The way back to one element's value.
class ValueFactory final : public DcmInputStreamFactory {
 public:
  ValueFactory(absl::string_view bytes, size_t offset, std::shared_ptr<bool> fell_short,
               std::shared_ptr<size_t> opened)
      : bytes_(bytes),
        offset_(offset),
        fell_short_(std::move(fell_short)),
        opened_(std::move(opened)) {}

  DcmInputStream* create() const override {
    *opened_ = offset_;
    if (*fell_short_) return new FailedStream();
    return new DicomInputStream(bytes_, offset_);
  }
  DcmInputStreamFactory* clone() const override { return new ValueFactory(*this); }
  DcmInputStreamFactoryType ident() const override { return DFT_DcmInputFileStreamFactory; }

 private:
  const absl::string_view bytes_;
  const size_t offset_;
  const std::shared_ptr<bool> fell_short_;
  const std::shared_ptr<size_t> opened_;
};

}  // namespace

BoundedProducer::BoundedProducer(absl::string_view bytes, size_t offset, const DecodeTimer& timer)
    : bytes_(bytes),
      stack_start_(StackPosition()),
      timer_(timer),
      offset_(std::min(offset, bytes.size())) {}

bool BoundedProducer::Exhausted() {
  const uintptr_t now = StackPosition();
  ++reads_;
  state_.too_deep |= std::max(now, stack_start_) - std::min(now, stack_start_) >= kMaxStackBytes;
  state_.too_many |= reads_ > kMaxReads;
  state_.too_slow |= reads_ % kReadsBetweenClocks == 0 && timer_.RanOut();
  if (!state_.too_deep && !state_.too_many && !state_.too_slow) return false;
  status_ = EC_InvalidStream;
  offset_ = bytes_.size();
  return true;
}

offile_off_t BoundedProducer::avail() { return static_cast<offile_off_t>(bytes_.size() - offset_); }

offile_off_t BoundedProducer::read(void* buf, offile_off_t buflen) {
  if (Exhausted() || buflen <= 0) return 0;
  const size_t count = std::min(static_cast<size_t>(buflen), bytes_.size() - offset_);
  if (count > 0) std::memcpy(buf, bytes_.data() + offset_, count);
  offset_ += count;
  return static_cast<offile_off_t>(count);
}

offile_off_t BoundedProducer::skip(offile_off_t skiplen) {
  const std::shared_ptr<bool> watched = std::move(watched_);
  if (skiplen <= 0) return 0;
  const size_t wanted = static_cast<size_t>(skiplen);
  const size_t count = std::min(wanted, bytes_.size() - offset_);
  offset_ += count;
  if (count < wanted) state_.missing_bytes = wanted - count;
  if (watched != nullptr) *watched = count < wanted;
  return static_cast<offile_off_t>(count);
}

void BoundedProducer::putback(offile_off_t num) {
  if (num < 0 || static_cast<size_t>(num) > offset_) {
    status_ = EC_PutbackFailed;
    return;
  }
  offset_ -= static_cast<size_t>(num);
}

std::shared_ptr<bool> BoundedProducer::WatchNextSkip() const {
  watched_ = std::make_shared<bool>(true);  // until the bytes prove to be there
  return watched_;
}

DicomInputStream::DicomInputStream(absl::string_view bytes, size_t offset, const DecodeTimer& timer)
    : DcmInputStream(&producer_),
      producer_(bytes, offset, timer),
      opened_(std::make_shared<size_t>(kNowhere)) {}

DcmInputStreamFactory* DicomInputStream::newFactory() const {
  return new ValueFactory(producer_.bytes(), producer_.offset(), producer_.WatchNextSkip(),
                          opened_);
}

absl::string_view DicomInputStream::ValueOf(DcmElement& element) const {
  // DCMTK keeps the place to itself, but goes there for the first byte, found or not.
  *opened_ = kNowhere;
  char first = 0;
  element.getPartialValue(&first, 0, 1, nullptr, gLocalByteOrder);
  if (*opened_ == kNowhere) return "";
  return producer_.bytes().substr(*opened_, element.getLengthField());
}

}  // namespace m3lung
