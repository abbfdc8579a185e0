// SPDX-License-Identifier: Apache-2.0
// The answer for a scored slice, made without the session's lock.
#ifndef M3LUNG_SERVER_STUDY_SLICE_ANSWER_H_
#define M3LUNG_SERVER_STUDY_SLICE_ANSWER_H_

#include <cstdint>
#include <optional>

#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/engine/inference.h"
#include "opencv2/core/mat.hpp"
#include "server/study/study_slice.h"

namespace m3lung {

// What an answer is made from. A copy of the slice costs little: matrices share their elements.
struct SliceAnswer {
  StudySlice slice;
  v1::LesionMapSize maps = v1::GRID;
  // Where the study is assembled: the slice's place from the head, and its lung.
  std::optional<int> index = {};
  cv::Mat lung_mask = {};

  // What a map of full size takes, from when it is made until it is written: as the message, and
  // beside it first as it is resized, then as the message's bytes. 0 for smaller maps, a few kB.
  int64_t MapBytes() const;

  v1::SliceResult Make(const SliceScores& scores, const v1::ModelReference& model) const;
};

// MapBytes() of the slice in this message.
int64_t MapBytesOf(const v1::SliceResult& result, v1::LesionMapSize maps);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_SLICE_ANSWER_H_
