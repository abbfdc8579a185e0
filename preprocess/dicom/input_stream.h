// SPDX-License-Identifier: Apache-2.0
// Bytes in memory as a DCMTK stream that a hostile file cannot make grow.
// Private to the code that uses DCMTK.
//
// DCMTK sets aside an element's declared length before it looks at how many
// bytes there are, so a file of 200 bytes can ask for 4 GB. Yet it leaves an
// element longer than the read's `maxReadLength` where it is, and asks the
// stream for a way back to it. This stream gives such a way back, and one that
// fails where the value goes past the end of the bytes. Read with a
// maxReadLength of 0, so that this holds for every element.
//
// DCMTK descends into nested sequences by recursion without a limit, makes an
// object of some hundred bytes of each element, be it empty, and files elements
// that are out of order slowly. The stream watches how deep the caller's stack has
// grown, how often it is read and for how long, and ends the bytes there.
#ifndef M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_
#define M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcelem.h"
#include "dcmtk/dcmdata/dcerror.h"
#include "dcmtk/dcmdata/dcistrma.h"
#include "preprocess/dicom/decode_timer.h"

namespace m3lung {

// What became of reading; shared by the stream and the ways back it has given.
struct DicomReadState {
  uint64_t missing_bytes = 0;  // by which an element goes past the end
  bool too_deep = false;       // nested deeper than any real data set
  bool too_many = false;       // more elements than any real data set
  bool too_slow = false;       // the timer ran out
};

class BoundedProducer final : public DcmProducer {
 public:
  BoundedProducer(absl::string_view bytes, size_t offset, const DecodeTimer& timer);

  OFBool good() const override { return status_.good(); }
  OFCondition status() const override { return status_; }
  OFBool eos() override { return offset_ >= bytes_.size(); }
  offile_off_t avail() override;
  offile_off_t read(void* buf, offile_off_t buflen) override;
  offile_off_t skip(offile_off_t skiplen) override;
  void putback(offile_off_t num) override;

  absl::string_view bytes() const { return bytes_; }
  size_t offset() const { return offset_; }
  const DicomReadState& state() const { return state_; }

  // A flag that is down once the next skip() has found all its bytes.
  std::shared_ptr<bool> WatchNextSkip() const;

 private:
  bool Exhausted();

  const absl::string_view bytes_;
  const uintptr_t stack_start_;
  const DecodeTimer timer_;
  uint32_t reads_ = 0;
  size_t offset_;
  OFCondition status_ = EC_Normal;
  DicomReadState state_;
  mutable std::shared_ptr<bool> watched_;
};

// REQUIRES: `bytes` outlives the stream and every data set read from it.
class DicomInputStream final : public DcmInputStream {
 public:
  explicit DicomInputStream(absl::string_view bytes, size_t offset = 0,
                            const DecodeTimer& timer = DecodeTimer(absl::InfiniteDuration()));

  DcmInputStreamFactory* newFactory() const override;

  const DicomReadState& state() const { return producer_.state(); }
  size_t offset() const { return producer_.offset(); }

  // The value of `element`, which was read from this stream, where it lies in the
  // bytes; cut where these end.
  absl::string_view ValueOf(DcmElement& element) const;

 private:
  BoundedProducer producer_;
  // Where the value lies that DCMTK asked for last.
  const std::shared_ptr<size_t> opened_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_
