#include "kernels/nn/gradients.h"

#include <cmath>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void add_l2_gradient(Context& context, double l2, Tensor<const float> value,
                     Tensor<float> gradient) {
  expect_shape("add_l2_gradient", "gradient", gradient.shape(), value.shape());
  expect_on_device("add_l2_gradient", context, value, gradient);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) {
      return cuda::add_l2_gradient(context, l2, value, gradient);
    }
  }
  cpu::add_l2_gradient(context, l2, value, gradient);
}

double global_norm(Context& context, std::span<const Tensor<float>> gradients) {
  for (const auto& gradient : gradients) expect_on_device("global_norm", context, gradient);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) return cuda::global_norm(context, gradients);
  }
  return cpu::global_norm(context, gradients);
}

double clip_by_global_norm(Context& context, double limit,
                           std::span<const Tensor<float>> gradients) {
  const double norm = global_norm(context, gradients);
  if (!std::isfinite(norm) || norm <= limit) return norm;
  const auto factor = static_cast<float>(limit / norm);
  for (const auto& gradient : gradients) {
    if constexpr (has_cuda_networks) {
      if (context.device() == Device::cuda) {
        cuda::scale(context, factor, gradient);
        continue;
      }
    }
    cpu::scale(context, factor, gradient);
  }
  return norm;
}

namespace cpu {

void add_l2_gradient(Context& context, double l2, Tensor<const float> value,
                     Tensor<float> gradient) {
  const auto twice = static_cast<float>(2 * l2);
  parallel_ranges(context, value.size(), element_share, [=](Index begin, Index end) {
    const float* from = value.data();
    float* to = gradient.data();
    for (Index i = begin; i < end; ++i) to[i] = std::fma(twice, from[i], to[i]);
  });
}

double global_norm(Context& context, std::span<const Tensor<float>> gradients) {
  double total = 0;
  std::vector<double> shares;
  for (const auto& gradient : gradients) {
    const Index size = gradient.size();
    shares.assign(static_cast<std::size_t>((size + element_share - 1) / element_share), 0);
    parallel_ranges(context, size, element_share, [&](Index begin, Index end) {
      constexpr Index chains = 8;
      double sums[chains] = {};
      const float* values = gradient.data();
      Index i = begin;
      for (; i + chains <= end; i += chains) {
        for (Index k = 0; k < chains; ++k) {
          sums[k] = std::fma(double{values[i + k]}, double{values[i + k]}, sums[k]);
        }
      }
      for (Index k = 0; i + k < end; ++k) {
        sums[k] = std::fma(double{values[i + k]}, double{values[i + k]}, sums[k]);
      }
      double& sum = shares[static_cast<std::size_t>(begin / element_share)];
      for (const double chain : sums) sum += chain;
    });
    for (const double share : shares) total += share;
  }
  return std::sqrt(total);
}

void scale(Context& context, float factor, Tensor<float> values) {
  parallel_ranges(context, values.size(), element_share, [=](Index begin, Index end) {
    float* to = values.data();
    for (Index i = begin; i < end; ++i) to[i] *= factor;
  });
}

}  // namespace cpu
}  // namespace serenade
