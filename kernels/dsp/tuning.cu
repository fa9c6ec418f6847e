#include "kernels/device/warp.cuh"
#include "kernels/dsp/tuning.h"

// float64 where librosa has it: see interpolate() in tuning.cpp.
namespace serenade::cuda {
namespace {

/// What lies at a bin: the height of the peak there, or 0, and the step its frequency deviates by.
/// One warp a frame, lanes along the bins: 4 bytes read twice a bin, 5 written where peaks may be.
__global__ __launch_bounds__(most_threads) void peak_kernel(const float* power, Index size,
                                                            TuningSpectrum s, int n_chroma,
                                                            float* heights, unsigned char* steps) {
  const Index frame = global_index() / warp_size;
  if (frame >= size) return;
  const int lane = lane_index();
  const float* x = power + frame * s.bins;
  float maximum = 0;
  for (Index bin = lane; bin < s.bins; bin += warp_size) maximum = fmaxf(maximum, x[bin]);
  maximum = warp_max(maximum);
  const float threshold = 0.1F * maximum;
  const Index width = s.last - s.first;
  for (Index i = lane; i < width; i += warp_size) {
    const Index bin = s.first + i;
    const float at = x[bin];
    const float below = x[bin - 1];
    const float above = x[bin + 1];
    float height = 0;
    int step = 0;
    if (at > threshold && at > (below > threshold ? below : 0.0F) &&
        at >= (above > threshold ? above : 0.0F)) {
      // Beside a peak a number that is not above the threshold counts as 0 to tell whether it is
      // one; the parabola goes through the numbers as they are.
      const double curvature = static_cast<double>(above + below) - 2.0 * static_cast<double>(at);
      const double slope = static_cast<double>(above - below) / 2.0;
      const float shift =
          fabs(slope) >= fabs(curvature) ? 0.0F : static_cast<float>(-slope / curvature);
      const float gradient = (above - below) / 2.0F;
      const double position = static_cast<double>(bin) + static_cast<double>(shift);
      const auto frequency = static_cast<float>(position * s.sample_rate / s.n_fft);
      height = at + 0.5F * gradient * shift;
      const float classes = static_cast<float>(n_chroma) * log2f(frequency / 27.5F);
      float deviation = classes - floorf(classes);
      if (deviation >= 0.5F) deviation -= 1.0F;
      // Steps are half open: the one whose lower edge is the last not above the deviation.
      const double nearest = rint((static_cast<double>(deviation) + 0.5) * 100);
      const auto last = static_cast<int>(tuning_steps) - 1;
      step = !(nearest > 0) ? 0 : nearest < last ? static_cast<int>(nearest) : last;
      if (step * 0.01 - 0.5 > static_cast<double>(deviation) && step > 0) --step;
    }
    heights[frame * width + i] = height;
    steps[frame * width + i] = static_cast<unsigned char>(step);
  }
}

/// Of all threads' counts: the sum, the same for all.
__device__ int sum_of_block(int value, int& shared) {
  __syncthreads();
  if (threadIdx.x == 0) shared = 0;
  __syncthreads();
  if (value != 0) atomicAdd(&shared, value);
  __syncthreads();
  return shared;
}

/// One block a clip: the median of its peaks' heights, bit by bit as percentile_kernel does
/// (heights are positive, so that their bits ascend with them), then a histogram of the peaks at
/// least as high. The matrices of peak_kernel are read up to 64 times, from cache.
__global__ __launch_bounds__(most_threads) void tuning_kernel(const float* heights,
                                                              const unsigned char* steps,
                                                              const Index* frames, Index width,
                                                              float* tuning) {
  SERENADE_SHARED(int, histogram, tuning_steps);
  SERENADE_SHARED(int, total, 1);
  const Index begin = frames[blockIdx.x] * width;
  const Index end = frames[blockIdx.x + 1] * width;
  const auto first = begin + static_cast<Index>(threadIdx.x);
  int mine = 0;
  for (Index i = first; i < end; i += blockDim.x) mine += heights[i] > 0 ? 1 : 0;
  const int peaks = sum_of_block(mine, total[0]);
  if (peaks == 0) {
    if (threadIdx.x == 0) tuning[blockIdx.x] = 0;
    return;
  }
  const auto height_at = [&](int rank) {
    int key = 0;
    for (int bit = 30; bit >= 0; --bit) {
      const int candidate = key | 1 << bit;
      int below = 0;
      for (Index i = first; i < end; i += blockDim.x) {
        const float height = heights[i];
        below += height > 0 && __float_as_int(height) < candidate ? 1 : 0;
      }
      if (sum_of_block(below, total[0]) <= rank) key = candidate;
    }
    return __int_as_float(key);
  };
  float median = height_at(peaks / 2);
  if (peaks % 2 == 0) median = (height_at(peaks / 2 - 1) + median) / 2.0F;

  for (unsigned step = threadIdx.x; step < tuning_steps; step += blockDim.x) histogram[step] = 0;
  __syncthreads();
  for (Index i = first; i < end; i += blockDim.x) {
    if (heights[i] > 0 && heights[i] >= median) atomicAdd(&histogram[steps[i]], 1);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  int most = 0;
  for (int step = 1; step < static_cast<int>(tuning_steps); ++step) {
    if (histogram[step] > histogram[most]) most = step;
  }
  tuning[blockIdx.x] = static_cast<float>(most * 0.01 - 0.5);
}

}  // namespace

void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning) {
  Session& session = context.session();
  const TuningSpectrum spectrum = tuning_spectrum(power.extent(1), sample_rate);
  const Index width = std::max<Index>(spectrum.last - spectrum.first, 0);
  auto* heights = session.scratch<float>(0, frames.total() * width);
  auto* steps = session.scratch<unsigned char>(1, frames.total() * width);
  launch<peak_kernel>(session, one_thread_each(session, frames.total() * warp_size), power.data(),
                      frames.total(), spectrum, n_chroma, heights, steps);
  launch<tuning_kernel>(session, {frames.clips(), session.block_size(most_threads)}, heights, steps,
                        session.offsets(frames), width, tuning.data());
}

}  // namespace serenade::cuda
