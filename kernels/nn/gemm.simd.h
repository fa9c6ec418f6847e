// Vector code of gemm.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>

#include "kernels/device/simd.h"
#include "kernels/nn/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

using cpu::gemm::panel_width;
using cpu::gemm::Start;
using cpu::gemm::Strided;

static_assert(panel_width == lanes);

// The sums of a tile stay in registers, beside a row of B and an element of A. AVX2: 6 rows of 2
// vectors in 16 registers. AVX-512: 12 of 1 vector in 32; 8 sums would hide the latency of its two
// units, and more rows read less of B. Scalar: 6 of 2 numbers in 16.
constexpr int tile_rows = width == panel_width ? 12 : 6;
constexpr int vectors = width == panel_width ? 1 : 2;
constexpr Index tile_columns = vectors * width;

/// c [rows, tile_columns] = start [rows, tile_columns] + A B, where rows of B are 16 apart.
template <int rows>
void tile(const Strided& a, Index depth, const float* HWY_RESTRICT b, const float* start,
          Index start_stride, float* c, Index c_stride) {
  const Floats d;
  Vec sums[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = hn::LoadU(d, start + r * start_stride + v * width);
    }
  }
  const float* column = a.data;
  for (Index k = 0; k < depth; ++k, column += a.column_stride, b += panel_width) {
    Vec right[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) right[v] = hn::Load(d, b + v * width);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const Vec left = hn::Set(d, column[r * a.row_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[r][v] = hn::MulAdd(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(sums[r][v], d, c + r * c_stride + v * width);
    }
  }
}

/// tile<rows>, all 16 columns.
template <int most_rows = tile_rows>
void tile_of(int rows, const Strided& a, Index depth, const float* b, const float* start,
             Index start_stride, float* c, Index c_stride) {
  if constexpr (most_rows > 1) {
    if (rows < most_rows) {
      return tile_of<most_rows - 1>(rows, a, depth, b, start, start_stride, c, c_stride);
    }
  }
  for (Index column = 0; column < panel_width; column += tile_columns) {
    tile<most_rows>(a, depth, b + column, start + column, start_stride, c + column, c_stride);
  }
}

void multiply_panel(const Strided& a, Index rows, Index depth, const float* packed, Index columns,
                    Index panel, Start start, float* c, Index c_stride) {
  const Index first = panel * panel_width;
  const Index used = std::min(panel_width, columns - first);
  alignas(64) float begin[panel_width] = {};
  if (start.bias != nullptr) std::copy_n(start.bias + first, used, begin);
  c += first;
  for (Index r = 0; r < rows; r += tile_rows, c += tile_rows * c_stride) {
    const int height = static_cast<int>(std::min<Index>(tile_rows, rows - r));
    const Strided part{a.data + r * a.row_stride, a.row_stride, a.column_stride};
    if (used == panel_width) {
      tile_of(height, part, depth, packed, start.from_c ? c : begin, start.from_c ? c_stride : 0, c,
              c_stride);
      continue;
    }
    alignas(64) float whole[tile_rows * panel_width] = {};
    for (int i = 0; i < height; ++i) {
      const float* from = start.from_c ? c + i * c_stride : begin;
      std::copy_n(from, used, whole + i * panel_width);
    }
    tile_of(height, part, depth, packed, whole, panel_width, whole, panel_width);
    for (int i = 0; i < height; ++i) {
      std::copy_n(whole + i * panel_width, used, c + i * c_stride);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
