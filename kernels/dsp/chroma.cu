#include <cfloat>

#include "kernels/device/warp.cuh"
#include "kernels/dsp/chroma.h"
#include "kernels/dsp/tuning.h"

namespace serenade::cuda {
namespace {

constexpr int block = static_cast<int>(ChromaBank::block);

/// One warp a frame, lanes along its bins, twelve classes at a time: 4 bytes of power a bin and,
/// from cache, 48 of weights, 24 flops. tuning [clips], or null where there is one bank only.
__global__ __launch_bounds__(most_threads) void chroma_kernel(const float* power, Index bins,
                                                              const Index* frames, int clips,
                                                              const float* banks, Index bank_size,
                                                              const float* tuning, int n_chroma,
                                                              Index size, float* out) {
  const Index frame = global_index() / warp_size;
  if (frame >= size) return;
  const int lane = lane_index();
  const float* weights = banks;
  if (tuning != nullptr) {
    // Tunings are steps of 0.01 from -0.5 on, and so are the banks.
    const float step = tuning[clip_of(frames, clips, frame)] * 100.0F + 50.0F;
    weights += static_cast<Index>(rintf(step)) * bank_size;
  }
  const float* x = power + frame * bins;
  float* to = out + frame * n_chroma;
  float maximum = 0;
  for (int first = 0; first < n_chroma; first += block, weights += bins * block) {
    float sums[block] = {};
    for (Index bin = lane; bin < bins; bin += warp_size) {
      const float p = x[bin];
#pragma unroll
      for (int c = 0; c < block; ++c) sums[c] = fmaf(weights[bin * block + c], p, sums[c]);
    }
#pragma unroll
    for (int c = 0; c < block; ++c) {
      sums[c] = warp_sum(sums[c]);
      if (first + c >= n_chroma) continue;
      maximum = fmaxf(maximum, sums[c]);
      if (lane == 0) to[first + c] = sums[c];
    }
  }
  __syncwarp();
  const float divisor = maximum < FLT_MIN ? 1.0F : maximum;
  for (int c = lane; c < n_chroma; c += warp_size) to[c] /= divisor;
}

}  // namespace

void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out) {
  Session& session = context.session();
  float* tuning = nullptr;
  if (!bank.options().tuning) {
    tuning = session.scratch<float>(3, frames.clips());
    cuda::estimate_tuning(context, power, frames, bank.sample_rate(), bank.options().n_chroma,
                          Tensor<float>(tuning, Shape{frames.clips()}, Device::cuda));
  }
  const Index bank_size = (bank.n_chroma() + block - 1) / block * bank.bins() * block;
  // All 100 banks, 4.9 MB at 2048 points: to choose among them here would have to wait for the
  // tunings.
  const float* banks = session.table<float>(bank.owner(), 0, [&] {
    std::vector<float> all;
    const std::size_t count = bank.options().tuning ? 1 : tuning_steps;
    for (std::size_t step = 0; step < count; ++step) {
      const auto one = bank.weights(static_cast<float>(tuning_of_step(step)));
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  });
  launch<chroma_kernel>(session, one_thread_each(session, frames.total() * warp_size), power.data(),
                        bank.bins(), session.offsets(frames), static_cast<int>(frames.clips()),
                        banks, bank_size, tuning, static_cast<int>(bank.n_chroma()), frames.total(),
                        out.data());
}

}  // namespace serenade::cuda
