#include "kernels/nn/weighted_sum.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

void check(std::string_view operation, const Shape& parts, const Shape& weights, const Shape& y) {
  expect_rank(operation, "parts", parts, 3, "[groups, members, size]");
  if (parts[0] < 1 || parts[1] < 1) {
    throw ShapeError(std::string(operation) + ": there is no part in " + to_string(parts));
  }
  expect_shape(operation, "weights", weights, Shape{parts[0]});
  expect_shape(operation, "y", y, Shape{parts[2]});
}

}  // namespace

void weighted_sum(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y) {
  check("weighted_sum", parts.shape(), weights.shape(), y.shape());
  expect_on_device("weighted_sum", context, parts, weights, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::weighted_sum(context, parts, weights, y);
  }
  cpu::weighted_sum(context, parts, weights, y);
}

void weighted_sum_backward(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights) {
  constexpr std::string_view operation = "weighted_sum_backward";
  check(operation, parts.shape(), weights.shape(), dy.shape());
  expect_shape(operation, "dparts", dparts.shape(), Shape{parts.extent(0), parts.extent(2)});
  expect_shape(operation, "dweights", dweights.shape(), weights.shape());
  expect_on_device(operation, context, parts, weights, dy, dparts, dweights);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::weighted_sum_backward(context, parts, weights, dy, dparts, dweights);
    }
  }
  cpu::weighted_sum_backward(context, parts, weights, dy, dparts, dweights);
}

namespace cpu {
namespace {

constexpr Index block = 2048;  // stays in the first-level cache from group to group
constexpr Index lanes = 16;    // sums side by side, so that a vector holds several

}  // namespace

void weighted_sum(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y) {
  const Index groups = parts.extent(0), members = parts.extent(1), size = parts.extent(2);
  context.parallel((size + block - 1) / block, [&](Index chunk) {
    const Index begin = chunk * block, count = std::min(block, size - begin);
    float* to = y.data() + begin;
    std::array<float, block> sum;
    for (Index g = 0; g < groups; ++g) {
      const float* from = parts.data() + g * members * size + begin;
      std::copy_n(from, count, sum.data());
      for (Index m = 1; m < members; ++m) {
        const float* more = from + m * size;
        for (Index i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] += more[i];
      }
      const float weight = weights.data()[g];
      for (Index i = 0; i < count; ++i) {
        const float before = g > 0 ? to[i] : 0.0F;
        to[i] = std::fma(weight, sum[static_cast<std::size_t>(i)], before);
      }
    }
  });
}

void weighted_sum_backward(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights) {
  const Index groups = parts.extent(0), members = parts.extent(1), size = parts.extent(2);
  const Index chunks = (size + block - 1) / block;
  float* products = context.scratch(groups * chunks).data();
  context.parallel(chunks, [&](Index chunk) {
    const Index begin = chunk * block, count = std::min(block, size - begin);
    const float* gradient = dy.data() + begin;
    for (Index g = 0; g < groups; ++g) {
      const float weight = weights.data()[g];
      float* to = dparts.data() + g * size + begin;
      for (Index i = 0; i < count; ++i) to[i] = weight * gradient[i];
      std::array<float, lanes> sums{};
      for (Index m = 0; m < members; ++m) {
        const float* from = parts.data() + (g * members + m) * size + begin;
        const Index whole = count / lanes * lanes;
        for (Index i = 0; i < whole; i += lanes) {
          for (Index k = 0; k < lanes; ++k) {
            float& sum = sums[static_cast<std::size_t>(k)];
            sum = std::fma(gradient[i + k], from[i + k], sum);
          }
        }
        for (Index i = whole; i < count; ++i) {
          sums[0] = std::fma(gradient[i], from[i], sums[0]);
        }
      }
      double total = 0;
      for (const float sum : sums) total += double{sum};
      products[g * chunks + chunk] = static_cast<float>(total);
    }
  });
  for (Index g = 0; g < groups; ++g) {
    double total = 0;
    for (Index chunk = 0; chunk < chunks; ++chunk) total += double{products[g * chunks + chunk]};
    dweights.data()[g] = static_cast<float>(total);
  }
}

}  // namespace cpu
}  // namespace serenade
