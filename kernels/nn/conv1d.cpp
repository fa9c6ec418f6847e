#include "kernels/nn/conv1d.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/gemm.h"

namespace serenade {
namespace {

Index left_padding(const Conv1dOptions& options) {
  return options.padding == Padding::same ? (options.kernel_size - 1) / 2 : 0;
}

/// Checks x [batch, time, in], y [batch, out time, filters] and weights [kernel, in, filters].
void check(std::string_view operation, const Conv1dOptions& options, const Shape& x,
           const Shape& weights, const Shape& y) {
  check_ranges(options);
  if (x.rank() != 3) expect_shape(operation, "x", x, Shape{0, 0, 0});
  const Index time = conv1d_output_time(options, x[1]);
  if (time < 1) {
    throw ShapeError(std::string(operation) + ": " + std::to_string(x[1]) +
                     " time steps are fewer than the kernel's " +
                     std::to_string(options.kernel_size));
  }
  expect_shape(operation, "weights", weights, Shape{options.kernel_size, x[2], options.filters});
  expect_shape(operation, "y", y, Shape{x[0], time, options.filters});
}

void check_bias(std::string_view operation, const Conv1dOptions& options, const float* bias,
                const Shape& shape) {
  if (options.use_bias) expect_shape(operation, "bias", shape, Shape{options.filters});
  if (!options.use_bias && bias != nullptr) {
    throw ShapeError(std::string(operation) + ": there is a bias although use_bias is false");
  }
}

}  // namespace

Index conv1d_output_time(const Conv1dOptions& options, Index time) {
  return options.padding == Padding::same ? time : time - options.kernel_size + 1;
}

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  check("conv1d", options, x.shape(), weights.shape(), y.shape());
  check_bias("conv1d", options, bias.data(), bias.shape());
  expect_on_device("conv1d", context, x, weights, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d(context, options, x, weights, bias, y);
    }
  }
  cpu::conv1d(context, options, x, weights, bias, y);
}

void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  check("conv1d_backward_data", options, dx.shape(), weights.shape(), dy.shape());
  expect_on_device("conv1d_backward_data", context, weights, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d_backward_data(context, options, weights, dy, dx);
    }
  }
  cpu::conv1d_backward_data(context, options, weights, dy, dx);
}

void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  check("conv1d_backward_weights", options, x.shape(), dweights.shape(), dy.shape());
  check_bias("conv1d_backward_weights", options, dbias.data(), dbias.shape());
  expect_on_device("conv1d_backward_weights", context, x, dy, dweights);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d_backward_weights(context, options, x, dy, dweights, dbias);
    }
  }
  cpu::conv1d_backward_weights(context, options, x, dy, dweights, dbias);
}

namespace cpu {
namespace {

/// Rows [begin, begin + rows) of x [time, channels], zeros outside of it.
void copy_padded(const float* x, Index time, Index channels, Index begin, Index rows, float* out) {
  const Index first = std::clamp<Index>(-begin, 0, rows);
  const Index last = std::clamp<Index>(time - begin, first, rows);
  std::fill_n(out, first * channels, 0.0F);
  std::copy_n(x + (begin + first) * channels, (last - first) * channels, out + first * channels);
  std::fill_n(out + last * channels, (rows - last) * channels, 0.0F);
}

/// What forward and data gradient have in common: y[t] = bias + window(t) B, where window(t) is the
/// kernel x in floats of x that begin at step t - left: with neighbouring steps end to end in
/// memory, k shifted products are one product with overlapping rows.
struct Correlation {
  Tensor<const float> x;  // [batch, time, in]
  Index kernel;
  Index left;
  const float* packed;  // B [kernel in, out]
  const float* bias;
  Tensor<float> y;  // [batch, out time, out]
};

// Rows of one chunk: a multiple of the tile's 6, and A and C of it fit into L2.
constexpr Index block = 96;

Index padded_size(const Correlation& job) {
  const Index blocks = (job.y.extent(1) + block - 1) / block;
  return job.y.extent(0) * blocks * (block + job.kernel - 1) * job.x.extent(2);
}

void correlate(Context& context, const Correlation& job, float* padded) {
  const Index time = job.x.extent(1), in = job.x.extent(2);
  const Index out_time = job.y.extent(1), out = job.y.extent(2);
  const Index blocks = (out_time + block - 1) / block;
  const Index depth = job.kernel * in;
  context.parallel(job.y.extent(0) * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index rows = std::min(block, out_time - begin);
    const Index window_begin = begin - job.left, window = rows + job.kernel - 1;
    const float* x = job.x.data() + item * time * in;
    const float* a = x + window_begin * in;
    if (window_begin < 0 || window_begin + window > time) {
      float* copy = padded + chunk * (block + job.kernel - 1) * in;
      copy_padded(x, time, in, window_begin, window, copy);
      a = copy;
    }
    float* y = job.y.data() + (item * out_time + begin) * out;
    const gemm::Start start =
        job.bias != nullptr ? gemm::Start::row(job.bias) : gemm::Start::zeros();
    for (Index panel = 0; panel < gemm::panels(out); ++panel) {
      gemm::multiply_panel({a, in, 1}, rows, depth, job.packed + panel * depth * gemm::panel_width,
                           out, panel, start, y, out);
    }
  });
}

}  // namespace

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  const Index depth = weights.extent(0) * weights.extent(1), out = weights.extent(2);
  Correlation job{x, weights.extent(0), left_padding(options), nullptr, bias.data(), y};
  float* packed = context.scratch(gemm::packed_size(depth, out) + padded_size(job)).data();
  context.parallel(gemm::panels(out), [&](Index panel) {
    gemm::pack({weights.data(), out, 1}, depth, out, panel,
               packed + panel * depth * gemm::panel_width);
  });
  job.packed = packed;
  correlate(context, job, packed + gemm::packed_size(depth, out));
}

