#include "kernels/nn/channel_dropout.h"

#include "kernels/device/columns.cuh"
#include "kernels/device/philox.h"
#include "kernels/nn/random.h"

namespace serenade::cuda {
namespace {

constexpr Index steps_each = 8;

/// One thread for 8 steps of the four channels of an item that share a draw: 8 bytes a number and a
/// thirty-second of the draw's hundred integer operations. Neighbouring threads have neighbouring
/// channels, so that a warp's loads lie together. (A thread for all steps would leave most of the
/// GPU idle.)
__global__ __launch_bounds__(most_threads) void channel_dropout_kernel(
    std::uint64_t seed, const StepScalars* steps, const std::uint32_t* index, std::uint32_t purpose,
    std::uint32_t threshold, float scale, const std::uint32_t* utterances, const float* x,
    Index time, Index channels, Index draws, Index runs, Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, draws);
  const Place run = place_of(at.row, runs);  // of an item
  const Philox::Counter words = Philox(seed)(
      {static_cast<std::uint32_t>(at.column), utterances[run.row], steps[*index].step, purpose});
  const Index end = (run.column + 1) * steps_each < time ? (run.column + 1) * steps_each : time;
  // All loops over the four are unrolled: numbers that are indexed lie in registers only so.
  const Index first = 4 * at.column;
  float factors[4];
#pragma unroll
  for (int w = 0; w < 4; ++w) factors[w] = words[w] >> 8U >= threshold ? scale : 0.0F;
  for (Index t = run.column * steps_each; t < end; ++t) {
    const Index e = (run.row * time + t) * channels + first;
#pragma unroll
    for (int w = 0; w < 4; ++w) {
      if (first + w < channels) y[e + w] = x[e + w] * factors[w];
    }
  }
}

}  // namespace

void channel_dropout(Context& context, const ChannelDropoutOptions& options, const DropoutKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  Session& session = context.session();
  if (x.size() == 0) return;
  const Index time = x.extent(1);
  const Index channels = x.extent(2);
  const Index draws = (channels + 3) / 4;
  const Index runs = (time + steps_each - 1) / steps_each;
  const Index size = x.extent(0) * runs * draws;
  launch<channel_dropout_kernel>(
      session, one_thread_each(session, size), key.seed, key.step.steps.data(),
      key.step.index.data(), purpose_of(Purpose::dropout, key.layer),
      dropout_threshold(options.rate), static_cast<float>(1.0 / (1.0 - options.rate)),
      utterances.data(), x.data(), time, channels, draws, runs, size, y.data());
}

}  // namespace serenade::cuda
