#include "kernels/nn/convolution.h"

#include "kernels/device/launch.cuh"

// Forward, data gradient and weight gradient are one product each, C = start + A B, whose A is
// never written out: an element of it is looked up where it lies in the signal (an implicit
// product). What differs between the three says a problem, a struct of a few short functions; two
// kernels compute any of them. Every number of C is one chain of fused multiply-adds in ascending
// depth, in either kernel and in tiles of any height: which one runs is a matter of time alone.
namespace serenade::cuda {
namespace {

/// A product's extents, the same for all groups. Depth is counted in `minor`s within `major`s; runs
/// of `run_length` majors are summed apart, into outputs of their own.
struct Product {
  Index rows, columns, groups, runs;
  Index majors, minors, run_length;
  Index size() const { return runs * rows * groups * columns; }
  /// Those of the run that begins here.
  __device__ Index majors_from(Index begin) const {
    const Index left = majors - begin;
    return left < run_length ? left : run_length;
  }
};

struct Depth {
  Index major, minor;
};

/// What is known of a row of A before the depth is: where it begins and the step it stands on.
struct Line {
  const float* base;
  Index step;
};

/// y: a row is an output step of an item, depth is (tap, channel).
struct Forward {
  static constexpr bool left_along_depth = true;
  static constexpr bool right_along_depth = false;
  Convolution c;
  Index in, out;  // of a group
  const float* x;
  const float* weights;

  __device__ Line line(Index row, Index group) const {
    const Index item = row / c.out_time;
    return {x + item * c.time * c.in + group * in, (row - item * c.out_time) * c.stride - c.left};
  }
  /// Null where the tap falls on padding.
  __device__ const float* left(const Line& line, const Depth& at) const {
    const Index step = line.step + at.major * c.dilation;
    return step < 0 || step >= c.time ? nullptr : line.base + step * c.in + at.minor;
  }
  __device__ const float* right(Index column, Index group, const Depth& at) const {
    return weights + (at.major * in + at.minor) * c.out + group * out + column;
  }
};

/// dx: a row is an input step of an item, depth is (tap from the last to the first, filter).
struct BackwardData {
  static constexpr bool left_along_depth = true;
  static constexpr bool right_along_depth = true;
  Convolution c;
  Index in, out;
  const float* weights;
  const float* dy;

  __device__ Line line(Index row, Index group) const {
    const Index item = row / c.time;
    return {dy + item * c.out_time * c.out + group * out, row - item * c.time + c.left};
  }
  /// Null where no output has this tap on this step.
  __device__ const float* left(const Line& line, const Depth& at) const {
    const Index reach = line.step - (c.kernel - 1 - at.major) * c.dilation;  // output x stride
    if (reach < 0) return nullptr;
    const Index output = c.stride == 1 ? reach : reach / c.stride;
    if (output >= c.out_time || output * c.stride != reach) return nullptr;
    return line.base + output * c.out + at.minor;
  }
  __device__ const float* right(Index column, Index group, const Depth& at) const {
    return weights + ((c.kernel - 1 - at.major) * in + column) * c.out + group * out + at.minor;
  }
};

/// dw: a row is (tap, channel), depth is (item, output step).
struct BackwardWeights {
  static constexpr bool left_along_depth = false;
  static constexpr bool right_along_depth = false;
  Convolution c;
  Index in, out;
  const float* x;
  const float* dy;

