#pragma once

#include "kernels/device/tensor.h"

/// The one matrix product of the CPU twins. C [rows, columns] = start + A [rows, depth] B [depth,
/// columns], cut into tiles of 6 rows by 16 columns or 12 by 32 held in registers. Every output is
/// one chain of fused multiply-adds in ascending depth beginning at its start value, in inner and
/// edge tiles alike: its bits depend on its row of A and column of B and on nothing else.
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

/// Neighbouring panels of B, each as pack left it.
struct Panels {
  const float* data;  ///< panel `begin`
  Index stride;       ///< floats from one panel to the next
  Index begin, end;
};

/// Rows of a tile divide it on every path: cuts of rows at its multiples waste nothing.
inline constexpr Index row_multiple = 12;

/// Columns [16 begin, 16 end) of C = start + A B, as far as there are `columns`. c is C's first
/// element, c_stride the floats between its rows; a bias is indexed by column of C. Two panels at a
/// time are faster than one.
void multiply(const Strided& a, Index rows, Index depth, const Panels& b, Index columns,
              Start start, float* c, Index c_stride);

}  // namespace serenade::cpu::gemm
