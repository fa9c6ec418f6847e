#pragma once

#include "kernels/device/tensor.h"

/// The one matrix product of the CPU twins. C [rows, columns] = start + A [rows, depth] B [depth,
/// columns], cut into tiles of 6 or 12 rows by 16 columns held in registers. Every output is one
/// chain of fused multiply-adds in ascending depth beginning at its start value, in inner and edge
/// tiles alike: its bits depend on its row of A and column of B and on nothing else.
namespace serenade::cpu::gemm {

/// Columns of a panel.
inline constexpr Index panel_width = 16;

constexpr Index panels(Index columns) { return (columns + panel_width - 1) / panel_width; }

/// Floats that `columns` columns of depth `depth` take when packed.
constexpr Index packed_size(Index depth, Index columns) {
  return panels(columns) * depth * panel_width;
}

/// A matrix by the strides, in floats, between its neighbours; windows may overlap.
struct Strided {
  const float* data;
  Index row_stride;
  Index column_stride;
};

/// Copies columns [16 panel, 16 panel + 16) of B [depth, columns] to out [depth, 16], zeros where B
/// ends.
void pack(const Strided& b, Index depth, Index columns, Index panel, float* out);

/// What the sums begin with: nothing, a row vector (bias), or what C holds.
struct Start {
  static Start zeros() { return {}; }
  static Start row(const float* bias) { return {bias, false}; }
  static Start accumulate() { return {nullptr, true}; }
  const float* bias = nullptr;
  bool from_c = false;
};

/// Columns [16 panel, 16 panel + 16) of C = start + A B; `packed` is that panel of B as pack left
/// it. c is C's first element, c_stride the floats between its rows; a bias is indexed by column of
/// C.
void multiply_panel(const Strided& a, Index rows, Index depth, const float* packed, Index columns,
                    Index panel, Start start, float* c, Index c_stride);

}  // namespace serenade::cpu::gemm