  __device__ Line line(Index row, Index group) const {
    const Index tap = row / in;
    return {x + group * in + (row - tap * in), tap * c.dilation - c.left};
  }
  __device__ const float* left(const Line& line, const Depth& at) const {
    const Index step = line.step + at.minor * c.stride;
    return step < 0 || step >= c.time ? nullptr : line.base + (at.major * c.time + step) * c.in;
  }
  __device__ const float* right(Index column, Index group, const Depth& at) const {
    return dy + (at.major * c.out_time + at.minor) * c.out + group * out + column;
  }
};

/// One thread a number of C, neighbouring columns side by side, all groups in a row: for products
/// that tiles would be mostly empty of, depthwise ones above all. 8 bytes read and 2 flops a step
/// of the depth, the left ones from cache for all but the first of a group's columns.
template <class Problem>
__global__ __launch_bounds__(most_threads) void direct_kernel(Problem problem, Product product,
                                                              const float* start, float* out) {
  const Index i = global_index();
  const Index width = product.groups * product.columns;
  if (i >= product.runs * product.rows * width) return;
  const Index place = i / width;
  const Index across = i - place * width;
  const Index run = place / product.rows;
  const Index group = across / product.columns;
  const Index column = across - group * product.columns;
  const Line line = problem.line(place - run * product.rows, group);
  const Index begin = run * product.run_length;
  const Index end = begin + product.majors_from(begin);
  float sum = start != nullptr ? start[across] : 0.0F;
  for (Index major = begin; major < end; ++major) {
#pragma unroll 2  // more would halve the occupancy by its registers
    for (Index minor = 0; minor < product.minors; ++minor) {
      const float* value = problem.left(line, {major, minor});
      if (value != nullptr) {
        sum = fmaf(*value, *problem.right(column, group, {major, minor}), sum);
      }
    }
  }
  out[i] = sum;
}

/// Depth that lies in shared memory at a time.
constexpr int slab = 16;
constexpr int tile_columns = 64;
constexpr int most_rows = most_threads / 4;
/// Neighbours that a thread reads at once and computes: 4 rows by 4 columns.
constexpr int quad = 4;
struct alignas(16) Quad {
  float of[quad];
};
/// Quads from one step of the depth to the next; one more than needed, so that what is written
/// along the depth does not meet in a few banks.
constexpr int left_stride = most_rows / quad + 1;
constexpr int right_stride = tile_columns / quad + 1;

__device__ inline int at_most(int most, Index value) {
  return value < most ? static_cast<int>(value) : most;
}

/// A block has a tile of C of 64 columns and a quarter as many rows as threads, a thread 4 by 4
/// numbers of it in registers. Slabs of A and B, 16 of the depth, go through shared memory: with
/// 256 threads 8 KiB read for 64 x 64 x 16 products, 16 flops a byte, where a thread a number would
/// have a quarter of a flop; and a thread reads 8 numbers of shared memory for 16 products. Fewer
/// threads make flatter tiles, and more blocks of them. Where the left matrix's rows, and the
/// slab's steps of the depth, lie is looked up in tables of the block: the divisions that it takes
/// are done once.
template <class Problem>
__global__ __launch_bounds__(most_threads) void tiled_kernel(Problem problem, Product product,
                                                             const float* start, float* out) {
  SERENADE_SHARED(Quad, left, slab * left_stride);
  SERENADE_SHARED(Quad, right, slab * right_stride);
  SERENADE_SHARED(Line, lines, most_rows);
  SERENADE_SHARED(Depth, depths, slab);
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int tile_rows = threads / 4;

  Index tile = blockIdx.x;
  const Index column_tiles = (product.columns + tile_columns - 1) / tile_columns;
  const Index row_tiles = (product.rows + tile_rows - 1) / tile_rows;
  const Index first_column = tile % column_tiles * tile_columns;
  tile /= column_tiles;
  const Index first_row = tile % row_tiles * tile_rows;
  tile /= row_tiles;
  const Index group = tile % product.groups;
  const Index run = tile / product.groups;
  const int rows = at_most(tile_rows, product.rows - first_row);
  const int columns = at_most(tile_columns, product.columns - first_column);

  const Index begin = run * product.run_length;
  const Index depth = product.majors_from(begin) * product.minors;
  if (thread < rows) {
    lines[thread] = problem.line(first_row + thread, group);
  }
  if (thread < slab && thread < depth) {
    const Index major = thread / product.minors;
    depths[thread] = {begin + major, thread - major * product.minors};
  }
  __syncthreads();

  // The thread's four elements of a left slab, and its numbers of C.
  const int first_line = Problem::left_along_depth ? thread / slab : thread % tile_rows;
  const int first_step = Problem::left_along_depth ? thread % slab : thread / tile_rows;
  const int next_line = Problem::left_along_depth ? threads / slab : 0;
  const int next_step = Problem::left_along_depth ? 0 : 4;
  const int down = thread / (tile_columns / quad);
  const int across = thread % (tile_columns / quad);
  float sums[quad][quad];
#pragma unroll
  for (int column = 0; column < quad; ++column) {
    const int at = across * quad + column;
    const float first = start != nullptr && at < columns
                            ? start[group * product.columns + first_column + at]
                            : 0.0F;
#pragma unroll
    for (int row = 0; row < quad; ++row) sums[row][column] = first;
  }

  for (Index done = 0; done < depth; done += slab) {
    const int steps = at_most(slab, depth - done);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = first_line + i * next_line;
      const int step = first_step + i * next_step;
      const float* value =
          row < rows && step < steps ? problem.left(lines[row], depths[step]) : nullptr;
      left[step * left_stride + row / quad].of[row % quad] = value != nullptr ? *value : 0.0F;
    }
#pragma unroll 1
    for (int i = thread; i < slab * tile_columns; i += threads) {
      const int column = Problem::right_along_depth ? i / slab : i % tile_columns;
      const int step = Problem::right_along_depth ? i % slab : i / tile_columns;
      const bool exists = column < columns && step < steps;
      right[step * right_stride + column / quad].of[column % quad] =
          exists ? *problem.right(first_column + column, group, depths[step]) : 0.0F;
    }
    __syncthreads();
    if (thread < slab && done + slab + thread < depth) {
      const Index minor = depths[thread].minor + slab;
      const Index majors = minor / product.minors;
      depths[thread] = {depths[thread].major + majors, minor - majors * product.minors};
    }
#pragma unroll 4
    for (int step = 0; step < slab; ++step) {
      const Quad a = left[step * left_stride + down];
      const Quad b = right[step * right_stride + across];
#pragma unroll
      for (int row = 0; row < quad; ++row) {
#pragma unroll
        for (int column = 0; column < quad; ++column) {
          sums[row][column] = fmaf(a.of[row], b.of[column], sums[row][column]);
        }
      }
    }
    __syncthreads();
  }

