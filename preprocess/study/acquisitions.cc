// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/acquisitions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "preprocess/study/interleaved_grids.h"
#include "preprocess/study/slice_places.h"

namespace m3lung {
namespace {

// Slices of one value belong to a volume of which they overlap less than this.
constexpr double kOverlapShare = 0.2;
// What an order tells apart must be a volume: so many slices, that share of all places, lying so
// regularly; or that larger share, as regularly as all of them.
constexpr size_t kFewestVolumeSlices = 4;
constexpr double kFewestVolumeShare = 0.15;
constexpr double kRegular = 0.75;
constexpr double kWholeShare = 0.4;
// Turns of the way that an order leads, for each of its values; more are no order.
constexpr double kTurnsShare = 0.05;
// Pieces of at least half the largest one's size hold at least this share of all slices.
constexpr double kWholesShare = 0.5;
// More values than this tell no reconstructions apart, nor do more pieces.
constexpr size_t kMostValues = 64;

// Under construction.
struct Piece {
  std::vector<int> members;
  std::vector<int> overlapping;
  SlicePlaces places;  // of the members
};

// What a slice shows of a sign; values compare as their order is.
using Value = std::pair<double, std::string>;

Value ValueOf(const InstanceHeader& header, AcquisitionSign sign) {
  const auto number = [](const std::optional<int64_t>& value) {
    return Value(value.has_value() ? static_cast<double>(*value) : -1e18, "");
  };
  switch (sign) {
    case AcquisitionSign::kImageType:
      return {0, absl::StrJoin(header.image_type, "\\")};
    case AcquisitionSign::kKernel:
      return {0, header.convolution_kernel};
    case AcquisitionSign::kFilter:
      return {0, header.filter_type};
    case AcquisitionSign::kThickness: {
      double mm = 0;  // "1" is "1.0"
      return absl::SimpleAtod(header.slice_thickness, &mm) && std::isfinite(mm)
                 ? Value(mm, "")
                 : Value(0, header.slice_thickness);
    }
    case AcquisitionSign::kPhase:
      return {0, header.phase};
    case AcquisitionSign::kNumber:
      return number(header.acquisition_number);
    case AcquisitionSign::kTime:
      return {0, header.acquisition_time};
    case AcquisitionSign::kInstanceNumber:
      return number(header.instance_number);
    case AcquisitionSign::kPlaces:
      break;
  }
  return {};
}

bool IsAnOrder(AcquisitionSign sign) { return sign >= AcquisitionSign::kNumber; }

using Classes = std::map<Value, std::vector<int>>;

Classes ClassesOf(const std::vector<int>& members, AcquisitionSign sign,
                  absl::Span<const SliceSummary> slices) {
  Classes classes;
  for (const int slice : members) classes[ValueOf(slices[slice].header, sign)].push_back(slice);
  return classes;
}

class Parting {
 public:
  explicit Parting(absl::Span<const SliceSummary> slices) : slices_(slices) {}

  // By one sign; one piece where it tells nothing apart, and none where it tells nonsense.
  std::vector<Piece> By(AcquisitionSign sign, const std::vector<int>& members) const {
    const Classes classes = ClassesOf(members, sign, slices_);
    if (classes.size() < 2) return {};
    if (!IsAnOrder(sign) && classes.size() > kMostValues) return {};
    if (IsAnOrder(sign) && IsDisorder(classes)) return {};
    std::vector<Piece> pieces = IsAnOrder(sign) ? Passes(classes) : Values(classes);
    if (pieces.size() > kMostValues) return {};
    // What did not fit a part of a volume may fit the whole.
    for (size_t before = pieces.size() + 1; pieces.size() < before;) {
      before = pieces.size();
      pieces = Join(std::move(pieces));
    }
    for (Piece& piece : pieces) TakeBack(piece);
    if (pieces.size() > 1 && !AreVolumes(pieces, members.size(), IsAnOrder(sign))) return {};
    return pieces;
  }

 private:
  double PositionOf(int slice) const { return slices_[slice].position_mm; }

  std::vector<int> OverlapOf(const std::vector<int>& members, const SlicePlaces& places) const {
    std::vector<int> overlap;
    for (const int slice : members) {
      if (places.Occupied(PositionOf(slice))) overlap.push_back(slice);
    }
    return overlap;
  }

