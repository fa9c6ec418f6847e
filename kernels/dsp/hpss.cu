#include <cfloat>

#include "kernels/device/columns.cuh"
#include "kernels/dsp/hpss.h"

namespace serenade::cuda {
namespace {

// As hpss.simd.h: 16 neighbouring outputs share the sorting of the 16 numbers that they have in
// common, their halves that of 8 more, and so on. A thread takes 16 outputs, all in registers.

constexpr int together = 16;
constexpr int reach = static_cast<int>(hpss_window) / 2;

__device__ inline void exchange(float& low, float& high) {
  const float lower = fminf(low, high);
  high = fmaxf(low, high);
  low = lower;
}

/// x[first, first + N), which ascend and then descend or the other way round, in ascending order.
template <int first, int N, int size>
__device__ inline void sort_bitonic(float (&x)[size]) {
  if constexpr (N > 1) {
    for (int i = first; i < first + N / 2; ++i) exchange(x[i], x[i + N / 2]);
    sort_bitonic<first, N / 2>(x);
    sort_bitonic<first + N / 2, N / 2>(x);
  }
}

template <int first, int N, int size>
__device__ inline void sort(float (&x)[size]) {
  if constexpr (N > 1) {
    sort<first, N / 2>(x);
    sort<first + N / 2, N / 2>(x);
    for (int i = 0; i < N / 2; ++i) exchange(x[first + i], x[first + N - 1 - i]);
    sort_bitonic<first, N / 2>(x);
    sort_bitonic<first + N / 2, N / 2>(x);
  }
}

/// A row or a column of a spectrogram, mirrored at both ends as mirrored() says; without a
/// division.
struct Line {
  const float* at;
  Index stride;
  int length;

  __device__ float operator[](int i) const {
    while (i < 0 || i >= length) i = i < 0 ? -1 - i : 2 * length - 1 - i;
    return at[i * stride];
  }
};

/// The medians of N windows, the first of which begins at line[begin], from the N numbers in the
/// middle of those that all of them have, sorted. halves: 2, which the compiler is not to know: it
/// would take all windows' numbers into registers at once, twice as many as half of the threads
/// that a multiprocessor has can have.
template <int N>
__device__ inline void medians(const float (&common)[N], const Line& line, int begin, int halves,
                               float* out) {
  if constexpr (N == 1) {
    const int middle = begin + reach;
    if (middle < line.length) out[middle * line.stride] = common[0];
  } else {
    // Those of a half have N / 2 more in common: in the left half the ones before, in the right the
    // ones behind.
    constexpr int half = N / 2;
    for (int side = 0; side < (N > 2 ? halves : 2); ++side) {
      const int first = begin + side * half;
      const int more_begin = side == 0 ? begin + half - 1 : begin + static_cast<int>(hpss_window);
      float more[half];
      for (int i = 0; i < half; ++i) more[i] = line[more_begin + i];
      sort<0, half>(more);
      float kept[half];
      for (int i = 0; i < half; ++i) kept[i] = fmaxf(common[i], more[half - 1 - i]);
      sort_bitonic<0, half>(kept);
      for (int i = 0; i < half; ++i) kept[i] = fminf(kept[i], common[N - 1 - i]);
      sort_bitonic<0, half>(kept);
      medians<half>(kept, line, first, halves, out);
    }
  }
}

/// Of the numbers [begin, begin + 16); out: where the line's medians go, as far apart as its
/// numbers.
__device__ inline void medians_of_line(const Line& line, int begin, int halves, float* out) {
  float common[together];
  for (int i = 0; i < together; ++i) common[i] = line[begin - reach + together - 1 + i];
  sort<0, together>(common);
  medians<together>(common, line, begin - reach, halves, out);
}

/// One thread 16 frames of a bin, neighbours side by side: of 4 bytes a number about 12 are read,
/// all but the first from cache, and 4 written; 36 minima and maxima.
__global__ __launch_bounds__(most_threads) void median_over_time_kernel(const float* in, Index bins,
                                                                        const Index* frames,
                                                                        const Index* runs,
                                                                        int clips, int halves,
                                                                        Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, bins);
  const int clip = clip_of(runs, clips, at.row);
  const Index begin = frames[clip];
  const Index from = begin * bins + at.column;
  const Line line{in + from, bins, static_cast<int>(frames[clip + 1] - begin)};
  medians_of_line(line, static_cast<int>(at.row - runs[clip]) * together, halves, out + from);
}

/// One block a frame, one thread 16 bins of it at a time: what a warp reads at once lies 64 bytes
/// apart, which the first level of cache makes up for.
__global__ __launch_bounds__(most_threads) void median_over_bins_kernel(const float* in, int bins,
                                                                        int halves, float* out) {
  const Index frame = static_cast<Index>(blockIdx.x) * bins;
  const Line line{in + frame, 1, bins};
  const int step = static_cast<int>(blockDim.x) * together;
  for (int begin = static_cast<int>(threadIdx.x) * together; begin < bins; begin += step) {
    medians_of_line(line, begin, halves, out + frame);
  }
}

/// x^p of 0 <= x <= 1.
__device__ inline float raised(float x, float p) { return p == 2.0F ? x * x : powf(x, p); }

/// One thread a number: 8 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void soft_mask_kernel(const float* x, const float* other,
                                                                 float margin, float power,
                                                                 float of_zeros, Index size,
                                                                 float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const float mine = x[i];
  const float theirs = other[i] * margin;
  const float larger = fmaxf(mine, theirs);
  float share = of_zeros;
  if (power == 0.0F) {
    share = mine > theirs ? 1.0F : 0.0F;
  } else if (larger >= FLT_MIN) {
    const float a = raised(mine / larger, power);
    share = a / (a + raised(theirs / larger, power));
  }
  out[i] = share;
}

}  // namespace

void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted) {
  Session& session = context.session();
  const Index bins = magnitude.extent(1);
  const Index size = magnitude.size();
  if (size == 0) return;
  Ragged runs;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    runs.append((frames.length(clip) + together - 1) / together);
  }
  auto* over_time = session.scratch<float>(0, size);
  auto* over_bins = session.scratch<float>(1, size);
  const Index threads_over_time = runs.total() * bins;
  launch<median_over_time_kernel>(session, one_thread_each(session, threads_over_time),
                                  magnitude.data(), bins, session.offsets(frames),
                                  session.offsets(runs), static_cast<int>(frames.clips()), 2,
                                  threads_over_time, over_time);
  // Two warps: a frame of 1025 bins has 65 such runs.
  const Extent1d frame_each{frames.total(), session.block_size(64)};
  launch<median_over_bins_kernel>(session, frame_each, magnitude.data(), static_cast<int>(bins), 2,
                                  over_bins);
  const auto power = static_cast<float>(options.power.value_or(0));
  const bool split = options.harmonic_margin == 1 && options.percussive_margin == 1;
  const auto mask = [&](const float* x, const float* other, double margin, Tensor<float> out) {
    if (out.data() == nullptr) return;
    launch<soft_mask_kernel>(session, one_thread_each(session, size), x, other,
                             static_cast<float>(margin), power, split ? 0.5F : 0.0F, size,
                             out.data());
  };
  mask(over_time, over_bins, options.harmonic_margin, wanted.harmonic);
  mask(over_bins, over_time, options.percussive_margin, wanted.percussive);
}

}  // namespace serenade::cuda
