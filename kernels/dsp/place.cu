#include "kernels/device/launch.cuh"
#include "kernels/dsp/place.h"

namespace serenade::cuda {
namespace {

/// One thread a number: 4 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void place_kernel(const float* values, Index dims,
                                                             Index column, Index stride, Index size,
                                                             float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index row = i / dims;
  out[row * stride + column + (i - row * dims)] = values[i];
}

}  // namespace

void place_columns(Context& context, Tensor<const float> values, Index column, Tensor<float> out) {
  Session& session = context.session();
  launch<place_kernel>(session, one_thread_each(session, values.size()), values.data(),
                       values.extent(1), column, out.extent(1), values.size(), out.data());
}

}  // namespace serenade::cuda
