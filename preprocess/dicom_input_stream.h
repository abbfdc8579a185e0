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
// DCMTK descends into nested sequences by recursion without a limit. The stream
// watches how deep the caller's stack has grown, and ends the bytes there.
#ifndef M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_
#define M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcerror.h"
#include "dcmtk/dcmdata/dcistrma.h"

namespace m3lung {

// What became of reading; shared by the stream and the ways back it has given.
struct DicomReadState {
  uint64_t missing_bytes = 0;  // by which an element goes past the end
  bool too_deep = false;       // nested deeper than any real data set
};

class BoundedProducer final : public DcmProducer {
 public:
  BoundedProducer(absl::string_view bytes, size_t offset);

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
  bool StackTooDeep();

  const absl::string_view bytes_;
  const uintptr_t stack_start_;
  size_t offset_;
  OFCondition status_ = EC_Normal;
  DicomReadState state_;
  mutable std::shared_ptr<bool> watched_;
};

// REQUIRES: `bytes` outlives the stream and every data set read from it.
class DicomInputStream final : public DcmInputStream {
 public:
  explicit DicomInputStream(absl::string_view bytes, size_t offset = 0);

  DcmInputStreamFactory* newFactory() const override;

  const DicomReadState& state() const { return producer_.state(); }

 private:
  BoundedProducer producer_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_INPUT_STREAM_H_
