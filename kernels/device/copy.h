#pragma once

#include <cstring>

#include "kernels/device/checks.h"
#include "kernels/device/context.h"
#include "kernels/device/memory.h"
#include "kernels/device/tensor.h"

namespace serenade {

/// Copies numbers between any two places, after all that was enqueued on the context, and waits for
/// them unless they stay on the GPU. Throws ShapeError when the shapes differ.
template <class From, class T>
void copy(Context& context, Tensor<From> from, Tensor<T> to) {
  static_assert(std::is_same_v<std::remove_const_t<From>, T>);
  expect_shape("copy", "to", to.shape(), from.shape());
  const std::size_t bytes = static_cast<std::size_t>(from.size()) * sizeof(T);
  if constexpr (has_cuda) {
    if (from.device() == Device::cuda || to.device() == Device::cuda) {
      const cuda::Direction direction = to.device() == Device::cpu     ? cuda::Direction::to_host
                                        : from.device() == Device::cpu ? cuda::Direction::to_device
                                                                       : cuda::Direction::on_device;
      return cuda::copy(context.session(), to.data(), from.data(), bytes, direction);
    }
  }
  if (bytes > 0) std::memcpy(to.data(), from.data(), bytes);
}

}  // namespace serenade
