#include "kernels/nn/gradients.h"

#include <cmath>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void add_l2_gradient(Context& context, double l2, Tensor<const float> value,
                     Tensor<float> gradient) {
  expect_shape("add_l2_gradient", "gradient", gradient.shape(), value.shape());
  expect_on_device("add_l2_gradient", context, value, gradient);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::add_l2_gradient(context, l2, value, gradient);
    }
  }
  cpu::add_l2_gradient(context, l2, value, gradient);
}

void global_norm(Context& context, std::span<const Tensor<float>> gradients, Tensor<double> norm) {
  expect_shape("global_norm", "norm", norm.shape(), Shape{1});
  expect_on_device("global_norm", context, norm);
  for (const auto& gradient : gradients) expect_on_device("global_norm", context, gradient);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::global_norm(context, gradients, norm);
  }
  cpu::global_norm(context, gradients, norm);
}

void clip_by_global_norm(Context& context, double limit, std::span<const Tensor<float>> gradients,
                         Tensor<double> norm) {
  global_norm(context, gradients, norm);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::clip(context, limit, gradients, norm);
  }
  cpu::clip(context, limit, gradients, norm);
}

namespace {

/// What `work` writes into a number on the context's device.
template <class Work>
double waited_for(Context& context, const Work& work) {
  Array<double> there(Shape{1}, context.device()), here(Shape{1});
  work(there.view());
  copy(context, Tensor<const double>(there.view()), here.view());
  return here[0];
}

}  // namespace

double global_norm(Context& context, std::span<const Tensor<float>> gradients) {
  return waited_for(context, [&](Tensor<double> norm) { global_norm(context, gradients, norm); });
}

double clip_by_global_norm(Context& context, double limit,
                           std::span<const Tensor<float>> gradients) {
  return waited_for(
      context, [&](Tensor<double> norm) { clip_by_global_norm(context, limit, gradients, norm); });
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

void global_norm(Context& context, std::span<const Tensor<float>> gradients, Tensor<double> norm) {
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
  norm.data()[0] = std::sqrt(total);
}

void clip(Context& context, double limit, std::span<const Tensor<float>> gradients,
          Tensor<const double> norm) {
  const double found = norm.data()[0];
  if (!std::isfinite(found) || found <= limit) return;
  const auto factor = static_cast<float>(limit / found);
  for (const auto& gradient : gradients) {
    parallel_ranges(context, gradient.size(), element_share, [=](Index begin, Index end) {
      float* to = gradient.data();
      for (Index i = begin; i < end; ++i) to[i] *= factor;
    });
  }
}

}  // namespace cpu
}  // namespace serenade
