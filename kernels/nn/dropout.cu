#include "kernels/nn/dropout.h"

#include "kernels/device/columns.cuh"
#include "kernels/device/philox.h"
#include "kernels/nn/random.h"

namespace serenade::cuda {
namespace {

/// One thread for the four numbers of a row that share a draw: 8 bytes and a quarter of the
/// draw's hundred integer operations a number. (A thread for each number would draw four times as
/// often, and then drawing and not memory would bound it.)
__global__ __launch_bounds__(most_threads) void dropout_kernel(
    std::uint64_t seed, const StepScalars* steps, const std::uint32_t* index, std::uint32_t purpose,
    std::uint32_t threshold, float scale, const std::uint32_t* utterances, const float* x,
    Index row, Index draws, Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, draws);
  const Philox::Counter words = Philox(seed)(
      {static_cast<std::uint32_t>(at.column), utterances[at.row], steps[*index].step, purpose});
  const Index first = at.row * row;
  for (int w = 0; w < 4; ++w) {
    const Index e = 4 * at.column + w;
    if (e >= row) return;
    y[first + e] =
        words[static_cast<std::size_t>(w)] >> 8U >= threshold ? x[first + e] * scale : 0.0F;
  }
}

}  // namespace

void dropout(Context& context, const DropoutOptions& options, const DropoutKey& key,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y) {
  Session& session = context.session();
  const Index batch = x.extent(0);
  if (x.size() == 0) return;
  const Index row = x.size() / batch;
  const Index draws = (row + 3) / 4;
  launch<dropout_kernel>(session, one_thread_each(session, batch * draws), key.seed,
                         key.step.steps.data(), key.step.index.data(),
                         purpose_of(Purpose::dropout, key.layer), dropout_threshold(options.rate),
                         static_cast<float>(1.0 / (1.0 - options.rate)), utterances.data(),
                         x.data(), row, draws, batch * draws, y.data());
}

}  // namespace serenade::cuda