  void Add(const std::vector<int>& members, Piece& piece) const {
    for (const int slice : members) {
      piece.members.push_back(slice);
      piece.places.Add(PositionOf(slice));
    }
  }

  // A piece for each value.
  std::vector<Piece> Values(const Classes& classes) const {
    std::vector<Piece> pieces;
    for (const auto& [value, members] : classes) Add(members, pieces.emplace_back());
    return pieces;
  }

  // Follows the order of the values; a new piece begins where it leads back.
  std::vector<Piece> Passes(const Classes& classes) const {
    std::vector<Piece> pieces;
    for (const auto& [value, members] : classes) {
      if (pieces.empty() || LeadsBack(members, pieces.back())) pieces.emplace_back();
      if (pieces.size() > kMostValues) return pieces;  // A disorder; the caller sees it.
      Add(members, pieces.back());
    }
    return pieces;
  }

  // Whether any slice has no room in the piece, or the piece's in what would be added. What
  // overlaps a little is joined later, when all of it is known.
  bool LeadsBack(const std::vector<int>& members, const Piece& piece) const {
    const SlicePlaces& places = piece.places;
    const bool back = std::any_of(members.begin(), members.end(), [&](int slice) {
      return places.Occupied(PositionOf(slice)) || places.TooNearToTheEnd(PositionOf(slice));
    });
    if (back || members.size() <= piece.members.size()) return back;
    Piece next;
    Add(members, next);
    return !OverlapOf(piece.members, next.places).empty();
  }

  // A scan goes one way, and back a few times at most.
  bool IsDisorder(const Classes& classes) const {
    std::optional<double> last;
    double way = 0;
    size_t turns = 0;
    for (const auto& [value, members] : classes) {
      double middle = 0;
      for (const int slice : members) middle += PositionOf(slice);
      middle /= static_cast<double>(members.size());
      const double step = last.has_value() ? middle - *last : 0;
      if (std::abs(step) >= kSamePositionMm) {
        turns += step * way < 0;
        way = step;
      }
      last = middle;
    }
    return static_cast<double>(turns) > kTurnsShare * static_cast<double>(classes.size()) + 2;
  }

  static bool IsMuch(size_t overlap, size_t of) {
    return static_cast<double>(overlap) >= kOverlapShare * static_cast<double>(of);
  }

  // Joins pieces that hardly overlap: the parts of one volume that follow one another, and what
  // fills the gaps of another.
  std::vector<Piece> Join(std::vector<Piece> pieces) const {
    std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
      return a.members.size() > b.members.size();
    });
    std::vector<Piece> joined;
    for (Piece& piece : pieces) {
      bool placed = false;
      for (Piece& into : joined) {
        std::vector<int> overlap = OverlapOf(piece.members, into.places);
        if (IsMuch(overlap.size(), piece.members.size())) continue;
        auto next_overlapping = overlap.begin();  // in the order of the members
        for (const int slice : piece.members) {
          if (next_overlapping != overlap.end() && *next_overlapping == slice) {
            ++next_overlapping;
            continue;
          }
          into.members.push_back(slice);
          into.places.Add(PositionOf(slice));
        }
        for (const std::vector<int>* more : {&overlap, &piece.overlapping}) {
          into.overlapping.insert(into.overlapping.end(), more->begin(), more->end());
        }
        placed = true;
        break;
      }
      if (!placed) joined.push_back(std::move(piece));
    }
    return joined;
  }

  // Overlap that was none once all was joined.
  void TakeBack(Piece& piece) const {
    std::vector<int> overlapping;
    for (const int slice : piece.overlapping) {
      if (piece.places.Occupied(PositionOf(slice))) {
        overlapping.push_back(slice);
      } else {
        Add({slice}, piece);
      }
    }
    piece.overlapping = std::move(overlapping);
  }

