#include "kernels/nn/step.h"

#include "kernels/device/launch.cuh"

// float64 where the losses are: they are only moved.
namespace serenade::cuda {
namespace {

/// One block for the whole batch, so that the step's number can be raised when every thread has
/// read it: a batch is a few kilobytes, and one launch less is worth more than its bandwidth.
__global__ __launch_bounds__(most_threads) void finish_step_kernel(
    const double* losses, const float* logits, Index batch, Index classes, const double* norm,
    Index rows, Index steps, double* all_losses, std::int32_t* all_classes, double* all_norms,
    std::uint32_t* index) {
  const Index step = *index;
  __syncthreads();
  if (step >= steps) return;  // more steps than the records hold: nothing is written beyond them
  for (Index b = threadIdx.x; b < batch; b += blockDim.x) {
    const float* row = logits + b * classes;
    std::int32_t largest = 0;
    for (std::int32_t c = 1; c < classes; ++c) {
      if (row[largest] < row[c]) largest = c;
    }
    all_losses[step * rows + b] = losses[b];
    all_classes[step * rows + b] = largest;
  }
  if (threadIdx.x != 0) return;
  all_norms[step] = norm != nullptr ? *norm : 0.0;
  *index = static_cast<std::uint32_t>(step) + 1;
}

}  // namespace

void finish_step(Context& context, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords& records,
                 Tensor<std::uint32_t> index) {
  Session& session = context.session();
  launch<finish_step_kernel>(session, {1, session.block_size(most_threads), 0}, losses.data(),
                             logits.data(), logits.extent(0), logits.extent(1), norm.data(),
                             records.losses.extent(1), records.losses.extent(0),
                             records.losses.data(), records.classes.data(), records.norms.data(),
                             index.data());
}

}  // namespace serenade::cuda
