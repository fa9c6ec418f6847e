#include "kernels/device/warp.cuh"
#include "kernels/dsp/normalise.h"

// float64 on purpose, as the CPU twin.
namespace serenade::cuda {
namespace {

constexpr int most_warps = most_threads / warp_size;

/// One block a clip: 4 bytes and 3 flops a sample. factor [clips]
__global__ __launch_bounds__(most_threads) void level_kernel(const float* signal,
                                                             const Index* samples, bool by_peak,
                                                             double wanted, double* factor) {
  SERENADE_SHARED(double, sums, most_warps);
  SERENADE_SHARED(float, peaks, most_warps);
  const Index begin = samples[blockIdx.x];
  const Index end = samples[blockIdx.x + 1];
  double sum = 0;
  float peak = 0;
  for (Index i = begin + threadIdx.x; i < end; i += blockDim.x) {
    const auto value = static_cast<double>(signal[i]);
    sum = fma(value, value, sum);
    peak = fmaxf(peak, fabsf(signal[i]));
  }
  sum = warp_sum(sum);
  peak = warp_max(peak);
  if (lane_index() == 0) {
    sums[threadIdx.x / warp_size] = sum;
    peaks[threadIdx.x / warp_size] = peak;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned warp = 1; warp < blockDim.x / warp_size; ++warp) {
    sum += sums[warp];
    peak = fmaxf(peak, peaks[warp]);
  }
  const double level =
      by_peak ? static_cast<double>(peak) : sqrt(sum / static_cast<double>(end - begin));
  factor[blockIdx.x] = level > 0 ? wanted / level : 1.0;
}

/// One thread a sample: 4 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void scale_kernel(const float* signal,
                                                             const Index* samples, int clips,
                                                             const double* factor, Index size,
                                                             float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const double scale = factor == nullptr ? 1.0 : factor[clip_of(samples, clips, i)];
  out[i] = static_cast<float>(scale * static_cast<double>(signal[i]));
}

}  // namespace

void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out) {
  constexpr double wanted_rms = 0.1;
  Session& session = context.session();
  const Index* offsets = session.offsets(samples);
  double* factor = nullptr;
  if (how != Normalise::none) {
    factor = session.scratch<double>(0, samples.clips());
    launch<level_kernel>(session, {samples.clips(), session.block_size(most_threads)},
                         signal.data(), offsets, how == Normalise::peak,
                         how == Normalise::peak ? 1.0 : wanted_rms, factor);
  }
  launch<scale_kernel>(session, one_thread_each(session, signal.size()), signal.data(), offsets,
                       static_cast<int>(samples.clips()), factor, signal.size(), out.data());
}

}  // namespace serenade::cuda
