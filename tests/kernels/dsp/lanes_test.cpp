#include "kernels/dsp/lanes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace serenade::cpu {
namespace {

constexpr float sentinel = -7.0F;

TEST(Lanes, ATileIsTheTransposeWithZerosInTheLanesBeyond) {
  for (const Index dims : {1, 3, 4, 5, 8, 13, 40}) {
    for (Index count = 0; count <= simd::lanes; ++count) {
      const Index stride = dims + 2;
      Array<float> rows(Shape{simd::lanes * stride});
      for (Index i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i + 1);
      Array<float> tile(Shape{dims + 1, simd::lanes});
      tile.fill(sentinel);
      load_tile(rows.data(), stride, count, dims, tile.data());
      for (Index d = 0; d < dims; ++d) {
        for (Index lane = 0; lane < simd::lanes; ++lane) {
          const float expected = lane < count ? rows[lane * stride + d] : 0.0F;
          ASSERT_EQ(tile[d * simd::lanes + lane], expected) << dims << " " << count;
        }
      }
      // Nothing is written behind the tile.
      for (Index lane = 0; lane < simd::lanes; ++lane) {
        ASSERT_EQ(tile[dims * simd::lanes + lane], sentinel);
      }
    }
  }
}

TEST(Lanes, StoringWritesTheFramesOfTheTileAndNothingElse) {
  for (const Index dims : {1, 3, 4, 5, 8, 13, 40}) {
    for (Index count = 0; count <= simd::lanes; ++count) {
      const Index stride = dims + 2;
      Array<float> tile(Shape{dims, simd::lanes});
      for (Index i = 0; i < tile.size(); ++i) tile[i] = static_cast<float>(i + 1);
      Array<float> rows(Shape{(simd::lanes + 1) * stride});
      rows.fill(sentinel);
      store_tile(tile.data(), dims, count, rows.data(), stride);
      for (Index i = 0; i < rows.size(); ++i) {
        const Index row = i / stride;
        const Index d = i % stride;
        const bool written = row < count && d < dims;
        ASSERT_EQ(rows[i], written ? tile[d * simd::lanes + row] : sentinel)
            << dims << " " << count;
      }
    }
  }
}

TEST(Lanes, LoadsMoreLanesThanATileHas) {
  constexpr Index lanes = 24;
  constexpr Index count = 19;
  constexpr Index dims = 6;
  Array<float> rows(Shape{count, dims});
  for (Index i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i + 1);
  Array<float> tile(Shape{dims, lanes});
  load_lanes(rows.data(), dims, count, dims, lanes, tile.data());
  for (Index d = 0; d < dims; ++d) {
    for (Index lane = 0; lane < lanes; ++lane) {
      ASSERT_EQ(tile[d * lanes + lane], lane < count ? rows[lane * dims + d] : 0.0F);
    }
  }
}

}  // namespace
}  // namespace serenade::cpu
