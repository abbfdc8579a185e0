// SPDX-License-Identifier: Apache-2.0
// Where the pixels of each frame lie. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_PIXEL_FRAMES_H_
#define M3LUNG_PREPROCESS_DICOM_PIXEL_FRAMES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "preprocess/dicom/data_set.h"
#include "preprocess/hounsfield.h"

namespace m3lung {

// The frames of a data set's top-level PixelData: rows x columns words each where
// the syntax is native, else compressed, in one fragment or several. Nothing is
// copied before a frame is asked for. Points into the bytes of the data set.
class PixelFrames {
 public:
  // `frames` is at least 1. kMalformed where PixelData do not hold what the data set
  // says, and cannot be told into frames; a truncated one keeps its whole frames. A
  // data set without a stated transfer syntax gets the one that its fragments show.
  static absl::StatusOr<PixelFrames> Find(DataSet& data_set, const PixelFormat& format, int frames);

  // The bytes of frame `index`, a byte of padding behind an odd number; `joined` takes them where
  // they lie in several pieces. kMalformed where the frame is not there.
  absl::StatusOr<absl::string_view> Frame(int index, std::string& joined) const;

  // The order of bytes in a native word is the other way round.
  bool swapped() const { return swapped_; }

 private:
  PixelFrames() = default;

  absl::Status FindNative(absl::string_view value, uint64_t declared, const PixelFormat& format,
                          int frames);
  absl::Status FindEncapsulated(DataSet& data_set, int frames);
  absl::Status GroupFragments(const std::vector<uint64_t>& offsets,
                              const std::vector<uint32_t>& table, int frames, bool whole);

  bool swapped_ = false;
  std::string missing_;  // what is said of a frame that is not there
  // Native: the pixel data and a frame's size in them.
  absl::string_view native_;
  uint64_t frame_bytes_ = 0;
  // Encapsulated: the fragments, and for each frame the first of its own and the
  // first after them.
  std::vector<absl::string_view> fragments_;
  std::vector<std::pair<size_t, size_t>> ranges_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_PIXEL_FRAMES_H_
