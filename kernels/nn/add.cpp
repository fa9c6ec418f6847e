#include "kernels/nn/add.h"

#include "kernels/device/checks.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void add(Context& context, Tensor<const float> a, Tensor<const float> b, Tensor<float> y) {
  expect_shape("add", "b", b.shape(), a.shape());
  expect_shape("add", "y", y.shape(), a.shape());
  expect_on_device("add", context, a, b, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::add(context, a, b, y);
  }
  cpu::add(context, a, b, y);
}

namespace cpu {

void add(Context& context, Tensor<const float> a, Tensor<const float> b, Tensor<float> y) {
  parallel_ranges(context, y.size(), element_share, [=](Index begin, Index end) {
    const float* left = a.data();
    const float* right = b.data();
    float* to = y.data();
    for (Index i = begin; i < end; ++i) to[i] = left[i] + right[i];
  });
}

}  // namespace cpu
}  // namespace serenade
