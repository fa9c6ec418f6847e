#include "kernels/dsp/lanes.h"

#include <algorithm>
#include <array>

namespace serenade::cpu {
namespace {

namespace hn = simd::hn;

// Blocks of four lanes by four dimensions are transposed inside 128-bit halves; a 256-bit register
// does two blocks at once, frames i..i+3 in its lower half and i+4..i+7 in its upper.
using Pair = hn::CappedTag<float, 8>;
using Four = hn::CappedTag<float, 4>;
using PairVec = hn::Vec<Pair>;
constexpr Index pair_lanes = hn::MaxLanes(Pair());
constexpr Index halves = pair_lanes / 4;

struct Block {
  PairVec v0, v1, v2, v3;
};

HWY_INLINE Block transpose(const Block& in) {
  const Pair d;
  const hn::Repartition<double, Pair> d64;
  const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, in.v0, in.v1));
  const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, in.v0, in.v1));
  const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, in.v2, in.v3));
  const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, in.v2, in.v3));
  return {hn::BitCast(d, hn::InterleaveLower(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveLower(d64, high01, high23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23))};
}

// Four numbers from `low`, and in a 256-bit register four more from `high`.
template <class D>
HWY_INLINE hn::Vec<D> load_halves(D d, const float* low, const float* high) {
  if constexpr (hn::MaxLanes(D()) == 8) {
    return hn::Combine(d, hn::LoadU(Four(), high), hn::LoadU(Four(), low));
  } else {
    return hn::LoadU(d, low);
  }
}

template <class D>
HWY_INLINE void store_halves(D d, hn::Vec<D> v, float* low, float* high) {
  if constexpr (hn::MaxLanes(D()) == 8) {
    hn::StoreU(hn::LowerHalf(Four(), v), Four(), low);
    hn::StoreU(hn::UpperHalf(Four(), v), Four(), high);
  } else {
    hn::StoreU(v, d, low);
  }
}

}  // namespace

void load_lanes(const float* rows, Index stride, Index count, Index dims, Index lanes,
                float* tile) {
  alignas(16) static constexpr std::array<float, 4> zeros{};
  const Pair d;
  const Index blocked = dims / 4 * 4;
  for (Index lane = 0; lane < lanes; lane += pair_lanes) {
    std::array<const float*, 8> from{};
    std::array<Index, 8> step{};
    for (Index i = 0; i < pair_lanes; ++i) {
      const bool here = lane + i < count;
      from[static_cast<std::size_t>(i)] = here ? rows + (lane + i) * stride : zeros.data();
      step[static_cast<std::size_t>(i)] = here ? 1 : 0;
    }
    constexpr std::size_t high = halves == 2 ? 4 : 0;
    const auto load = [&](std::size_t i, Index dim) HWY_ATTR {
      return load_halves(d, from[i] + step[i] * dim, from[i + high] + step[i + high] * dim);
    };
    for (Index dim = 0; dim < blocked; dim += 4) {
      const Block block = transpose({load(0, dim), load(1, dim), load(2, dim), load(3, dim)});
      float* to = tile + dim * lanes + lane;
      hn::Store(block.v0, d, to);
      hn::Store(block.v1, d, to + lanes);
      hn::Store(block.v2, d, to + 2 * lanes);
      hn::Store(block.v3, d, to + 3 * lanes);
    }
    for (Index dim = blocked; dim < dims; ++dim) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(pair_lanes); ++i) {
        tile[dim * lanes + lane + static_cast<Index>(i)] = from[i][step[i] * dim];
      }
    }
  }
}

void load_tile(const float* rows, Index stride, Index count, Index dims, float* tile) {
  load_lanes(rows, stride, count, dims, simd::lanes, tile);
}

void store_tile(const float* tile, Index dims, Index count, float* rows, Index stride) {
  const Pair d;
  const Index blocked = dims / 4 * 4;
  for (Index lane = 0; lane < count; lane += pair_lanes) {
    // Lanes without a frame are written where nobody reads.
    alignas(16) std::array<float, 4> nowhere{};
    std::array<float*, 8> to{};
    std::array<Index, 8> step{};
    for (Index i = 0; i < pair_lanes; ++i) {
      const bool here = lane + i < count;
      to[static_cast<std::size_t>(i)] = here ? rows + (lane + i) * stride : nowhere.data();
      step[static_cast<std::size_t>(i)] = here ? 1 : 0;
    }
    constexpr std::size_t high = halves == 2 ? 4 : 0;
    const auto store = [&](PairVec v, std::size_t i, Index dim) HWY_ATTR {
      store_halves(d, v, to[i] + step[i] * dim, to[i + high] + step[i + high] * dim);
    };
    for (Index dim = 0; dim < blocked; dim += 4) {
      const float* from = tile + dim * simd::lanes + lane;
      const Block block =
          transpose({hn::Load(d, from), hn::Load(d, from + simd::lanes),
                     hn::Load(d, from + 2 * simd::lanes), hn::Load(d, from + 3 * simd::lanes)});
      store(block.v0, 0, dim);
      store(block.v1, 1, dim);
      store(block.v2, 2, dim);
      store(block.v3, 3, dim);
    }
    for (Index dim = blocked; dim < dims; ++dim) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(pair_lanes); ++i) {
        to[i][step[i] * dim] = tile[dim * simd::lanes + lane + static_cast<Index>(i)];
      }
    }
  }
}

float* scratch(int slot, Index size) {
  thread_local std::array<Array<float>, 4> slots;
  Array<float>& memory = slots.at(static_cast<std::size_t>(slot));
  memory.resize(Shape{std::max<Index>(size, 1)});
  return memory.data();
}

double* scratch_double(Index size) {
  thread_local Array<double> memory;
  memory.resize(Shape{std::max<Index>(size, 1)});
  return memory.data();
}

}  // namespace serenade::cpu
