#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// Copies a matrix into some columns of a wider one: how features become the columns of a result.
/// values  [rows, dims]
/// out     [rows, more]  columns [column, column + dims) are written, the others left as they are
/// Throws ShapeError when the shapes do not fit.
void place_columns(Context& context, Tensor<const float> values, Index column, Tensor<float> out);

namespace cpu {
void place_columns(Context& context, Tensor<const float> values, Index column, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void place_columns(Context& context, Tensor<const float> values, Index column, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
