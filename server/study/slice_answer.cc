// SPDX-License-Identifier: Apache-2.0
#include "server/study/slice_answer.h"

namespace m3lung {
namespace {

int64_t BytesFor(int64_t width, int64_t height, v1::LesionMapSize maps) {
  return maps == v1::FULL_SIZE ? 2 * width * height * static_cast<int64_t>(sizeof(float)) : 0;
}

}  // namespace

int64_t SliceAnswer::MapBytes() const { return BytesFor(slice.box.width, slice.box.height, maps); }

int64_t MapBytesOf(const v1::SliceResult& result, v1::LesionMapSize maps) {
  if (!result.scored()) return 0;
  return BytesFor(result.lung_box().width(), result.lung_box().height(), maps);
}

v1::SliceResult SliceAnswer::Make(const SliceScores& scores,
                                  const v1::ModelReference& model) const {
  v1::SliceResult result = MakeSliceResult(slice, scores, maps, model);
  if (!index.has_value()) return result;
  result.set_index(*index);
  const std::optional<float> share = CountAffected(slice, lung_mask, scores).Share();
  if (share.has_value()) result.set_affected_lung_share(*share);
  return result;
}

}  // namespace m3lung
