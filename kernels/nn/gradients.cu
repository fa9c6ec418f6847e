#include "kernels/nn/gradients.h"

#include <cfloat>

#include "kernels/device/columns.cuh"
#include "kernels/nn/slot_table.cuh"

// float64 on purpose, as the CPU twin: squares are added in it.
namespace serenade::cuda {
namespace {

struct GradientArray {
  float* values;
  Index size;
  Index first = 0;  // the chunks of those before it
  friend bool operator==(const GradientArray&, const GradientArray&) = default;
};

/// One thread a number: 12 bytes, 2 flops.
__global__ __launch_bounds__(most_threads) void add_l2_gradient_kernel(float twice,
                                                                       const float* value,
                                                                       Index size,
                                                                       float* gradient) {
  const Index i = global_index();
  if (i < size) gradient[i] = fmaf(twice, value[i], gradient[i]);
}

/// partial [chunks]: the sum of the squares of each block's chunk. 4 bytes, 2 flops a number.
__global__ __launch_bounds__(most_threads) void squares_kernel(const GradientArray* slots,
                                                               int count, double* partial) {
  SERENADE_SHARED(double, shared, most_warps);
  const Chunk chunk = chunk_of(slots, count);
  const float* values = slots[chunk.slot].values;
  double sum = 0;
  for (Index i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) {
    const auto value = static_cast<double>(values[i]);
    sum = fma(value, value, sum);
  }
  sum = sum_of_block(shared, sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// One block: one number a thousand.
__global__ __launch_bounds__(most_threads) void norm_kernel(const double* partial, Index chunks,
                                                            double* norm) {
  SERENADE_SHARED(double, shared, most_warps);
  double sum = 0;
  for (Index i = threadIdx.x; i < chunks; i += blockDim.x) sum += partial[i];
  sum = sum_of_block(shared, sum);
  if (threadIdx.x == 0) *norm = sqrt(sum);
}

/// 8 bytes a number where it must be done, none where not.
__global__ __launch_bounds__(most_threads) void clip_kernel(const GradientArray* slots, int count,
                                                            double limit, const double* norm) {
  const double found = *norm;
  // Not for NaN, which is above nothing, nor for infinity.
  if (!(found > limit && found <= DBL_MAX)) return;
  const auto factor = static_cast<float>(limit / found);
  const Chunk chunk = chunk_of(slots, count);
  float* values = slots[chunk.slot].values;
  for (Index i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) values[i] *= factor;
}

SlotTable<GradientArray>& table_of(Session& session, std::span<const Tensor<float>> gradients) {
  std::vector<GradientArray> arrays;
  arrays.reserve(gradients.size());
  for (const auto& gradient : gradients) arrays.push_back({gradient.data(), gradient.size()});
  auto& table = SlotTable<GradientArray>::of(session, "gradients");
  table.assign(session, std::move(arrays));
  return table;
}

}  // namespace

void add_l2_gradient(Context& context, double l2, Tensor<const float> value,
                     Tensor<float> gradient) {
  Session& session = context.session();
  launch<add_l2_gradient_kernel>(session, one_thread_each(session, value.size()),
                                 static_cast<float>(2 * l2), value.data(), value.size(),
                                 gradient.data());
}

void global_norm(Context& context, std::span<const Tensor<float>> gradients, Tensor<double> norm) {
  Session& session = context.session();
  const auto& table = table_of(session, gradients);
  auto* partial = session.scratch<double>(0, table.chunks());
  launch<squares_kernel>(session, table.extent(session), table.slots(), table.size(), partial);
  launch<norm_kernel>(session, {1, session.block_size(most_threads), 0}, partial, table.chunks(),
                      norm.data());
}

void clip(Context& context, double limit, std::span<const Tensor<float>> gradients,
          Tensor<const double> norm) {
  Session& session = context.session();
  const auto& table = table_of(session, gradients);
  launch<clip_kernel>(session, table.extent(session), table.slots(), table.size(), limit,
                      norm.data());
}

}  // namespace serenade::cuda
