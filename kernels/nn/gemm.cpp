#include "kernels/nn/gemm.h"

#include <algorithm>

#include "kernels/device/simd.h"

namespace serenade::cpu::gemm {
namespace {

namespace hn = simd::hn;

constexpr int tile_rows = 6;
static_assert(panel_width == simd::lanes);
constexpr int vectors = static_cast<int>(panel_width / hn::MaxLanes(simd::Floats()));
constexpr Index vector_width = panel_width / vectors;

/// c [rows, 16] = start [rows, 16] + A B. With AVX2 six rows keep 12 sums, 2 vectors of B and one
/// broadcast in the 16 registers.
template <int rows>
void tile(const Strided& a, Index depth, const float* HWY_RESTRICT b, const float* start,
          Index start_stride, float* c, Index c_stride) {
  const simd::Floats d;
  simd::Vec sums[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = hn::LoadU(d, start + r * start_stride + v * vector_width);
    }
  }
  const float* column = a.data;
  for (Index k = 0; k < depth; ++k, column += a.column_stride, b += panel_width) {
    simd::Vec right[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) right[v] = hn::Load(d, b + v * vector_width);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const auto left = hn::Set(d, column[r * a.row_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[r][v] = hn::MulAdd(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      hn::StoreU(sums[r][v], d, c + r * c_stride + v * vector_width);
    }
  }
}

void tile_of(int rows, const Strided& a, Index depth, const float* b, const float* start,
             Index start_stride, float* c, Index c_stride) {
  switch (rows) {
    case 6:
      return tile<6>(a, depth, b, start, start_stride, c, c_stride);
    case 5:
      return tile<5>(a, depth, b, start, start_stride, c, c_stride);
    case 4:
      return tile<4>(a, depth, b, start, start_stride, c, c_stride);
    case 3:
      return tile<3>(a, depth, b, start, start_stride, c, c_stride);
    case 2:
      return tile<2>(a, depth, b, start, start_stride, c, c_stride);
    default:
      return tile<1>(a, depth, b, start, start_stride, c, c_stride);
  }
}

}  // namespace

void pack(const Strided& b, Index depth, Index columns, Index panel, float* out) {
  const Index first = panel * panel_width;
  const Index width = std::min(panel_width, columns - first);
  const float* from = b.data + first * b.column_stride;
  for (Index k = 0; k < depth; ++k, from += b.row_stride, out += panel_width) {
    if (b.column_stride == 1 && width == panel_width) {
      std::copy_n(from, panel_width, out);
      continue;
    }
    for (Index i = 0; i < width; ++i) out[i] = from[i * b.column_stride];
    std::fill(out + width, out + panel_width, 0.0F);
  }
}

void multiply_panel(const Strided& a, Index rows, Index depth, const float* packed, Index columns,
                    Index panel, Start start, float* c, Index c_stride) {
  const Index first = panel * panel_width;
  const Index width = std::min(panel_width, columns - first);
  alignas(64) float begin[panel_width] = {};
  if (start.bias != nullptr) std::copy_n(start.bias + first, width, begin);
  c += first;
  for (Index r = 0; r < rows; r += tile_rows, c += tile_rows * c_stride) {
    const int height = static_cast<int>(std::min<Index>(tile_rows, rows - r));
    const Strided part{a.data + r * a.row_stride, a.row_stride, a.column_stride};
    if (width == panel_width) {
      tile_of(height, part, depth, packed, start.from_c ? c : begin, start.from_c ? c_stride : 0, c,
              c_stride);
      continue;
    }
    alignas(64) float whole[tile_rows * panel_width] = {};
    for (int i = 0; i < height; ++i) {
      const float* from = start.from_c ? c + i * c_stride : begin;
      std::copy_n(from, width, whole + i * panel_width);
    }
    tile_of(height, part, depth, packed, whole, panel_width, whole, panel_width);
    for (int i = 0; i < height; ++i) {
      std::copy_n(whole + i * panel_width, width, c + i * c_stride);
    }
  }
}

}  // namespace serenade::cpu::gemm
