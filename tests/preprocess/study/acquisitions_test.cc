// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/acquisitions.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Summaries of slices whose places and headers are all that is looked at.
class Slices {
 public:
  InstanceHeader header;

  Slices& Add(double position_mm) {
    SliceSummary& slice = slices_.emplace_back();
    slice.instance = static_cast<int>(slices_.size()) - 1;
    slice.header = header;
    slice.position_mm = position_mm;
    return *this;
  }
  // Downwards from `top`.
  Slices& AddStack(int count, double spacing, double top = 100) {
    for (int i = 0; i < count; ++i) Add(top - i * spacing);
    return *this;
  }
  void Shuffle(uint32_t seed) {
    std::mt19937 random(seed);
    std::shuffle(slices_.begin(), slices_.end(), random);
  }
  std::vector<SliceSummary>& all() { return slices_; }

  std::vector<Acquisition> Part() const {
    std::vector<int> members(slices_.size());
    std::iota(members.begin(), members.end(), 0);
    return PartByAcquisition(members, slices_);
  }
  // The header's `field` of the members of each acquisition, each value once.
  template <typename Field>
  std::vector<std::vector<Field>> ValuesOf(Field InstanceHeader::*field) const {
    std::vector<std::vector<Field>> values;
    for (const Acquisition& one : Part()) {
      std::vector<Field>& of_one = values.emplace_back();
      for (const int slice : one.members) {
        const Field& value = slices_[slice].header.*field;
        if (std::find(of_one.begin(), of_one.end(), value) == of_one.end()) of_one.push_back(value);
      }
    }
    return values;
  }

 private:
  std::vector<SliceSummary> slices_;
};

std::vector<size_t> SizesOf(const std::vector<Acquisition>& parts) {
  std::vector<size_t> sizes;
  for (const Acquisition& one : parts) sizes.push_back(one.members.size());
  return sizes;
}

// Two sets of 30 slices, the second `offset` lower; `name` says how they differ.
Slices TwoSets(double spacing, double offset, const std::function<void(InstanceHeader&)>& first,
               const std::function<void(InstanceHeader&)>& second) {
  Slices slices;
  first(slices.header);
  slices.AddStack(30, spacing);
  slices.header = {};
  second(slices.header);
  slices.AddStack(30, spacing, 100 - offset);
  return slices;
}

struct SignCase {
  AcquisitionSign sign;
  std::function<void(InstanceHeader&)> first, second;
};

std::vector<SignCase> SignCases() {
  return {
      {AcquisitionSign::kImageType,
       [](auto& h) {
         h.image_type = {"ORIGINAL", "PRIMARY"};
       },
       [](auto& h) {
         h.image_type = {"DERIVED", "PRIMARY", "MIP"};
       }},
      {AcquisitionSign::kKernel, [](auto& h) { h.convolution_kernel = "Br64"; },
       [](auto& h) { h.convolution_kernel = "Br36"; }},
      {AcquisitionSign::kFilter, [](auto& h) { h.filter_type = "BODY"; },
       [](auto& h) { h.filter_type = "FLAT"; }},
      {AcquisitionSign::kThickness, [](auto& h) { h.slice_thickness = "5"; },
       [](auto& h) { h.slice_thickness = "1.25"; }},
      {AcquisitionSign::kPhase, [](auto& h) { h.phase = "1/"; }, [](auto& h) { h.phase = "2/"; }},
      {AcquisitionSign::kNumber, [](auto& h) { h.acquisition_number = 1; },
       [](auto& h) { h.acquisition_number = 2; }},
      {AcquisitionSign::kTime, [](auto& h) { h.acquisition_time = "120001"; },
       [](auto& h) { h.acquisition_time = "120013"; }},
  };
}

TEST(PartByAcquisitionTest, EachSignTellsSetsApartWhereverTheyLie) {
  for (const SignCase& one : SignCases()) {
    for (const double offset : {0.0, 1.7, 2.5, 4.9}) {
      for (const uint32_t seed : {0U, 1U, 2U}) {
        SCOPED_TRACE(testing::Message() << NameOf(one.sign) << ", shifted by " << offset);
        Slices slices = TwoSets(5, offset, one.first, one.second);
        if (seed > 0) slices.Shuffle(seed);
        const std::vector<Acquisition> parts = slices.Part();
        ASSERT_THAT(SizesOf(parts), ElementsAre(30, 30));
        EXPECT_THAT(parts[0].told_by, ElementsAre(one.sign));
        for (const Acquisition& part : parts) {
          const InstanceHeader& first = slices.all()[part.members[0]].header;
          for (const int slice : part.members) {
            const InstanceHeader& header = slices.all()[slice].header;
            EXPECT_TRUE(ReconstructedAlike(first, header));
            EXPECT_EQ(first.acquisition_number, header.acquisition_number);
            EXPECT_EQ(first.acquisition_time, header.acquisition_time);
          }
        }
      }
    }
  }
}

