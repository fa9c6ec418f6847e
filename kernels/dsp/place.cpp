#include "kernels/dsp/place.h"

#include <algorithm>

#include "kernels/device/checks.h"

namespace serenade {

void place_columns(Context& context, Tensor<const float> values, Index column, Tensor<float> out) {
  if (values.rank() != 2 || out.rank() != 2 || out.extent(0) != values.extent(0) || column < 0 ||
      column > out.extent(1) - values.extent(1)) {
    throw ShapeError("place_columns: " + to_string(values.shape()) + " does not fit into " +
                     to_string(out.shape()) + " from column " + std::to_string(column) + " on");
  }
  expect_on_device("place_columns", context, values, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::place_columns(context, values, column, out);
  }
  cpu::place_columns(context, values, column, out);
}

namespace cpu {

void place_columns(Context&, Tensor<const float> values, Index column, Tensor<float> out) {
  const Index dims = values.extent(1);
  for (Index row = 0; row < values.extent(0); ++row) {
    std::copy_n(values.data() + row * dims, dims, out.data() + row * out.extent(1) + column);
  }
}

}  // namespace cpu
}  // namespace serenade
