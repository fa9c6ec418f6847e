// Vector code of lanes.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>

#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void load_lanes(const float* rows, Index stride, Index count, Index dims, Index tile_lanes,
                float* tile) {
  for (Index dim = 0; dim < dims; ++dim, tile += tile_lanes) {
    for (Index lane = 0; lane < count; ++lane) tile[lane] = rows[lane * stride + dim];
    std::fill(tile + count, tile + tile_lanes, 0.0F);
  }
}

void store_tile(const float* tile, Index dims, Index count, float* rows, Index stride) {
  for (Index lane = 0; lane < count; ++lane, rows += stride) {
    for (Index dim = 0; dim < dims; ++dim) rows[dim] = tile[dim * lanes + lane];
  }
}

#else

// Eight frames by four dimensions at a time, on every vector path: transposed as two blocks of four
// by four, frames i..i+3 in the lower halves of 256-bit registers and i+4..i+7 in the upper.
using Eight = hn::CappedTag<float, 8>;
using Four = hn::CappedTag<float, 4>;
constexpr Index eight = hn::MaxLanes(Eight());
static_assert(eight == 8);

struct Block {
  hn::Vec<Eight> v0, v1, v2, v3;
};

HWY_INLINE Block transpose(const Block& in) {
  const Eight d;
  const hn::Repartition<double, Eight> d64;
  const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, in.v0, in.v1));
  const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, in.v0, in.v1));
  const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, in.v2, in.v3));
  const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, in.v2, in.v3));
  return {hn::BitCast(d, hn::InterleaveLower(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveLower(d64, high01, high23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23))};
}

void load_lanes(const float* rows, Index stride, Index count, Index dims, Index tile_lanes,
                float* tile) {
  alignas(16) static constexpr std::array<float, 4> zeros{};
  const Eight d;
  const Index blocked = dims / 4 * 4;
  for (Index lane = 0; lane < tile_lanes; lane += eight) {
    std::array<const float*, 8> from{};
    std::array<Index, 8> step{};
    for (Index i = 0; i < eight; ++i) {
      const bool here = lane + i < count;
      from[static_cast<std::size_t>(i)] = here ? rows + (lane + i) * stride : zeros.data();
      step[static_cast<std::size_t>(i)] = here ? 1 : 0;
    }
    const auto load = [&](std::size_t i, Index dim) HWY_ATTR {
      return hn::Combine(d, hn::LoadU(Four(), from[i + 4] + step[i + 4] * dim),
                         hn::LoadU(Four(), from[i] + step[i] * dim));
    };
    for (Index dim = 0; dim < blocked; dim += 4) {
      const Block block = transpose({load(0, dim), load(1, dim), load(2, dim), load(3, dim)});
      float* to = tile + dim * tile_lanes + lane;
      hn::Store(block.v0, d, to);
      hn::Store(block.v1, d, to + tile_lanes);
      hn::Store(block.v2, d, to + 2 * tile_lanes);
      hn::Store(block.v3, d, to + 3 * tile_lanes);
    }
    for (Index dim = blocked; dim < dims; ++dim) {
      for (std::size_t i = 0; i < 8; ++i) {
        tile[dim * tile_lanes + lane + static_cast<Index>(i)] = from[i][step[i] * dim];
      }
    }
  }
}

void store_tile(const float* tile, Index dims, Index count, float* rows, Index stride) {
  const Eight d;
  const Index blocked = dims / 4 * 4;
  for (Index lane = 0; lane < count; lane += eight) {
    // Lanes without a frame are written where nobody reads.
    alignas(16) std::array<float, 4> nowhere{};
    std::array<float*, 8> to{};
    std::array<Index, 8> step{};
    for (Index i = 0; i < eight; ++i) {
      const bool here = lane + i < count;
      to[static_cast<std::size_t>(i)] = here ? rows + (lane + i) * stride : nowhere.data();
      step[static_cast<std::size_t>(i)] = here ? 1 : 0;
    }
    const auto store = [&](hn::Vec<Eight> v, std::size_t i, Index dim) HWY_ATTR {
      hn::StoreU(hn::LowerHalf(Four(), v), Four(), to[i] + step[i] * dim);
      hn::StoreU(hn::UpperHalf(Four(), v), Four(), to[i + 4] + step[i + 4] * dim);
    };
    for (Index dim = 0; dim < blocked; dim += 4) {
      const float* from = tile + dim * lanes + lane;
      const Block block = transpose({hn::Load(d, from), hn::Load(d, from + lanes),
                                     hn::Load(d, from + 2 * lanes), hn::Load(d, from + 3 * lanes)});
      store(block.v0, 0, dim);
      store(block.v1, 1, dim);
      store(block.v2, 2, dim);
      store(block.v3, 3, dim);
    }
    for (Index dim = blocked; dim < dims; ++dim) {
      for (std::size_t i = 0; i < 8; ++i) {
        to[i][step[i] * dim] = tile[dim * lanes + lane + static_cast<Index>(i)];
      }
    }
  }
}

#endif

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