// What speaks of acquisitions where there is one.
TEST(PartByAcquisitionTest, SetsThatFollowOneAnotherAreOneWhateverTheSign) {
  for (const SignCase& one : SignCases()) {
    SCOPED_TRACE(NameOf(one.sign));
    for (const uint32_t seed : {0U, 1U}) {
      Slices slices = TwoSets(5, 150, one.first, one.second);
      if (seed > 0) slices.Shuffle(seed);
      const std::vector<Acquisition> parts = slices.Part();
      EXPECT_THAT(SizesOf(parts), ElementsAre(60));
      EXPECT_THAT(parts[0].told_by, IsEmpty());
      EXPECT_THAT(parts[0].overlapping, IsEmpty());
    }
  }
}

TEST(PartByAcquisitionTest, WhereSetsOverlapALittleOneGivesWay) {
  for (const double offset : {150.0 - 10, 150.0 - 8.3}) {  // by three or two slices
    Slices slices = TwoSets(
        5, offset, [](auto& h) { h.acquisition_number = 1; },
        [](auto& h) { h.acquisition_number = 2; });
    const std::vector<Acquisition> parts = slices.Part();
    ASSERT_THAT(parts, SizeIs(1)) << offset;
    EXPECT_GE(parts[0].overlapping.size(), 1);
    EXPECT_LE(parts[0].overlapping.size(), 2);
    for (const int slice : parts[0].overlapping) EXPECT_GE(slice, 30);
  }
}

// Two passes of which each slice has a number and a time of its own.
TEST(PartByAcquisitionTest, AnOrderThatLeadsBackBeginsAnotherPass) {
  for (const bool upwards : {false, true}) {
    for (const double offset : {0.0, 1.7, 2.5}) {
      for (const bool by_time : {false, true}) {
        SCOPED_TRACE(testing::Message() << upwards << " " << offset << " " << by_time);
        Slices slices;
        int count = 0;
        for (int pass = 0; pass < 2; ++pass) {
          for (int i = 0; i < 30; ++i) {
            const bool turn = upwards && pass == 1;
            if (by_time) slices.header.acquisition_time = absl::StrCat(100000 + count);
            if (!by_time) slices.header.acquisition_number = count;
            ++count;
            slices.Add(100 - 5 * (turn ? 29 - i : i) - pass * offset);
          }
        }
        slices.Shuffle(5);
        const std::vector<Acquisition> parts = slices.Part();
        ASSERT_THAT(SizesOf(parts), ElementsAre(30, 30));
      }
    }
  }
}

TEST(PartByAcquisitionTest, ReconstructionsOfSeveralAcquisitionsAreToldByBoth) {
  Slices slices;
  for (const char* kernel : {"Br64", "Br36"}) {
    for (const int number : {1, 2}) {
      slices.header.convolution_kernel = kernel;
      slices.header.acquisition_number = number;
      slices.AddStack(20, 5, 100 - number);
    }
  }
  slices.Shuffle(3);
  const std::vector<Acquisition> parts = slices.Part();
  EXPECT_THAT(SizesOf(parts), ElementsAre(20, 20, 20, 20));
  EXPECT_THAT(parts[0].told_by, ElementsAre(AcquisitionSign::kKernel, AcquisitionSign::kNumber));
}

TEST(PartByAcquisitionTest, TenPhasesAreTenVolumes) {
  Slices slices;
  for (int phase = 0; phase < 10; ++phase) {
    slices.header.phase = absl::StrCat("/", phase * 10);
    slices.AddStack(24, 2.5);
  }
  EXPECT_THAT(slices.Part(), SizeIs(10));
}

// Slices at one place, taken until the contrast medium comes.
TEST(PartByAcquisitionTest, RepeatedSlicesAtOnePlaceAreNoPartOfTheScan) {
  Slices slices;
  for (int i = 0; i < 12; ++i) {
    slices.header.acquisition_number = i;
    slices.Add(52);
  }
  slices.header.acquisition_number = 20;
  slices.AddStack(40, 5);
  const std::vector<Acquisition> parts = slices.Part();
  const size_t most = std::max_element(parts.begin(), parts.end(), [](auto& a, auto& b) {
                        return a.members.size() < b.members.size();
                      })->members.size();
  EXPECT_EQ(most, 40);
}

TEST(PartByAcquisitionTest, TwoGridsWithinOneAnotherAreToldByTheirPlaces) {
  for (const double spacing : {0.8, 2.5, 5.0, 10.0}) {
    for (const double share : {0.15, 0.34, 0.68, 0.85}) {
      SCOPED_TRACE(testing::Message() << spacing << " mm, shifted by " << share);
      Slices slices = TwoSets(
          spacing, share * spacing, [](auto&) {}, [](auto&) {});
      for (int i = 0; i < 60; ++i) slices.all()[i].instance = i < 30 ? 1 : 2;
      slices.Shuffle(9);
      const std::vector<Acquisition> parts = slices.Part();
      ASSERT_THAT(SizesOf(parts), ElementsAre(30, 30));
      EXPECT_THAT(parts[0].told_by, ElementsAre(AcquisitionSign::kPlaces));
      for (const Acquisition& part : parts) {
        for (const int slice : part.members) {
          EXPECT_EQ(slices.all()[slice].instance, slices.all()[part.members[0]].instance);
        }
      }
    }
  }
}