  // Whether the largest piece is a volume that all slices together are not: it is regular, or as
  // regular as they are. One that was torn out of a volume has holes.
  static bool AreVolumes(const std::vector<Piece>& pieces, size_t slices, bool is_an_order) {
    const Piece& largest = *std::max_element(
        pieces.begin(), pieces.end(),
        [](const Piece& a, const Piece& b) { return a.members.size() < b.members.size(); });
    SlicePlaces all;
    size_t wholes = 0;
    for (const Piece& piece : pieces) {
      if (2 * piece.members.size() >= largest.members.size()) wholes += piece.members.size();
      all.Add(piece.places);
    }
    const double regularity = largest.places.Regularity();
    const double share = static_cast<double>(largest.places.size()) / all.size();
    if (!is_an_order) return regularity >= std::min(kRegular, all.Regularity());
    return largest.places.size() >= kFewestVolumeSlices && share >= kFewestVolumeShare &&
           static_cast<double>(wholes) >= kWholesShare * static_cast<double>(slices) &&
           (regularity >= kRegular || (share >= kWholeShare && regularity >= all.Regularity()));
  }

  const absl::Span<const SliceSummary> slices_;
};

std::vector<double> PositionsOf(const std::vector<int>& members,
                                absl::Span<const SliceSummary> slices) {
  std::vector<double> positions;
  positions.reserve(members.size());
  for (const int slice : members) positions.push_back(slices[slice].position_mm);
  return positions;
}

void PartFurther(Acquisition one, AcquisitionSign sign, absl::Span<const SliceSummary> slices,
                 std::vector<Acquisition>& parted) {
  if (sign == AcquisitionSign::kPlaces) {
    const std::optional<std::vector<bool>> second =
        FindInterleavedGrids(PositionsOf(one.members, slices));
    if (!second.has_value()) return parted.push_back(std::move(one));
    Acquisition grids[2];
    for (size_t i = 0; i < one.members.size(); ++i) {
      grids[(*second)[i] ? 1 : 0].members.push_back(one.members[i]);
    }
    grids[0].overlapping = std::move(one.overlapping);
    for (Acquisition& grid : grids) {
      grid.told_by = one.told_by;
      grid.told_by.push_back(sign);
      parted.push_back(std::move(grid));
    }
    return;
  }
  const auto next = static_cast<AcquisitionSign>(static_cast<int>(sign) + 1);
  std::vector<Piece> pieces = Parting(slices).By(sign, one.members);
  if (pieces.empty()) return PartFurther(std::move(one), next, slices, parted);
  if (pieces.size() > 1) one.told_by.push_back(sign);
  pieces.front().overlapping.insert(pieces.front().overlapping.end(), one.overlapping.begin(),
                                    one.overlapping.end());
  for (Piece& piece : pieces) {
    std::sort(piece.members.begin(), piece.members.end());
    std::sort(piece.overlapping.begin(), piece.overlapping.end());
    PartFurther({std::move(piece.members), std::move(piece.overlapping), one.told_by}, next, slices,
                parted);
  }
}

}  // namespace

absl::string_view NameOf(AcquisitionSign sign) {
  switch (sign) {
    case AcquisitionSign::kImageType:
      return "image type";
    case AcquisitionSign::kKernel:
      return "convolution kernel";
    case AcquisitionSign::kFilter:
      return "filter";
    case AcquisitionSign::kThickness:
      return "slice thickness";
    case AcquisitionSign::kPhase:
      return "phase";
    case AcquisitionSign::kNumber:
      return "acquisition number";
    case AcquisitionSign::kTime:
      return "acquisition time";
    case AcquisitionSign::kInstanceNumber:
      return "instance number";
    case AcquisitionSign::kPlaces:
      return "places of the slices";
  }
  return "";
}

bool ReconstructedAlike(const InstanceHeader& a, const InstanceHeader& b) {
  for (const AcquisitionSign sign :
       {AcquisitionSign::kImageType, AcquisitionSign::kKernel, AcquisitionSign::kFilter,
        AcquisitionSign::kThickness, AcquisitionSign::kPhase}) {
    if (ValueOf(a, sign) != ValueOf(b, sign)) return false;
  }
  return true;
}

std::vector<Acquisition> PartByAcquisition(const std::vector<int>& members,
                                           absl::Span<const SliceSummary> slices) {
  std::vector<Acquisition> parted;
  PartFurther({members, {}, {}}, AcquisitionSign::kImageType, slices, parted);
  std::stable_sort(parted.begin(), parted.end(), [](const Acquisition& a, const Acquisition& b) {
    return a.members.front() < b.members.front();
  });
  return parted;
}

}  // namespace m3lung
