// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/jpeg2000_header.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace m3lung {
namespace {

// ISO/IEC 15444-1, annex A.
constexpr int kStartOfCodestream = 0xff4f;
constexpr int kSize = 0xff51;
constexpr int kCodingStyle = 0xff52;
constexpr int kComponentCodingStyle = 0xff53;
constexpr int kStartOfTilePart = 0xff90;
constexpr int kStartOfData = 0xff93;
constexpr int kEndOfCodestream = 0xffd9;

constexpr int64_t kMaxExtent = int64_t{1} << 20;

absl::Status Bad(absl::string_view detail) { return absl::InvalidArgumentError(detail); }

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  // 0 past the end, see good().
  int64_t Number(int count) {
    int64_t value = 0;
    for (int i = 0; i < count; ++i) {
      good_ = good_ && at_ < bytes_.size();
      value = value << 8 | (good_ ? static_cast<unsigned char>(bytes_[at_++]) : 0);
    }
    return value;
  }
  bool good() const { return good_; }
  size_t at() const { return at_; }
  void MoveTo(size_t at) {
    good_ = good_ && at <= bytes_.size();
    at_ = std::min(at, bytes_.size());
  }
  absl::string_view Next(size_t length) const { return bytes_.substr(at_, length); }

 private:
  const absl::string_view bytes_;
  size_t at_ = 0;
  bool good_ = true;
};

// The grid of tiles (SIZ).
struct Grid {
  int64_t width = 0, height = 0;            // reference grid, from 0
  int64_t left = 0, top = 0;                // of the image in it
  int64_t tile_width = 0, tile_height = 0;  // nominal
  int64_t tiles = 0;
};

absl::StatusOr<Grid> ReadSize(Reader segment, Jpeg2000Header& header) {
  Grid grid;
  segment.Number(2);  // capabilities
  grid.width = segment.Number(4);
  grid.height = segment.Number(4);
  grid.left = segment.Number(4);
  grid.top = segment.Number(4);
  grid.tile_width = segment.Number(4);
  grid.tile_height = segment.Number(4);
  const int64_t tile_left = segment.Number(4);
  const int64_t tile_top = segment.Number(4);
  header.components = static_cast<int>(segment.Number(2));
  for (int i = 0; i < header.components && segment.good(); ++i) {
    const int64_t depth = segment.Number(1);
    if (i == 0) {
      header.precision = static_cast<int>(depth & 0x7f) + 1;
      header.is_signed = (depth & 0x80) != 0;
    }
    const int64_t columns_apart = segment.Number(1);
    const int64_t rows_apart = segment.Number(1);
    header.subsampled |= columns_apart != 1 || rows_apart != 1;
  }
  if (!segment.good() || header.components == 0) return Bad("its size segment (SIZ) is incomplete");
  if (grid.width > kMaxExtent || grid.height > kMaxExtent || grid.left >= grid.width ||
      grid.top >= grid.height || grid.tile_width < 1 || grid.tile_height < 1 ||
      tile_left > grid.left || tile_top > grid.top || tile_left + grid.tile_width <= grid.left ||
      tile_top + grid.tile_height <= grid.top) {
    return Bad("its size segment (SIZ) contradicts itself");
  }
  header.columns = grid.width - grid.left;
  header.rows = grid.height - grid.top;
  grid.tiles = DivideUp(grid.width - tile_left, grid.tile_width) *
               DivideUp(grid.height - tile_top, grid.tile_height);
  header.tiles = grid.tiles;
  return grid;
}