TEST(PartByAcquisitionTest, GridsWithMissingSlicesAreToldToo) {
  Slices slices = TwoSets(
      5, 1.7, [](auto&) {}, [](auto&) {});
  for (const int missing : {47, 22, 21, 8}) slices.all().erase(slices.all().begin() + missing);
  EXPECT_THAT(SizesOf(slices.Part()), ElementsAre(27, 29));
}

// One series is never torn, however it lies and whatever its numbers and times are like.
enum class Order { kNone, kSame, kSteps, kBlocks, kJumbled, kNearlyInOrder };

void Number(Order order, std::mt19937& random, std::vector<SliceSummary>& slices) {
  const int count = static_cast<int>(slices.size());
  std::vector<int> place(count);
  std::iota(place.begin(), place.end(), 0);
  if (order == Order::kJumbled) std::shuffle(place.begin(), place.end(), random);
  if (order == Order::kNearlyInOrder) {
    for (int i = 0; i + 3 < count; ++i) {
      if (random() % 4 == 0) std::swap(place[i], place[i + random() % 3]);
    }
  }
  if (order == Order::kBlocks) {
    for (int& one : place) one /= 4;
  }
  if (order == Order::kSame) place.assign(count, 3);
  if (order == Order::kNone) return;
  for (int i = 0; i < count; ++i) {
    slices[i].header.acquisition_number = place[i];
    slices[i].header.acquisition_time = absl::StrCat("20260101", 100000 + place[i]);
    slices[i].header.instance_number = place[i];
  }
}

std::vector<double> PlacesOf(const std::string& kind, std::mt19937& random) {
  const auto between = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const int count = 12 + static_cast<int>(random() % 80);
  const double spacing = std::vector<double>{0.625, 1, 1.25, 2.5, 5, 8}[random() % 6];
  std::vector<double> places;
  double z = between(-300, 300);
  for (int i = 0; i < count; ++i) {
    places.push_back(z);
    double step = spacing;
    if (kind == "jittered") step *= between(0.75, 1.25);
    if (kind == "gaps" && random() % 10 == 0) step *= 2 + static_cast<double>(random() % 4);
    if (kind == "two spacings" && i > count / 2) step /= 4;
    if (kind == "wide then narrow" && i > count / 3) step /= 1.6;
    if (kind == "wild") step *= between(0.3, 3);
    z -= step;
  }
  if (kind == "rounded") {
    for (double& place : places) place = std::round(place * 10) / 10;
  }
  if (kind == "rounded to mm" && spacing >= 1) {
    for (double& place : places) place = std::round(place);
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }
  return places;
}

TEST(PartByAcquisitionTest, OneSeriesIsNeverTorn) {
  for (const char* kind : {"regular", "jittered", "gaps", "two spacings", "wide then narrow",
                           "wild", "rounded", "rounded to mm"}) {
    for (const Order order : {Order::kNone, Order::kSame, Order::kSteps, Order::kBlocks,
                              Order::kJumbled, Order::kNearlyInOrder}) {
      for (uint32_t seed = 0; seed < 40; ++seed) {
        std::mt19937 random(seed);
        Slices slices;
        for (const double place : PlacesOf(kind, random)) slices.Add(place);
        Number(order, random, slices.all());
        if (seed % 2 == 1) slices.Shuffle(seed);
        const std::vector<Acquisition> parts = slices.Part();
        ASSERT_EQ(parts.size(), 1) << testing::PrintToString(SizesOf(parts)) << " " << kind
                                   << ", order " << static_cast<int>(order) << ", seed " << seed
                                   << ", by " << NameOf(parts[0].told_by.front());
        ASSERT_THAT(parts[0].overlapping, IsEmpty())
            << kind << ", order " << static_cast<int>(order) << ", seed " << seed;
        ASSERT_THAT(parts[0].members, SizeIs(slices.all().size()));
      }
    }
  }
}

// Thousands of values that all differ, at places that all are the same, cost no square.
TEST(PartByAcquisitionTest, HostileValuesAreAnsweredSoon) {
  for (const bool one_place : {false, true}) {
    Slices slices;
    for (int i = 0; i < 20000; ++i) {
      slices.header.convolution_kernel = absl::StrCat(i);
      slices.header.acquisition_number = i * 7919 % 20000;
      slices.Add(one_place ? 0 : i * 7919 % 20011);
    }
    size_t members = 0;
    for (const Acquisition& one : slices.Part()) {
      members += one.members.size() + one.overlapping.size();
    }
    EXPECT_EQ(members, 20000);
  }
}

}  // namespace
}  // namespace m3lung