/// dx[t, c] = sum over j, f of dy[t - j + left, f] w[j, c, f]: dy correlated with the kernel
/// reversed in time.
void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  const Index kernel = weights.extent(0), in = weights.extent(1), out = weights.extent(2);
  const Index depth = kernel * out;
  Correlation job{dy, kernel, kernel - 1 - left_padding(options), nullptr, nullptr, dx};
  float* packed = context.scratch(gemm::packed_size(depth, in) + padded_size(job)).data();
  context.parallel(gemm::panels(in), [&](Index panel) {
    for (Index j = 0; j < kernel; ++j) {
      gemm::pack({weights.data() + (kernel - 1 - j) * in * out, 1, out}, out, in, panel,
                 packed + (panel * depth + j * out) * gemm::panel_width);
    }
  });
  job.packed = packed;
  correlate(context, job, packed + gemm::packed_size(depth, in));
}

/// dw[(j, c), f] = sum over b, t of x[b, t + j - left, c] dy[b, t, f]: with x padded, row (j, c) of
/// the left matrix begins at float j in + c and steps by one time step. Groups of items are summed
/// apart and the groups added in order.
void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  constexpr Index most_groups = 8, row_block = 96;
  const Index batch = x.extent(0), time = x.extent(1), in = x.extent(2);
  const Index out_time = dy.extent(1), out = dy.extent(2), kernel = dweights.extent(0);
  const Index rows = kernel * in, panels = gemm::panels(out);
  const Index in_group = std::max<Index>(1, (batch + most_groups - 1) / most_groups);
  const Index groups = (batch + in_group - 1) / in_group;
  const Index window = out_time + kernel - 1;
  const Index panel_size = out_time * gemm::panel_width;

  const Index sums_size = groups * rows * out;
  const Index padded_item = (window * in + 15) / 16 * 16;
  float* sums =
      context
          .scratch((sums_size + 15) / 16 * 16 + batch * padded_item + batch * panels * panel_size)
          .data();
  float* padded = sums + (sums_size + 15) / 16 * 16;
  float* packed = padded + batch * padded_item;
  context.parallel(batch, [&](Index item) {
    copy_padded(x.data() + item * time * in, time, in, -left_padding(options), window,
                padded + item * padded_item);
    for (Index panel = 0; panel < panels; ++panel) {
      gemm::pack({dy.data() + item * out_time * out, out, 1}, out_time, out, panel,
                 packed + (item * panels + panel) * panel_size);
    }
  });
  const Index blocks = (rows + row_block - 1) / row_block;
  context.parallel(groups * blocks, [&](Index chunk) {
    const Index group = chunk / blocks, begin = chunk % blocks * row_block;
    const Index height = std::min(row_block, rows - begin);
    const Index last = std::min(batch, (group + 1) * in_group);
    float* sum = sums + (group * rows + begin) * out;
    for (Index item = group * in_group; item < last; ++item) {
      const auto start =
          item == group * in_group ? gemm::Start::zeros() : gemm::Start::accumulate();
      for (Index panel = 0; panel < panels; ++panel) {
        gemm::multiply_panel({padded + item * padded_item + begin, 1, in}, height, out_time,
                             packed + (item * panels + panel) * panel_size, out, panel, start, sum,
                             out);
      }
    }
  });
  constexpr Index share = 16384;
  const Index size = rows * out;
  context.parallel((size + share - 1) / share, [&](Index chunk) {
    const Index end = std::min(size, (chunk + 1) * share);
    for (Index i = chunk * share; i < end; ++i) {
      float total = 0;
      for (Index group = 0; group < groups; ++group) total += sums[group * size + i];
      dweights.data()[i] = total;
    }
  });
  if (dbias.data() != nullptr) {
    column_sums(context, dy.data(), batch * out_time, out, dbias.data());
  }
}

}  // namespace cpu
}  // namespace serenade
