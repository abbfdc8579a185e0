// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/pixel_frames.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

constexpr uint64_t kItemHeaderBytes = 8;

absl::Status Malformed(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed, absl::StrCat(detail, "; resend the instance"));
}

// A compressed frame starts so in JPEG, JPEG-LS and JPEG 2000.
bool StartsACodestream(absl::string_view fragment) {
  return absl::StartsWith(fragment, "\xff\xd8\xff") ||
         absl::StartsWith(fragment, "\xff\x4f\xff\x51");
}

DcmPixelSequence* FragmentsOf(DcmPixelData& pixels) {
  E_TransferSyntax stored = EXS_Unknown;
  const DcmRepresentationParameter* parameter = nullptr;
  pixels.getOriginalRepresentationKey(stored, parameter);
  DcmPixelSequence* fragments = nullptr;
  if (pixels.getEncapsulatedRepresentation(stored, parameter, fragments).bad()) return nullptr;
  return fragments;
}

// The Basic Offset Table: where each frame starts, from the first fragment on.
std::vector<uint32_t> OffsetTable(absl::string_view bytes) {
  std::vector<uint32_t> table(bytes.size() / 4);
  for (size_t i = 0; i < table.size(); ++i) {
    for (int byte = 0; byte < 4; ++byte) {
      table[i] |= uint32_t{static_cast<unsigned char>(bytes[4 * i + byte])} << (8 * byte);
    }
  }
  return table;
}

}  // namespace

absl::StatusOr<PixelFrames> PixelFrames::Find(DataSet& data_set, const PixelFormat& format,
                                              int frames) {
  DcmElement* element = nullptr;
  auto* pixels = data_set.attributes.findAndGetElement(DCM_PixelData, element).good()
                     ? dynamic_cast<DcmPixelData*>(element)
                     : nullptr;
  if (pixels == nullptr) return Malformed("PixelData cannot be read");
  PixelFrames found;
  const bool encapsulated = pixels->getLengthField() == DCM_UndefinedLength;
  if (encapsulated) {
    M3L_RETURN_IF_ERROR(found.FindEncapsulated(data_set, frames));
  } else if (data_set.syntax->coding == PixelCoding::kNative) {
    // Words of 16 bits, be it with two pixels in each.
    found.swapped_ = data_set.syntax->big_endian() && element->getVR() != EVR_OB;
    M3L_RETURN_IF_ERROR(found.FindNative(data_set.stream->ValueOf(*element),
                                         pixels->getLengthField(), format, frames));
  } else {
    return Malformed("PixelData holds no fragment, though the transfer syntax is compressed");
  }
  return found;
}

absl::Status PixelFrames::FindNative(absl::string_view value, uint64_t declared,
                                     const PixelFormat& format, int frames) {
  native_ = value;
  frame_bytes_ = uint64_t(format.rows) * format.columns * (format.bits_allocated / 8);
  missing_ = absl::StrCat("PixelData declares ", declared, " bytes and holds ", value.size(), ", ",
                          frames == 1 ? "" : absl::StrCat(frames, " frames of "), format.rows,
                          " x ", format.columns, " pixels of ", format.bits_allocated,
                          " bits need ", frame_bytes_ * frames);
  if (value.size() < frame_bytes_) return Malformed(missing_);
  if (swapped_ && frames > 1 && frame_bytes_ % 2 == 1) {
    return SkipError(SkipReason::kUnsupportedPixelFormat,
                     "PixelData holds frames of an odd number of bytes in big endian words; "
                     "convert the instance to Explicit VR Little Endian");
  }
  return absl::OkStatus();
}

