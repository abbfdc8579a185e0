// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/border_components.h"

#include <utility>
#include <vector>

namespace m3lung {
namespace {

// Runs of set pixels, numbered from 1 in reading order, joined to components. The
// border counts as one more run, number 0: every component that touches it becomes
// part of its.
class Components {
 public:
  static constexpr int kBorder = 0;

  Components() : parents_{kBorder} {}

  int Add() {
    parents_.push_back(static_cast<int>(parents_.size()));
    return parents_.back();
  }
  void Join(int a, int b) {
    a = Root(a);
    b = Root(b);
    // The lesser number leads, so that the border stays its own root.
    if (a < b) std::swap(a, b);
    parents_[a] = b;
  }
  int Root(int run) {
    while (parents_[run] != run) {
      parents_[run] = parents_[parents_[run]];  // halves the path for the next time
      run = parents_[run];
    }
    return run;
  }

 private:
  std::vector<int> parents_;  // a root is its own parent
};

struct Run {
  int begin = 0;
  int end = 0;  // one past the last column
  int number = 0;
};

// Joins runs of neighbouring rows, each in reading order, where they touch: side by
// side or at a corner.
void JoinTouching(const std::vector<Run>& above, const std::vector<Run>& below,
                  Components& components) {
  auto a = above.begin(), b = below.begin();
  while (a != above.end() && b != below.end()) {
    if (a->begin <= b->end && b->begin <= a->end) components.Join(a->number, b->number);
    // The run that ends first cannot touch what follows in the other row.
    if (a->end < b->end) {
      ++a;
    } else {
      ++b;
    }
  }
}

// Calls `visit` with begin and end of each run of row `y`. It may clear the run.
template <typename Visit>
void ForEachRun(const BitMask& mask, int y, Visit visit) {
  int begin = mask.FindSet(y, 0);
  while (begin < mask.columns()) {
    const int end = mask.FindClear(y, begin);
    visit(begin, end);
    begin = mask.FindSet(y, end);
  }
}

Components FindComponents(const BitMask& mask) {
  Components components;
  std::vector<Run> above, current;
  for (int y = 0; y < mask.rows(); ++y) {
    const bool border_row = y == 0 || y == mask.rows() - 1;
    std::swap(above, current);
    current.clear();
    ForEachRun(mask, y, [&](int begin, int end) {
      const int number = components.Add();
      current.push_back({begin, end, number});
      if (border_row || begin == 0 || end == mask.columns()) {
        components.Join(number, Components::kBorder);
      }
    });
    JoinTouching(above, current, components);
  }
  return components;
}

}  // namespace

void DropBorderComponents(BitMask& mask) {
  Components components = FindComponents(mask);
  int number = 0;
  for (int y = 0; y < mask.rows(); ++y) {
    ForEachRun(mask, y, [&](int begin, int end) {
      if (components.Root(++number) == Components::kBorder) mask.Clear(y, begin, end);
    });
  }
}

}  // namespace m3lung
