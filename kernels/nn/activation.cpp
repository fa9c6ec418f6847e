#include "kernels/nn/activation.h"

#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/elementary.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void relu(Context& context, Tensor<const float> x, Tensor<float> y) {
  expect_shape("relu", "y", y.shape(), x.shape());
  expect_on_device("relu", context, x, y);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) return cuda::relu(context, x, y);
  }
  cpu::relu(context, x, y);
}

void relu_backward(Context& context, Tensor<const float> y, Tensor<const float> dy,
                   Tensor<float> dx) {
  expect_shape("relu_backward", "dy", dy.shape(), y.shape());
  expect_shape("relu_backward", "dx", dx.shape(), y.shape());
  expect_on_device("relu_backward", context, y, dy, dx);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) return cuda::relu_backward(context, y, dy, dx);
  }
  cpu::relu_backward(context, y, dy, dx);
}

void activation(Context& context, const ActivationOptions& options, Tensor<const float> x,
                Tensor<float> y) {
  std::visit([](const auto& known) { check_ranges(known); }, options);
  expect_shape("activation", "y", y.shape(), x.shape());
  expect_on_device("activation", context, x, y);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) return cuda::activation(context, options, x, y);
  }
  cpu::activation(context, options, x, y);
}

void activation_backward(Context& context, const ActivationOptions& options, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx) {
  std::visit([](const auto& known) { check_ranges(known); }, options);
  expect_shape("activation_backward", "dy", dy.shape(), x.shape());
  expect_shape("activation_backward", "dx", dx.shape(), x.shape());
  expect_on_device("activation_backward", context, x, dy, dx);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) {
      return cuda::activation_backward(context, options, x, dy, dx);
    }
  }
  cpu::activation_backward(context, options, x, dy, dx);
}

namespace cpu {
namespace {

// A function and its slope, by value so that loops over them hold nothing but numbers. Choices are
// between x and 0 or between constants: of others the compiler makes branches, not vectors.

float above_0(float x) { return x < 0.0F ? 0.0F : x; }  // this way round a NaN stays one
float below_0(float x) { return x < 0.0F ? x : 0.0F; }
float is_above_0(float x) { return x > 0.0F ? 1.0F : 0.0F; }

struct LeakyRelu {
  explicit LeakyRelu(const LeakyReluOptions& options)
      : below(static_cast<float>(options.negative_slope)) {}
  float value(float x) const { return std::fma(below, below_0(x), above_0(x)); }
  float slope(float x) const { return std::fma(1.0F - is_above_0(x), below, is_above_0(x)); }
  float below;
};

struct Elu {
  explicit Elu(const EluOptions& options) : alpha(static_cast<float>(options.alpha)) {}
  float value(float x) const {
    return std::fma(alpha, exponential_minus_1(below_0(x)), above_0(x));
  }
  float slope(float x) const {
    return std::fma(alpha, exponential(below_0(x)), is_above_0(x) * (1.0F - alpha));
  }
  float alpha;
};

struct Gelu {
  explicit Gelu(const GeluOptions&) {}
  static float value(float x) { return x * normal(x).cumulative; }
  static float slope(float x) {
    const Normal at = normal(x);
    return std::fma(x, at.density, at.cumulative);
  }
};

struct Silu {
  explicit Silu(const SiluOptions&) {}
  static float value(float x) { return x * logistic(x); }
  static float slope(float x) {
    const float s = logistic(x);
    return std::fma(x * s, 1.0F - s, s);
  }
};

template <class Body>
void with_function(const ActivationOptions& options, const Body& body) {
  struct Visitor {
    void operator()(const LeakyReluOptions& o) const { body(LeakyRelu(o)); }
    void operator()(const EluOptions& o) const { body(Elu(o)); }
    void operator()(const GeluOptions& o) const { body(Gelu(o)); }
    void operator()(const SiluOptions& o) const { body(Silu(o)); }
    const Body& body;
  };
  std::visit(Visitor{body}, options);
}

}  // namespace

void activation(Context& context, const ActivationOptions& options, Tensor<const float> x,
                Tensor<float> y) {
  with_function(options, [&](auto function) {
    parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
      const float* from = x.data();
      float* to = y.data();
      for (Index i = begin; i < end; ++i) to[i] = function.value(from[i]);
    });
  });
}

void activation_backward(Context& context, const ActivationOptions& options, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx) {
  with_function(options, [&](auto function) {
    parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
      const float* at = x.data();
      const float* from = dy.data();
      float* to = dx.data();
      for (Index i = begin; i < end; ++i) to[i] = from[i] * function.slope(at[i]);
    });
  });
}

void relu(Context& context, Tensor<const float> x, Tensor<float> y) {
  parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
    const float* from = x.data();
    float* to = y.data();
    for (Index i = begin; i < end; ++i) to[i] = above_0(from[i]);
  });
}

void relu_backward(Context& context, Tensor<const float> y, Tensor<const float> dy,
                   Tensor<float> dx) {
  parallel_ranges(context, y.size(), element_share, [=](Index begin, Index end) {
    const float* out = y.data();
    const float* from = dy.data();
    float* to = dx.data();
    for (Index i = begin; i < end; ++i) to[i] = out[i] > 0.0F ? from[i] : 0.0F;
  });
}

}  // namespace cpu
}  // namespace serenade
