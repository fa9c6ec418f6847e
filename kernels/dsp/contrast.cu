#include <algorithm>

#include "kernels/device/warp.cuh"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/decibel.h"

namespace serenade::cuda {
namespace {

constexpr int digit_bits = 8;
constexpr int digits = 1 << digit_bits;
constexpr int most_warps = most_threads / warp_size;

/// Mean of the `share` smallest of `count` numbers x (not negative, so that their bits ascend with
/// them), or of the largest where `flip` turns the order about. The bits of the last one that
/// belongs is found by digits of 8 bits, the highest first, each by a histogram of the numbers that
/// agree so far: exact, in four readings, from cache.
__device__ float mean_of_smallest(const float* x, Index count, int share, unsigned flip,
                                  int* histogram) {
  const int lane = lane_index();
  unsigned known = 0;    // of the last one's bits
  int rank = share - 1;  // of it among those that agree
  for (int shift = 32 - digit_bits; shift >= 0; shift -= digit_bits) {
    for (int i = lane; i < digits; i += warp_size) histogram[i] = 0;
    __syncwarp();
    // No digit is known at first; a shift by 32 would be undefined.
    const unsigned agree = shift + digit_bits < 32 ? ~0U << (shift + digit_bits) : 0U;
    for (Index i = lane; i < count; i += warp_size) {
      const unsigned bits = __float_as_uint(x[i]) ^ flip;
      if ((bits & agree) == known) atomicAdd(&histogram[bits >> shift & (digits - 1)], 1);
    }
    __syncwarp();
    // Each lane adds up its 8 digits; the lane in which the rank falls looks for the digit.
    constexpr int mine = digits / warp_size;
    int sum = 0;
    for (int k = 0; k < mine; ++k) sum += histogram[lane * mine + k];
    int before = sum;
    for (int by = 1; by < warp_size; by *= 2) {
      const int lower = __shfl_up_sync(all_lanes, before, by);
      if (lane >= by) before += lower;
    }
    before -= sum;
    const bool here = before <= rank && rank < before + sum;
    int digit = 0;
    int left = rank - before;
    if (here) {
      while (left >= histogram[lane * mine + digit]) left -= histogram[lane * mine + digit++];
      digit += lane * mine;
    }
    const int from = __ffs(static_cast<int>(__ballot_sync(all_lanes, here))) - 1;
    digit = __shfl_sync(all_lanes, digit, from);
    rank = __shfl_sync(all_lanes, left, from);
    known |= static_cast<unsigned>(digit) << shift;
    __syncwarp();
  }
  float sum = 0;
  int below = 0;
  for (Index i = lane; i < count; i += warp_size) {
    if ((__float_as_uint(x[i]) ^ flip) >= known) continue;
    sum += x[i];
    ++below;
  }
  sum = warp_sum(sum);
  below = warp_sum(below);
  const float last = __uint_as_float(known ^ flip);
  return (sum + static_cast<float>(share - below) * last) / static_cast<float>(share);
}

/// One warp a band of a frame, lanes along its bins: 4 bytes a bin, read ten times, from cache but
/// for the first.
__global__ __launch_bounds__(most_threads) void contrast_kernel(const float* magnitude, Index bins,
                                                                const ContrastBands::Band* bands,
                                                                int rows, Index size, float* valley,
                                                                float* peak) {
  SERENADE_SHARED(int, histograms, most_warps* digits);
  const Index i = global_index() / warp_size;
  if (i >= size) return;
  const int lane = lane_index();
  int* histogram = histograms + static_cast<int>(threadIdx.x) / warp_size * digits;
  const Index frame = i / rows;
  const ContrastBands::Band band = bands[i - frame * rows];
  const float* x = magnitude + frame * bins + band.first;
  const auto share = static_cast<int>(band.share);
  const float low = mean_of_smallest(x, band.last - band.first, share, 0U, histogram);
  const float high = mean_of_smallest(x, band.last - band.first, share, ~0U, histogram);
  if (lane != 0) return;
  valley[i] = low;
  peak[i] = high;
}

/// One thread a number: 8 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void subtract_kernel(const float* less, Index size,
                                                                float* out) {
  const Index i = global_index();
  if (i < size) out[i] -= less[i];
}

}  // namespace

void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out) {
  Session& session = context.session();
  const ContrastBands::Band* table = session.table<ContrastBands::Band>(
      bands.owner(), 0, [&] { return std::vector(bands.bands().begin(), bands.bands().end()); });
  const Tensor<float> valley(session.scratch<float>(0, out.size()), out.shape(), Device::cuda);
  launch<contrast_kernel>(session, one_thread_each(session, out.size() * warp_size),
                          magnitude.data(), bands.bins(), table, static_cast<int>(bands.rows()),
                          out.size(), valley.data(), out.data());
  const PowerToDbOptions decibels;
  cuda::power_to_db(context, out, frames, decibels, out);
  cuda::power_to_db(context, valley, frames, decibels, valley);
  launch<subtract_kernel>(session, one_thread_each(session, out.size()), valley.data(), out.size(),
                          out.data());
}

}  // namespace serenade::cuda
