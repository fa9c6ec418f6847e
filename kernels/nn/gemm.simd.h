// Vector code of gemm.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>

#include "kernels/device/simd.h"
#include "kernels/nn/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

using cpu::gemm::panel_width;
using cpu::gemm::Panels;
using cpu::gemm::row_multiple;
using cpu::gemm::Start;
using cpu::gemm::Strided;

static_assert(panel_width == lanes);

// The sums of a tile stay in registers, beside two vectors of B and an element of A. AVX2: 6 rows
// of 2 vectors in 16 registers. AVX-512: 12 of 2 in 32, from two panels; with one vector a row it
// is loads, not multiplications, that take the time. Scalar: 6 of 2 numbers in 16.
constexpr int tile_rows = width == panel_width ? 12 : 6;
static_assert(row_multiple % tile_rows == 0);
constexpr int most_panels = width == panel_width ? 2 : 1;

// Steps in depth of one pass over the rows: two panels of so many stay in L1.
constexpr Index depth_block = 192;

/// A tile's B and its sums: vector v of a row of B begins at v b_stride, of a row of C at v width.
struct Tile {
  Strided a;
  Index depth;
  const float* b;  // rows are 16 apart
  Index b_stride;
  const float* start;
  Index start_stride;
  float* c;
  Index c_stride;
};

/// c = start + A B.
template <int rows, int vectors>
void multiply_tile(const Tile& tile) {
  const Floats d;
  Vec sums[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = hn::LoadU(d, tile.start + r * tile.start_stride + v * width);
    }
  }
  const float* HWY_RESTRICT column = tile.a.data;
  const float* HWY_RESTRICT b = tile.b;
  const Index row_stride = tile.a.row_stride, column_stride = tile.a.column_stride;
  const Index b_stride = tile.b_stride;
  for (Index k = 0; k < tile.depth; ++k, column += column_stride, b += panel_width) {
    Vec right[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) right[v] = hn::Load(d, b + v * b_stride);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const Vec left = hn::Set(d, column[r * row_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[r][v] = hn::MulAdd(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(sums[r][v], d, tile.c + r * tile.c_stride + v * width);
    }
  }
}

template <int vectors, int most_rows = tile_rows>
void multiply_tile(int rows, const Tile& tile) {
  if constexpr (most_rows > 1) {
    if (rows < most_rows) return multiply_tile<vectors, most_rows - 1>(rows, tile);
  }
  multiply_tile<most_rows, vectors>(tile);
}

/// All columns of one panel, or of two.
void multiply_columns(int rows, int panels, Tile tile) {
  if constexpr (width == panel_width) {
    return panels == 2 ? multiply_tile<2>(rows, tile) : multiply_tile<1>(rows, tile);
  }
  tile.b_stride = width;
  for (Index column = 0; column < panel_width; column += 2 * width) {
    multiply_tile<2>(rows, tile);
    tile.b += 2 * width;
    tile.start += 2 * width;
    tile.c += 2 * width;
  }
}

/// One or two panels, `used` of their columns, over a part of the depth; begin [32]: a row to start
/// with, null: what C holds.
void multiply_part(const Strided& a, Index rows, Index depth, const float* b, Index b_stride,
                   int panels, Index used, const float* begin, float* c, Index c_stride) {
  constexpr Index most = most_panels * panel_width;
  for (Index r = 0; r < rows; r += tile_rows, c += tile_rows * c_stride) {
    const int height = static_cast<int>(std::min<Index>(tile_rows, rows - r));
    const Strided part{a.data + r * a.row_stride, a.row_stride, a.column_stride};
    if (used == panels * panel_width) {
      multiply_columns(height, panels,
                       {part, depth, b, b_stride, begin != nullptr ? begin : c,
                        begin != nullptr ? 0 : c_stride, c, c_stride});
      continue;
    }
    alignas(64) float whole[tile_rows * most] = {};
    for (int i = 0; i < height; ++i) {
      std::copy_n(begin != nullptr ? begin : c + i * c_stride, used, whole + i * most);
    }
    multiply_columns(height, panels, {part, depth, b, b_stride, whole, most, whole, most});
    for (int i = 0; i < height; ++i) std::copy_n(whole + i * most, used, c + i * c_stride);
  }
}

void multiply(const Strided& a, Index rows, Index depth, const Panels& b, Index columns,
              Start start, float* c, Index c_stride) {
  for (Index panel = b.begin; panel < b.end; panel += most_panels) {
    const int panels = static_cast<int>(std::min<Index>(most_panels, b.end - panel));
    const Index first = panel * panel_width;
    const Index used = std::min(panels * panel_width, columns - first);
    alignas(64) float begin[most_panels * panel_width] = {};
    if (start.bias != nullptr) std::copy_n(start.bias + first, used, begin);
    const float* packed = b.data + (panel - b.begin) * b.stride;
    const float* from = start.from_c ? nullptr : begin;
    Index k = 0;
    do {  // also without depth C is written
      const Index part = std::min(depth_block, depth - k);
      multiply_part({a.data + k * a.column_stride, a.row_stride, a.column_stride}, rows, part,
                    packed + k * panel_width, b.stride, panels, used, from, c + first, c_stride);
      from = nullptr;
      k += part;
    } while (k < depth);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
