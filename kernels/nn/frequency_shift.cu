#include "kernels/nn/frequency_shift.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

constexpr Index numbers_a_thread = 8;

/// A block works on a stretch of one clip, each of its threads on eight numbers of it, side by side
/// with its neighbours': 8 bytes a number, and a clip's shift, a hundred integer operations, is
/// drawn once for eight. (A thread for each number would be bound by drawing.)
__global__ __launch_bounds__(most_threads) void frequency_shift_kernel(
    std::uint64_t seed, const StepScalars* steps, const std::uint32_t* index, int bands,
    Index first, Index count, const std::uint32_t* utterances, const float* x, Index dims,
    Index size, Index stretches, float* y) {
  const Place block = place_of(blockIdx.x, stretches);
  const Index shift = drawn_shift(Philox(seed), utterances[block.row], steps[*index].step, bands);
  const float* from = x + block.row * size;
  float* to = y + block.row * size;
  const Index begin = block.column * numbers_a_thread * blockDim.x;
  for (Index k = 0; k < numbers_a_thread; ++k) {
    const Index i = begin + k * blockDim.x + threadIdx.x;
    if (i >= size) return;
    const Place at = place_of(i, dims);
    to[i] = from[at.row * dims + shifted_column(at.column, shift, first, count)];
  }
}

}  // namespace

void frequency_shift(Context& context, const FrequencyShift& how, const AugmentationKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  Session& session = context.session();
  const int threads = session.block_size(most_threads);
  const Index size = x.extent(1) * x.extent(2);
  const Index stretch = numbers_a_thread * threads;
  const Index stretches = (size + stretch - 1) / stretch;
  launch<frequency_shift_kernel>(session, {x.extent(0) * stretches, threads, 0}, key.seed,
                                 key.step.steps.data(), key.step.index.data(), how.bands, how.first,
                                 how.count, utterances.data(), x.data(), x.extent(2), size,
                                 stretches, y.data());
}

}  // namespace serenade::cuda
