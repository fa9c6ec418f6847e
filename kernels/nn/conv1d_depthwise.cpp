#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/nn/conv1d_paths.h"

namespace serenade::cpu {
namespace {

// Time steps of one chunk.
constexpr Index block = 64;
// Channels whose sums stay in registers: four of AVX2's.
constexpr Index strip = 32;

Index blocks_of(Index steps) { return (steps + block - 1) / block; }

/// Calls body(width, first) for strips of channels, where width is std::integral_constant for whole
/// strips, so that the compiler keeps their sums in registers.
template <class Body>
void for_each_strip(Index channels, const Body& body) {
  Index first = 0;
  for (; first + strip <= channels; first += strip) {
    body(std::integral_constant<Index, strip>(), first);
  }
  if (first < channels) body(channels - first, first);
}

void forward(Context& context, const Convolution& c, Tensor<const float> x,
             Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  const Index channels = c.in, blocks = blocks_of(c.out_time);
  context.parallel(c.batch * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index end = std::min(c.out_time, begin + block);
    for_each_strip(channels, [&](auto width, Index first) {
      const float* from = x.data() + item * c.time * channels + first;
      for (Index o = begin; o < end; ++o) {
        float sum[strip] = {};
        if (bias.data() != nullptr) std::copy_n(bias.data() + first, width, sum);
        for (Index j = 0; j < c.kernel; ++j) {
          const Index step = c.step(o, j);
          if (step < 0 || step >= c.time) continue;
          const float* value = from + step * channels;
          const float* weight = weights.data() + j * channels + first;
          for (Index i = 0; i < width; ++i) sum[i] = std::fma(value[i], weight[i], sum[i]);
        }
        std::copy_n(sum, width, y.data() + (item * c.out_time + o) * channels + first);
      }
    });
  });
}

void backward_data(Context& context, const Convolution& c, Tensor<const float> weights,
                   Tensor<const float> dy, Tensor<float> dx) {
  const Index channels = c.in, blocks = blocks_of(c.time);
  context.parallel(c.batch * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index end = std::min(c.time, begin + block);
    for_each_strip(channels, [&](auto width, Index first) {
      const float* from = dy.data() + item * c.out_time * channels + first;
      for (Index t = begin; t < end; ++t) {
        float sum[strip] = {};
        for (Index j = c.kernel; j-- > 0;) {
          const Index reach = t + c.left - j * c.dilation;  // output x stride
          if (reach < 0 || reach >= c.out_time * c.stride || reach % c.stride != 0) continue;
          const float* gradient = from + reach / c.stride * channels;
          const float* weight = weights.data() + j * channels + first;
          for (Index i = 0; i < width; ++i) sum[i] = std::fma(gradient[i], weight[i], sum[i]);
        }
        std::copy_n(sum, width, dx.data() + (item * c.time + t) * channels + first);
      }
    });
  });
}

void backward_weights(Context& context, const Convolution& c, Tensor<const float> x,
                      Tensor<const float> dy, Tensor<float> dweights) {
  const Index channels = c.in;
  const ItemRuns runs(c.batch);
  const Index size = c.kernel * channels;
  float* sums = context.scratch(runs.count * size).data();
  context.parallel(runs.count, [&](Index run) {
    std::fill_n(sums + run * size, size, 0.0F);
    for (Index item = runs.begin(run); item < runs.end(run); ++item) {
      for_each_strip(channels, [&](auto width, Index first) {
        const float* from = x.data() + item * c.time * channels + first;
        const float* gradients = dy.data() + item * c.out_time * channels + first;
        for (Index j = 0; j < c.kernel; ++j) {
          const auto outputs = c.outputs_inside(j, 0, c.out_time);
          float* total = sums + run * size + j * channels + first;
          float sum[strip] = {};
          std::copy_n(total, width, sum);
          for (Index o = outputs.begin; o < outputs.end; ++o) {
            const float* value = from + c.step(o, j) * channels;
            const float* gradient = gradients + o * channels;
            for (Index i = 0; i < width; ++i) sum[i] = std::fma(value[i], gradient[i], sum[i]);
          }
          std::copy_n(sum, width, total);
        }
      });
    }
  });
  add_partial_sums(context, sums, runs.count, size, dweights.data());
}

}  // namespace

const ConvolutionPath depthwise_path{forward, backward_data, backward_weights};

}  // namespace serenade::cpu