absl::Status PixelFrames::FindEncapsulated(DataSet& data_set, int frames) {
  DcmElement* element = nullptr;
  data_set.attributes.findAndGetElement(DCM_PixelData, element);
  auto* pixels = static_cast<DcmPixelData*>(element);
  DcmPixelSequence* sequence = FragmentsOf(*pixels);
  if (data_set.syntax->coding == PixelCoding::kNative && !data_set.syntax_is_guessed) {
    return Malformed("PixelData has no length, though the transfer syntax is not compressed");
  }
  if (sequence == nullptr || sequence->card() < 2) {
    return Malformed("PixelData holds no fragment, though the transfer syntax is compressed");
  }
  const uint64_t missing = data_set.stream->state().missing_bytes;
  missing_ = absl::StrCat("PixelData ends within its fragments: ", sequence->card() - 1,
                          " were found, at least ", missing, " bytes are missing");
  const bool whole = missing == 0 && pixels->transferState() == ERW_ready;
  if (!whole && frames == 1) return Malformed(missing_);

  std::vector<uint32_t> table;
  std::vector<uint64_t> offsets;
  uint64_t offset = 0;
  const unsigned long count = sequence->card();
  DcmObject* object = nullptr;
  for (unsigned long i = 0; i < count; ++i) {
    object = sequence->nextInContainer(object);
    auto* item = dynamic_cast<DcmPixelItem*>(object);
    if (item == nullptr) return Malformed("PixelData holds something else than fragments");
    const absl::string_view bytes = data_set.stream->ValueOf(*item);
    if (i == 0) {
      table = OffsetTable(bytes);
      continue;
    }
    if (bytes.size() < item->getLengthField()) break;
    fragments_.push_back(bytes);
    offsets.push_back(offset);
    offset += kItemHeaderBytes + bytes.size();
  }
  if (fragments_.empty()) return Malformed(missing_);
  if (data_set.syntax->coding == PixelCoding::kNative) {
    const TransferSyntax* guess = GuessSyntax(fragments_.front());
    if (guess == nullptr) {
      return SkipError(SkipReason::kUnsupportedTransferSyntax,
                       "the pixel data are compressed, and the file header names no transfer "
                       "syntax; resend the instance with its file header (group 0002)");
    }
    data_set.syntax = guess;
  }
  return GroupFragments(offsets, table, frames, whole);
}

absl::Status PixelFrames::GroupFragments(const std::vector<uint64_t>& offsets,
                                         const std::vector<uint32_t>& table, int frames,
                                         bool whole) {
  std::vector<size_t> starts;
  const auto frame_count = static_cast<size_t>(frames);
  if (frames == 1) {
    starts = {0};
  } else if (table.size() == frame_count) {
    for (const uint32_t start : table) {
      const auto fragment = std::lower_bound(offsets.begin(), offsets.end(), start);
      const size_t index = fragment - offsets.begin();
      const bool rises = starts.empty() ? index == 0 : index > starts.back();
      if (fragment == offsets.end() || *fragment != start || !rises) break;
      starts.push_back(index);
    }
    // A wrong table is worse than none, but one that runs ahead of a truncated file
    // is right as far as it goes.
    const bool runs_ahead = !whole && !starts.empty() && starts.size() < table.size() &&
                            table[starts.size()] > offsets.back();
    if (starts.size() < frame_count && !runs_ahead) starts.clear();
  }
  if (starts.empty() && fragments_.size() != frame_count) {
    for (size_t i = 0; i < fragments_.size(); ++i) {
      if (StartsACodestream(fragments_[i])) starts.push_back(i);
    }
    // Where one is missing from a whole file, nobody knows which.
    const bool fits = whole ? starts.size() == frame_count : starts.size() <= frame_count;
    if (!fits || starts.empty() || starts.front() != 0) starts.clear();
  } else if (starts.empty()) {
    for (size_t i = 0; i < fragments_.size(); ++i) starts.push_back(i);
  }
  if (starts.empty()) {
    return Malformed(absl::StrCat("PixelData holds ", fragments_.size(), " fragments for ", frames,
                                  " frames, and no offset table that says which is whose"));
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    ranges_.emplace_back(starts[i], i + 1 < starts.size() ? starts[i + 1] : fragments_.size());
  }
  if (ranges_.size() < frame_count) {
    missing_ = absl::StrCat("PixelData holds ", ranges_.size(), " of its ", frames, " frames");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> PixelFrames::Frame(int index, std::string& joined) const {
  if (frame_bytes_ > 0) {
    const uint64_t start = frame_bytes_ * index;
    if (start + frame_bytes_ > native_.size()) return Malformed(missing_);
    return native_.substr(start, frame_bytes_ + frame_bytes_ % 2);
  }
  if (static_cast<size_t>(index) >= ranges_.size()) return Malformed(missing_);
  const auto [first, end] = ranges_[index];
  if (end - first == 1) return fragments_[first];
  joined.clear();
  for (size_t i = first; i < end; ++i) absl::StrAppend(&joined, fragments_[i]);
  return absl::string_view(joined);
}

}  // namespace m3lung