  const Index width = product.groups * product.columns;
  float* to =
      out + (run * product.rows + first_row) * width + group * product.columns + first_column;
#pragma unroll
  for (int row = 0; row < quad; ++row) {
#pragma unroll
    for (int column = 0; column < quad; ++column) {
      const int r = down * quad + row;
      const int c = across * quad + column;
      if (r < rows && c < columns) to[r * width + c] = sums[row][column];
    }
  }
}

/// One thread a number: 4 bytes read and 1 flop a run, 4 written.
__global__ __launch_bounds__(most_threads) void add_runs_kernel(const float* sums, Index runs,
                                                                Index size, float* total) {
  const Index i = global_index();
  if (i >= size) return;
  float sum = 0;
  for (Index run = 0; run < runs; ++run) sum += sums[run * size + i];
  total[i] = sum;
}

template <class Problem>
void multiply(Session& session, const Problem& problem, const Product& product, const float* start,
              float* out) {
  // Fewer rows or columns would leave most of a tile empty.
  constexpr Index least = 16;
  if (product.rows < least || product.columns < least) {
    return launch<direct_kernel<Problem>>(session, one_thread_each(session, product.size()),
                                          problem, product, start, out);
  }
  const auto tiles = [&](int threads) {
    const Index rows = threads / 4;
    return product.runs * product.groups * ((product.rows + rows - 1) / rows) *
           ((product.columns + tile_columns - 1) / tile_columns);
  };
  // Flat tiles where whole ones would not give every multiprocessor of a large GPU one.
  constexpr Index multiprocessors = 128;
  const int threads = session.block_size(tiles(most_threads) < multiprocessors ? 64 : most_threads);
  launch<tiled_kernel<Problem>>(session, {tiles(threads), threads}, problem, product, start, out);
}

}  // namespace

namespace plain {

void convolve(Session& session, const Convolution& c, const float* x, const float* weights,
              const float* bias, float* y) {
  const Forward problem{c, c.group_in(), c.group_out(), x, weights};
  multiply(session, problem,
           {.rows = c.batch * c.out_time,
            .columns = problem.out,
            .groups = c.groups,
            .runs = 1,
            .majors = c.kernel,
            .minors = problem.in,
            .run_length = c.kernel},
           bias, y);
}

void convolve_backward_data(Session& session, const Convolution& c, const float* weights,
                            const float* dy, float* dx) {
  const BackwardData problem{c, c.group_in(), c.group_out(), weights, dy};
  multiply(session, problem,
           {.rows = c.batch * c.time,
            .columns = problem.in,
            .groups = c.groups,
            .runs = 1,
            .majors = c.kernel,
            .minors = problem.out,
            .run_length = c.kernel},
           nullptr, dx);
}

void convolve_backward_weights(Session& session, const Convolution& c, const float* x,
                               const float* dy, float* dweights) {
  const BackwardWeights problem{c, c.group_in(), c.group_out(), x, dy};
  const ItemRuns runs(c.batch);
  const Product product{.rows = c.kernel * problem.in,
                        .columns = problem.out,
                        .groups = c.groups,
                        .runs = runs.count,
                        .majors = c.batch,
                        .minors = c.out_time,
                        .run_length = runs.length};
  if (runs.count == 1) return multiply(session, problem, product, nullptr, dweights);
  const Index size = product.rows * c.out;
  auto* sums = session.scratch<float>(0, product.size());
  multiply(session, problem, product, nullptr, sums);
  launch<add_runs_kernel>(session, one_thread_each(session, size), sums, runs.count, size,
                          dweights);
}

}  // namespace plain
}  // namespace serenade::cuda
