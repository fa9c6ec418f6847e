#include "kernels/nn/spec_augment.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

/// One block a clip, whose threads hide one mask after another side by side; each draws the masks
/// for itself, a hundred integer operations for one. Only what is hidden is written, 4 bytes a
/// number, and nothing is read. Between two masks the block waits, as they may overlap. (A thread
/// for each number of the batch would move all of it, and draw for every number.)
__global__ __launch_bounds__(most_threads) void spec_augment_kernel(
    std::uint64_t seed, const StepScalars* steps, const std::uint32_t* index, int time_masks,
    Index time_width, int feature_masks, Index feature_width, const std::uint32_t* utterances,
    Index frames, Index dims, float* x) {
  const Index row = blockIdx.x;
  float* clip = x + row * frames * dims;
  const Philox philox(seed);
  const std::uint32_t utterance = utterances[row];
  const std::uint32_t step = steps[*index].step;
  for (int m = 0; m < time_masks; ++m) {
    const Mask mask = drawn_mask(philox, MaskAxis::time, m, utterance, step, time_width, frames);
    const Index end = mask.end * dims;
    for (Index i = mask.begin * dims + threadIdx.x; i < end; i += blockDim.x) clip[i] = 0;
    __syncthreads();
  }
  for (int m = 0; m < feature_masks; ++m) {
    const Mask mask =
        drawn_mask(philox, MaskAxis::features, m, utterance, step, feature_width, dims);
    const Index width = mask.end - mask.begin;
    for (Index i = threadIdx.x; i < frames * width; i += blockDim.x) {
      const Place at = place_of(i, width);
      clip[at.row * dims + mask.begin + at.column] = 0;
    }
    __syncthreads();
  }
}

}  // namespace

void spec_augment(Context& context, const SpecAugmentOptions& options, const AugmentationKey& key,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x) {
  Session& session = context.session();
  launch<spec_augment_kernel>(
      session, {x.extent(0), session.block_size(most_threads), 0}, key.seed, key.step.steps.data(),
      key.step.index.data(), options.time_masks, Index{options.time_width}, options.feature_masks,
      Index{options.feature_width}, utterances.data(), x.extent(1), x.extent(2), x.data());
}

}  // namespace serenade::cuda