// Adds what `tiles` tiles coded so ask for (COD, or the same for a component, COC).
absl::Status ReadCodingStyle(Reader segment, bool for_component, const Grid& grid, int64_t tiles,
                             int64_t& layers, Jpeg2000Header& header) {
  if (for_component) segment.Number(header.components < 257 ? 1 : 2);
  const bool own_precincts = (segment.Number(1) & 1) != 0;
  if (!for_component) {
    segment.Number(1);  // progression
    layers = segment.Number(2);
    segment.Number(1);  // component transform
  }
  const int64_t levels = segment.Number(1);
  const int64_t block_width = segment.Number(1) + 2;
  const int64_t block_height = segment.Number(1) + 2;
  segment.Number(1);  // code-block style
  header.reversible &= segment.Number(1) == 1;
  if (!segment.good() || levels > 32 || block_width + block_height > 12 || layers < 1) {
    return Bad("its coding style (COD) is incomplete or out of range");
  }
  const int64_t width = std::min(grid.tile_width, header.columns);
  const int64_t height = std::min(grid.tile_height, header.rows);
  for (int64_t resolution = 0; resolution <= levels; ++resolution) {
    int64_t precinct_width = 15, precinct_height = 15;
    if (own_precincts) {
      const int64_t exponents = segment.Number(1);
      precinct_width = exponents & 15;
      precinct_height = exponents >> 4;
    }
    // One more of each, for a grid that does not start at the tile's corner.
    const int64_t scale = int64_t{1} << (levels - resolution);
    const int64_t columns = DivideUp(width, scale);
    const int64_t rows = DivideUp(height, scale);
    const int64_t precincts = (DivideUp(columns, int64_t{1} << precinct_width) + 1) *
                              (DivideUp(rows, int64_t{1} << precinct_height) + 1);
    // A code-block ends where its precinct does.
    const int64_t blocks =
        (DivideUp(columns, int64_t{1} << std::min(block_width, precinct_width)) + 1) *
        (DivideUp(rows, int64_t{1} << std::min(block_height, precinct_height)) + 1);
    header.precincts += tiles * precincts;
    header.packets += tiles * precincts * layers;
    header.code_blocks += tiles * blocks;
  }
  if (!segment.good()) return Bad("its coding style (COD) lacks precinct sizes");
  return absl::OkStatus();
}

}  // namespace

absl::string_view Jpeg2000Codestream(absl::string_view bytes) {
  constexpr char kSignature[] = "\x00\x00\x00\x0cjP  ";
  if (!absl::StartsWith(bytes, absl::string_view(kSignature, 8))) return bytes;
  Reader boxes(bytes);
  while (boxes.good() && boxes.at() < bytes.size()) {
    const size_t start = boxes.at();
    int64_t length = boxes.Number(4);
    const absl::string_view type = boxes.Next(4);
    boxes.MoveTo(boxes.at() + 4);
    if (length == 1) length = boxes.Number(8);
    if (length == 0) length = static_cast<int64_t>(bytes.size() - start);
    const auto header = static_cast<int64_t>(boxes.at() - start);
    if (!boxes.good() || length < header) break;
    if (type == "jp2c") return boxes.Next(length - header);
    boxes.MoveTo(start + std::min<size_t>(length, bytes.size()));
  }
  return "";
}

absl::StatusOr<Jpeg2000Header> ReadJpeg2000Header(absl::string_view codestream) {
  Jpeg2000Header header;
  Grid grid;
  Reader reader(codestream);
  if (reader.Number(2) != kStartOfCodestream) return Bad("it does not start as a codestream");
  bool has_style = false;
  bool in_tile = false;
  size_t tile_end = 0;
  int64_t tile_parts = 0;
  int64_t layers = 0;
  while (reader.at() < codestream.size()) {
    const size_t marker_at = reader.at();
    const int64_t marker = reader.Number(2);
    if (marker == kEndOfCodestream) break;
    if (marker == kStartOfData) {
      if (!in_tile) return Bad("its data start outside a tile");
      in_tile = false;
      reader.MoveTo(tile_end);
      continue;
    }
    const auto length = static_cast<size_t>(reader.Number(2));
    if (!reader.good() || length < 2 || marker < 0xff00) return Bad("it ends within its headers");
    const size_t after = marker_at + 2 + length;
    const Reader segment(reader.Next(length - 2));
    if (marker == kSize) {
      if (grid.tiles > 0) return Bad("it states its size twice");
      M3L_ASSIGN_OR_RETURN(grid, ReadSize(segment, header));
    } else if (grid.tiles == 0) {
      return Bad("it does not state its size first");
    } else if (marker == kCodingStyle || marker == kComponentCodingStyle) {
      // In the main header for all tiles, in a tile's own for that one.
      M3L_RETURN_IF_ERROR(ReadCodingStyle(segment, marker == kComponentCodingStyle, grid,
                                          in_tile ? 1 : grid.tiles, layers, header));
      has_style = true;
    } else if (marker == kStartOfTilePart) {
      Reader part = segment;
      part.Number(2);  // which tile
      const auto bytes = static_cast<size_t>(part.Number(4));
      if (!part.good() || !has_style) return Bad("a tile starts before the coding style is known");
      // 0: up to the end.
      tile_end = bytes == 0 ? codestream.size() : marker_at + bytes;
      if (tile_end < after || tile_end > codestream.size()) {
        return Bad("a tile goes past the end of the codestream");
      }
      in_tile = true;
      ++tile_parts;
    }
    reader.MoveTo(after);
    if (!reader.good()) return Bad("it ends within its headers");
  }
  if (tile_parts == 0) return Bad("it holds no tile");
  return header;
}

}  // namespace m3lung
