#include <algorithm>
#include <array>

#include "kernels/nn/conv1d_paths.h"
#include "kernels/nn/gemm.h"

namespace serenade::cpu {
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
/// kernel x in floats of x that begin at step t stride - left: with neighbouring steps end to end
/// in memory, k shifted products are one product with overlapping rows.
struct Correlation {
  Tensor<const float> x;  // [batch, time, in]
  Index kernel;
  Index stride;
  Index left;
  const float* packed;  // B [kernel in, out]
  const float* bias;
  Tensor<float> y;  // [batch, out time, out]
};

// Rows of one chunk: a multiple of the tile's 6 or 12, and A and C of it fit into L2.
constexpr Index block = 96;

Index window_of(const Correlation& job, Index rows) { return (rows - 1) * job.stride + job.kernel; }

Index padded_size(const Correlation& job) {
  const Index blocks = (job.y.extent(1) + block - 1) / block;
  return job.y.extent(0) * blocks * window_of(job, block) * job.x.extent(2);
}

void correlate(Context& context, const Correlation& job, float* padded) {
  const Index time = job.x.extent(1), in = job.x.extent(2);
  const Index out_time = job.y.extent(1), out = job.y.extent(2);
  const Index blocks = (out_time + block - 1) / block;
  const Index depth = job.kernel * in;
  context.parallel(job.y.extent(0) * blocks, [&](Index chunk) {
    const Index item = chunk / blocks, begin = chunk % blocks * block;
    const Index rows = std::min(block, out_time - begin);
    const Index window_begin = begin * job.stride - job.left;
    const float* x = job.x.data() + item * time * in;
    float* y = job.y.data() + (item * out_time + begin) * out;
    const gemm::Start start =
        job.bias != nullptr ? gemm::Start::row(job.bias) : gemm::Start::zeros();
    const auto multiply = [&](const float* a, Index first, Index count) {
      gemm::multiply({a, job.stride * in, 1}, count, depth,
                     {job.packed, depth * gemm::panel_width, 0, gemm::panels(out)}, out, start,
                     y + first * out, out);
    };
    const auto multiply_copied = [&](Index first, Index count) {
      if (count == 0) return;
      float* copy = padded + chunk * window_of(job, block) * in;
      copy_padded(x, time, in, window_begin + first * job.stride, window_of(job, count), copy);
      multiply(copy, first, count);
    };
    // Only rows whose windows reach beyond the ends take a copy, and what fills up their tiles.
    const Index before = std::max<Index>(0, -window_begin),
                after = time - job.kernel - window_begin;
    const Index inside = std::min(rows, (before + job.stride - 1) / job.stride);
    const Index inside_end = after < 0 ? 0 : std::clamp<Index>(after / job.stride + 1, 0, rows);
    const Index head =
        std::min(rows, (inside + gemm::row_multiple - 1) / gemm::row_multiple * gemm::row_multiple);
    const Index tail = inside_end == rows
                           ? rows
                           : std::max(head, inside_end / gemm::row_multiple * gemm::row_multiple);
    if (head == tail) return multiply_copied(0, rows);
    multiply_copied(0, head);
    multiply(x + (window_begin + head * job.stride) * in, head, tail - head);
    multiply_copied(tail, rows - tail);
  });
}

void forward(Context& context, const Convolution& c, Tensor<const float> x,
             Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  const Index depth = c.kernel * c.in;
  Correlation job{x, c.kernel, c.stride, c.left, nullptr, bias.data(), y};
  float* packed = context.scratch(gemm::packed_size(depth, c.out) + padded_size(job)).data();
  context.parallel(gemm::panels(c.out), [&](Index panel) {
    gemm::pack({weights.data(), c.out, 1}, depth, c.out, panel,
               packed + panel * depth * gemm::panel_width);
  });
  job.packed = packed;
  correlate(context, job, packed + gemm::packed_size(depth, c.out));
}

/// dx[t, c] = sum over j, f of dy[t - j + left, f] w[j, c, f]: dy correlated with the kernel
/// reversed in time.
void backward_data(Context& context, const Convolution& c, Tensor<const float> weights,
                   Tensor<const float> dy, Tensor<float> dx) {
  const Index depth = c.kernel * c.out;
  Correlation job{dy, c.kernel, 1, c.kernel - 1 - c.left, nullptr, nullptr, dx};
  float* packed = context.scratch(gemm::packed_size(depth, c.in) + padded_size(job)).data();
  context.parallel(gemm::panels(c.in), [&](Index panel) {
    for (Index j = 0; j < c.kernel; ++j) {
      gemm::pack({weights.data() + (c.kernel - 1 - j) * c.in * c.out, 1, c.out}, c.out, c.in, panel,
                 packed + (panel * depth + j * c.out) * gemm::panel_width);
    }
  });
  job.packed = packed;
  correlate(context, job, packed + gemm::packed_size(depth, c.in));
}

/// Rows [begin, begin + count) of the left matrix of backward_weights, of steps [from, to), as
/// out [to - from, count]: row j in + c of output t is x[t + j - left, c], or 0 outside of x.
void copy_columns(const Convolution& c, const float* x, Index begin, Index count, Index from,
                  Index to, float* out) {
  const Index size = c.time * c.in;
  for (Index t = from; t < to; ++t, out += count) {
    const Index first = (t - c.left) * c.in + begin;
    const Index zeros = std::clamp<Index>(-first, 0, count);
    const Index end = std::clamp<Index>(size - first, zeros, count);
    std::fill_n(out, zeros, 0.0F);
    std::copy_n(x + first + zeros, end - zeros, out + zeros);
    std::fill_n(out + end, count - end, 0.0F);
  }
}

/// dw[(j, c), f] = sum over b, t of x[b, t + j - left, c] dy[b, t, f]. The left matrix is copied a
/// block at a time into what stays in L1: neighbouring steps of x lie too far apart for it.
void backward_weights(Context& context, const Convolution& c, Tensor<const float> x,
                      Tensor<const float> dy, Tensor<float> dweights) {
  constexpr Index row_block = 96, step_block = 96;
  const ItemRuns runs(c.batch);
  const Index rows = c.kernel * c.in, panels = gemm::panels(c.out);
  const Index panel_size = c.out_time * gemm::panel_width;

  const Index sums_size = (runs.count * rows * c.out + 15) / 16 * 16;
  float* sums = context.scratch(sums_size + c.batch * panels * panel_size).data();
  float* packed = sums + sums_size;
  context.parallel(c.batch, [&](Index item) {
    for (Index panel = 0; panel < panels; ++panel) {
      gemm::pack({dy.data() + item * c.out_time * c.out, c.out, 1}, c.out_time, c.out, panel,
                 packed + (item * panels + panel) * panel_size);
    }
  });
  const Index blocks = (rows + row_block - 1) / row_block;
  context.parallel(runs.count * blocks, [&](Index chunk) {
    alignas(64) std::array<float, row_block * step_block> left;
    const Index run = chunk / blocks, begin = chunk % blocks * row_block;
    const Index height = std::min(row_block, rows - begin);
    float* sum = sums + (run * rows + begin) * c.out;
    auto start = gemm::Start::zeros();
    for (Index item = runs.begin(run); item < runs.end(run); ++item) {
      for (Index t = 0; t < c.out_time; t += step_block) {
        const Index end = std::min(c.out_time, t + step_block);
        copy_columns(c, x.data() + item * c.time * c.in, begin, height, t, end, left.data());
        gemm::multiply(
            {left.data(), 1, height}, height, end - t,
            {packed + item * panels * panel_size + t * gemm::panel_width, panel_size, 0, panels},
            c.out, start, sum, c.out);
        start = gemm::Start::accumulate();
      }
    }
  });
  add_partial_sums(context, sums, runs.count, rows * c.out, dweights.data());
}

}  // namespace

const ConvolutionPath windows_path{forward, backward_data, backward_weights};

}  // namespace serenade::cpu
