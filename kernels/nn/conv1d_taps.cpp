#include <algorithm>

#include "kernels/nn/conv1d_paths.h"
#include "kernels/nn/gemm.h"

namespace serenade::cpu {
namespace {

// Rows of one chunk: a multiple of the tile's 6 or 12.
constexpr Index block = 96;

Index blocks_of(Index rows) { return (rows + block - 1) / block; }

/// Matrices packed for gemm, one for each group, panel of 16 columns and tap, in this order.
struct PackedTaps {
  Index taps, depth, columns;  // of each group's matrices
  float* data;

  Index panels() const { return gemm::panels(columns); }
  float* at(Index group, Index panel, Index tap) const {
    return data + ((group * panels() + panel) * taps + tap) * depth * gemm::panel_width;
  }
  /// Panels [begin, begin + 2), as far as there are so many.
  gemm::Panels two(Index group, Index begin, Index tap) const {
    return {at(group, begin, tap), taps * depth * gemm::panel_width, begin,
            std::min(panels(), begin + 2)};
  }
};

void forward(Context& context, const Convolution& c, Tensor<const float> x,
             Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  const Index in = c.group_in(), out = c.group_out();
  const PackedTaps packed{c.kernel, in, out,
                          context.scratch(c.groups * c.kernel * gemm::packed_size(in, out)).data()};
  context.parallel(c.groups * packed.panels(), [&](Index chunk) {
    const Index group = chunk / packed.panels(), panel = chunk % packed.panels();
    for (Index j = 0; j < c.kernel; ++j) {
      gemm::pack({weights.data() + j * in * c.out + group * out, c.out, 1}, in, out, panel,
                 packed.at(group, panel, j));
    }
  });
  const Index blocks = blocks_of(c.out_time);
  context.parallel(c.batch * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index end = std::min(c.out_time, begin + block);
    float* to = y.data() + item * c.out_time * c.out;
    for (Index o = begin; o < end; ++o) {
      if (bias.data() != nullptr) {
        std::copy_n(bias.data(), c.out, to + o * c.out);
      } else {
        std::fill_n(to + o * c.out, c.out, 0.0F);
      }
    }
    for (Index group = 0; group < c.groups; ++group) {
      const float* from = x.data() + item * c.time * c.in + group * in;
      for (Index panel = 0; panel < packed.panels(); panel += 2) {
        for (Index j = 0; j < c.kernel; ++j) {
          const auto outputs = c.outputs_inside(j, begin, end);
          if (outputs.count() == 0) continue;
          gemm::multiply({from + c.step(outputs.begin, j) * c.in, c.stride * c.in, 1},
                         outputs.count(), in, packed.two(group, panel, j), out,
                         gemm::Start::accumulate(), to + outputs.begin * c.out + group * out,
                         c.out);
        }
      }
    }
  });
}

/// dx[o stride + j dilation - left, c] += dy[o, f] w[j, c, f]: the outputs of one tap reach every
/// stride-th step.
void backward_data(Context& context, const Convolution& c, Tensor<const float> weights,
                   Tensor<const float> dy, Tensor<float> dx) {
  const Index in = c.group_in(), out = c.group_out();
  const PackedTaps packed{c.kernel, out, in,
                          context.scratch(c.groups * c.kernel * gemm::packed_size(out, in)).data()};
  context.parallel(c.groups * packed.panels(), [&](Index chunk) {
    const Index group = chunk / packed.panels(), panel = chunk % packed.panels();
    for (Index j = 0; j < c.kernel; ++j) {
      gemm::pack({weights.data() + j * in * c.out + group * out, 1, c.out}, out, in, panel,
                 packed.at(group, panel, j));
    }
  });
  const Index blocks = blocks_of(c.time);
  context.parallel(c.batch * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index end = std::min(c.time, begin + block);
    float* to = dx.data() + item * c.time * c.in;
    std::fill_n(to + begin * c.in, (end - begin) * c.in, 0.0F);
    for (Index group = 0; group < c.groups; ++group) {
      const float* from = dy.data() + item * c.out_time * c.out + group * out;
      for (Index panel = 0; panel < packed.panels(); panel += 2) {
        for (Index j = c.kernel; j-- > 0;) {
          const auto outputs = c.outputs_on(j, begin, end);
          if (outputs.count() == 0) continue;
          gemm::multiply({from + outputs.begin * c.out, c.out, 1}, outputs.count(), out,
                         packed.two(group, panel, j), in, gemm::Start::accumulate(),
                         to + c.step(outputs.begin, j) * c.in + group * in, c.stride * c.in);
        }
      }
    }
  });
}

/// dw[j, c, f] = sum over b, o of x[b, o stride + j dilation - left, c] dy[b, o, f]
void backward_weights(Context& context, const Convolution& c, Tensor<const float> x,
                      Tensor<const float> dy, Tensor<float> dweights) {
  const Index in = c.group_in(), out = c.group_out();
  const ItemRuns runs(c.batch);
  const Index size = c.kernel * in * c.out, sums_size = (runs.count * size + 15) / 16 * 16;
  const Index item_panels = c.groups * gemm::panels(out);
  const Index panel_size = c.out_time * gemm::panel_width;
  float* sums = context.scratch(sums_size + c.batch * item_panels * panel_size).data();
  float* packed = sums + sums_size;
  context.parallel(c.batch * c.groups, [&](Index chunk) {
    const Index item = chunk / c.groups, group = chunk % c.groups;
    for (Index panel = 0; panel < gemm::panels(out); ++panel) {
      gemm::pack({dy.data() + item * c.out_time * c.out + group * out, c.out, 1}, c.out_time, out,
                 panel, packed + (chunk * gemm::panels(out) + panel) * panel_size);
    }
  });
  context.parallel(runs.count * c.kernel * c.groups, [&](Index chunk) {
    const Index run = chunk / (c.kernel * c.groups);
    const Index j = chunk / c.groups % c.kernel, group = chunk % c.groups;
    const auto outputs = c.outputs_inside(j, 0, c.out_time);
    float* sum = sums + run * size + j * in * c.out + group * out;
    for (Index row = 0; row < in; ++row) std::fill_n(sum + row * c.out, out, 0.0F);
    if (outputs.count() == 0) return;
    for (Index item = runs.begin(run); item < runs.end(run); ++item) {
      const float* from = x.data() + (item * c.time + c.step(outputs.begin, j)) * c.in + group * in;
      const float* b = packed + (item * c.groups + group) * gemm::panels(out) * panel_size;
      gemm::multiply({from, 1, c.stride * c.in}, in, outputs.count(),
                     {b + outputs.begin * gemm::panel_width, panel_size, 0, gemm::panels(out)}, out,
                     gemm::Start::accumulate(), sum, c.out);
    }
  });
  add_partial_sums(context, sums, runs.count, size, dweights.data());
}

}  // namespace

const ConvolutionPath taps_path{forward, backward_data, backward_weights};

}  // namespace serenade::cpu
