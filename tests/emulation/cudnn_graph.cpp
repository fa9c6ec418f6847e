#include "tests/emulation/cudnn_graph.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

namespace emulation {
namespace {

/// To 10 bits of mantissa, ties to even.
float rounded_to_tf32(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  bits += 0xFFFU + ((bits >> 13U) & 1U);
  return std::bit_cast<float>(bits & ~0x1FFFU);
}

/// A sum of products, term by term in the order that they come or the reverse.
class Sum {
 public:
  explicit Sum(Arithmetic how) : how_(how) {}
  void add(float a, float b) {
    if (how_.tf32) {
      a = rounded_to_tf32(a);
      b = rounded_to_tf32(b);
    }
    if (how_.backwards) {
      kept_.emplace_back(a, b);
    } else {
      sum_ = std::fma(a, b, sum_);
    }
  }
  float value() const {
    float sum = sum_;
    for (auto term = kept_.rbegin(); term != kept_.rend(); ++term) {
      sum = std::fma(term->first, term->second, sum);
    }
    return sum;
  }

 private:
  Arithmetic how_;
  float sum_ = 0;
  std::vector<std::pair<float, float>> kept_;
};

struct Sizes {
  explicit Sizes(const ConvolutionCall& call)
      : items(call.x.extents[0]),
        channels(call.w.extents[1]),
        filters(call.w.extents[0]),
        taps(call.w.extents[3]),
        steps(call.x.extents[3]),
        outputs(call.y.extents[3]),
        groups(call.x.extents[1] / channels),
        group_filters(filters / groups) {}
  std::int64_t items, channels, filters, taps, steps, outputs, groups, group_filters;
};

void forward(const ConvolutionCall& call, const ConvolutionData& data, Arithmetic how) {
  const Sizes n(call);
  for (std::int64_t item = 0; item < n.items; ++item) {
    for (std::int64_t filter = 0; filter < n.filters; ++filter) {
      const std::int64_t first = filter / n.group_filters * n.channels;
      for (std::int64_t output = 0; output < n.outputs; ++output) {
        Sum sum(how);
        for (std::int64_t tap = 0; tap < n.taps; ++tap) {
          const std::int64_t step = output * call.stride + tap * call.dilation - call.left;
          if (step < 0 || step >= n.steps) continue;
          for (std::int64_t c = 0; c < n.channels; ++c) {
            sum.add(data.x[call.x.at(item, first + c, step)], data.w[call.w.at(filter, c, tap)]);
          }
        }
        const float bias = call.bias ? data.bias[call.bias->at(0, filter, 0)] : 0.0F;
        data.y[call.y.at(item, filter, output)] = sum.value() + bias;
      }
    }
  }
}

void backward_data(const ConvolutionCall& call, const ConvolutionData& data, Arithmetic how) {
  const Sizes n(call);
  for (std::int64_t item = 0; item < n.items; ++item) {
    for (std::int64_t channel = 0; channel < n.channels * n.groups; ++channel) {
      const std::int64_t first = channel / n.channels * n.group_filters;
      for (std::int64_t step = 0; step < n.steps; ++step) {
        Sum sum(how);
        for (std::int64_t tap = 0; tap < n.taps; ++tap) {
          const std::int64_t strided = step + call.left - tap * call.dilation;
          const std::int64_t output = strided / call.stride;
          if (strided < 0 || strided % call.stride != 0 || output >= n.outputs) continue;
          for (std::int64_t f = 0; f < n.group_filters; ++f) {
            sum.add(data.y[call.y.at(item, first + f, output)],
                    data.w[call.w.at(first + f, channel % n.channels, tap)]);
          }
        }
        data.x[call.x.at(item, channel, step)] = sum.value();
      }
    }
  }
}

void backward_filter(const ConvolutionCall& call, const ConvolutionData& data, Arithmetic how) {
  const Sizes n(call);
  for (std::int64_t filter = 0; filter < n.filters; ++filter) {
    const std::int64_t first = filter / n.group_filters * n.channels;
    for (std::int64_t tap = 0; tap < n.taps; ++tap) {
      for (std::int64_t c = 0; c < n.channels; ++c) {
        Sum sum(how);
        for (std::int64_t item = 0; item < n.items; ++item) {
          for (std::int64_t output = 0; output < n.outputs; ++output) {
            const std::int64_t step = output * call.stride + tap * call.dilation - call.left;
            if (step < 0 || step >= n.steps) continue;
            sum.add(data.x[call.x.at(item, first + c, step)],
                    data.y[call.y.at(item, filter, output)]);
          }
        }
        data.w[call.w.at(filter, c, tap)] = sum.value();
      }
    }
  }
}

}  // namespace

std::int64_t GraphTensor::span() const {
  std::int64_t last = 0;
  for (std::size_t axis = 0; axis < 4; ++axis) last += (extents[axis] - 1) * strides[axis];
  return last + 1;
}

std::string ConvolutionCall::failed_condition() const {
  if (x.extents[2] != 1 || w.extents[2] != 1 || y.extents[2] != 1) return "height == 1";
  if (x.extents[0] != y.extents[0]) return "x.N == y.N";
  if (w.extents[0] != y.extents[1]) return "w.K == y.C";
  if (x.extents[1] % w.extents[1] != 0) return "x.C % w.C == 0";
  if (w.extents[0] % (x.extents[1] / w.extents[1]) != 0) return "w.K % groups == 0";
  const std::int64_t room = x.extents[3] + left + right - span();
  if (room < 0 || y.extents[3] != room / stride + 1) {
    return "y.L == (x.L + left + right - span) / stride + 1";
  }
  if (w.span() != w.count()) return "w is packed";
  if (bias && (bias->extents[1] != y.extents[1] || bias->count() != bias->extents[1])) {
    return "bias is [1, y.C, 1, 1]";
  }
  return "";
}

void compute(const ConvolutionCall& call, const ConvolutionData& data, Arithmetic arithmetic) {
  switch (call.pass) {
    case ConvolutionPass::forward:
      return forward(call, data, arithmetic);
    case ConvolutionPass::backward_data:
      return backward_data(call, data, arithmetic);
    case ConvolutionPass::backward_filter:
      return backward_filter(call, data, arithmetic);
  }
}

}  // namespace emulation
