#pragma once

#include <cmath>

#include "kernels/nn/activation.h"
#include "kernels/nn/elementary.h"

/// The activations as functions of one float with their slopes, for loops on the CPU and kernels on
/// the GPU alike. By value, so that a loop over them holds nothing but numbers. Choices are between
/// x and 0 or between constants: of others the compiler makes branches, not vectors.
namespace serenade {

constexpr float above_0(float x) { return x < 0.0F ? 0.0F : x; }  // so that a NaN stays one
constexpr float below_0(float x) { return x < 0.0F ? x : 0.0F; }
constexpr float is_above_0(float x) { return x > 0.0F ? 1.0F : 0.0F; }

struct LeakyRelu {
  explicit LeakyRelu(const LeakyReluOptions& options)
      : below(static_cast<float>(options.negative_slope)) {}
  constexpr float value(float x) const { return std::fma(below, below_0(x), above_0(x)); }
  constexpr float slope(float x) const {
    return std::fma(1.0F - is_above_0(x), below, is_above_0(x));
  }
  float below;
};

struct Elu {
  explicit Elu(const EluOptions& options) : alpha(static_cast<float>(options.alpha)) {}
  constexpr float value(float x) const {
    return std::fma(alpha, exponential_minus_1(below_0(x)), above_0(x));
  }
  constexpr float slope(float x) const {
    return std::fma(alpha, exponential(below_0(x)), is_above_0(x) * (1.0F - alpha));
  }
  float alpha;
};

struct Gelu {
  explicit Gelu(const GeluOptions&) {}
  static constexpr float value(float x) { return x * normal(x).cumulative; }
  static constexpr float slope(float x) {
    const Normal at = normal(x);
    return std::fma(x, at.density, at.cumulative);
  }
};

struct Silu {
  explicit Silu(const SiluOptions&) {}
  static constexpr float value(float x) { return x * logistic(x); }
  static constexpr float slope(float x) {
    const float s = logistic(x);
    return std::fma(x * s, 1.0F - s, s);
  }
};

struct Tanh {
  explicit Tanh(const TanhOptions&) {}
  static constexpr float value(float x) {
    const float power = exponential_minus_1(2.0F * x);
    return power / (power + 2.0F);
  }
  static constexpr float slope(float x) {
    const float y = value(x);
    return std::fma(-y, y, 1.0F);
  }
};

/// Calls body with the function that the options name.
template <class Body>
void with_function(const ActivationOptions& options, const Body& body) {
  struct Visitor {
    void operator()(const LeakyReluOptions& o) const { body(LeakyRelu(o)); }
    void operator()(const EluOptions& o) const { body(Elu(o)); }
    void operator()(const GeluOptions& o) const { body(Gelu(o)); }
    void operator()(const SiluOptions& o) const { body(Silu(o)); }
    void operator()(const TanhOptions& o) const { body(Tanh(o)); }
    const Body& body;
  };
  std::visit(Visitor{body}, options);
}

}  // namespace serenade
