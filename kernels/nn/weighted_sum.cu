#include "kernels/nn/weighted_sum.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

constexpr Index run_length = 4096;

/// One thread a number of y: 4 bytes and 1 flop a part's number, 1 flop a group's.
__global__ __launch_bounds__(most_threads) void weighted_sum_kernel(const float* parts,
                                                                    const float* weights,
                                                                    Index groups, Index members,
                                                                    Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  float total = 0;
  for (Index g = 0; g < groups; ++g) {
    const float* from = parts + g * members * size + i;
    float sum = from[0];
    for (Index m = 1; m < members; ++m) sum += from[m * size];
    total = fmaf(weights[g], sum, total);
  }
  y[i] = total;
}

/// A block has 4096 numbers of one group: dparts, and the sum of their products with dy, which
/// add_products_kernel adds up. 4 bytes a part's number, 8 a group's, 2 flops a part's number. (A
/// block for a whole group would leave all but `groups` multiprocessors idle.)
__global__ __launch_bounds__(most_threads) void weighted_sum_backward_kernel(
    const float* parts, const float* weights, const float* dy, Index members, Index size,
    Index runs, float* dparts, float* products) {
  SERENADE_SHARED(float, shared, most_warps);
  const Place at = place_of(blockIdx.x, runs);  // group and run of it
  const Index begin = at.column * run_length;
  const Index end = begin + run_length < size ? begin + run_length : size;
  const float weight = weights[at.row];
  float sum = 0;
  for (Index i = begin + threadIdx.x; i < end; i += blockDim.x) {
    const float gradient = dy[i];
    dparts[at.row * size + i] = weight * gradient;
    for (Index m = 0; m < members; ++m) {
      sum = fmaf(gradient, parts[(at.row * members + m) * size + i], sum);
    }
  }
  sum = sum_of_block(shared, sum);
  if (threadIdx.x == 0) products[blockIdx.x] = sum;
}

/// A block has one group: 4 bytes and 1 flop a run.
__global__ __launch_bounds__(most_threads) void add_products_kernel(const float* products,
                                                                    Index runs, float* dweights) {
  SERENADE_SHARED(float, shared, most_warps);
  float sum = 0;
  for (Index run = threadIdx.x; run < runs; run += blockDim.x) {
    sum += products[static_cast<Index>(blockIdx.x) * runs + run];
  }
  sum = sum_of_block(shared, sum);
  if (threadIdx.x == 0) dweights[blockIdx.x] = sum;
}

}  // namespace

void weighted_sum(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y) {
  Session& session = context.session();
  launch<weighted_sum_kernel>(session, one_thread_each(session, y.size()), parts.data(),
                              weights.data(), parts.extent(0), parts.extent(1), y.size(), y.data());
}

void weighted_sum_backward(Context& context, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights) {
  Session& session = context.session();
  const Index groups = parts.extent(0);
  const Index size = parts.extent(2);
  const Index runs = (size + run_length - 1) / run_length;
  auto* products = session.scratch<float>(0, groups * runs);
  const int threads = session.block_size(most_threads);
  launch<weighted_sum_backward_kernel>(session, Extent1d{groups * runs, threads, 0}, parts.data(),
                                       weights.data(), dy.data(), parts.extent(1), size, runs,
                                       dparts.data(), products);
  launch<add_products_kernel>(session, Extent1d{groups, threads, 0}, products, runs,
                              dweights.data());
}

}  // namespace serenade::cuda
