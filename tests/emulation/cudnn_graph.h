#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

/// Convolutions as the stand-in for cuDNN computes them: by their definition, at the places that
/// the graph's extents and strides say.
namespace emulation {

struct GraphTensor {
  std::int64_t id = 0;
  std::array<std::int64_t, 4> extents{}, strides{};  // (N, C, 1, L)
  std::int64_t alignment = 1;                        // bytes
  bool is_virtual = false;

  std::int64_t at(std::int64_t outer, std::int64_t channel, std::int64_t step) const {
    return outer * strides[0] + channel * strides[1] + step * strides[3];
  }
  std::int64_t count() const { return extents[0] * extents[1] * extents[2] * extents[3]; }
  /// Numbers from the first to the last.
  std::int64_t span() const;
};

enum class ConvolutionPass { forward, backward_data, backward_filter };

struct ConvolutionCall {
  ConvolutionPass pass = ConvolutionPass::forward;
  GraphTensor x, w, y;
  std::optional<GraphTensor> bias;
  std::int64_t stride = 1, dilation = 1, left = 0, right = 0;

  std::int64_t span() const { return (w.extents[3] - 1) * dilation + 1; }
  /// The condition that its tensors do not meet, or nothing.
  std::string failed_condition() const;
};

/// How an engine goes about it.
struct Arithmetic {
  bool tf32 = false;
  bool backwards = false;  // in the other order
};

struct ConvolutionData {
  float *x = nullptr, *w = nullptr, *y = nullptr, *bias = nullptr;
};

/// Overwrites the pass' result: y, dx (in x) or dw (in w).
void compute(const ConvolutionCall& call, const ConvolutionData& data, Arithmetic arithmetic);

}  // namespace emulation
