#include <cmath>

#include "kernels/device/warp.cuh"
#include "kernels/dsp/decibel.h"

namespace serenade::cuda {
namespace {

constexpr int blocks_a_clip = 8;

/// blocks_a_clip blocks a clip: 4 bytes read and written a number, a logarithm each. The clip's
/// maximum: a thread's, a warp's by shuffles, the clip's by an atomic of each warp; a maximum does
/// not depend on the order.
__global__ __launch_bounds__(most_threads) void decibel_kernel(const float* power,
                                                               const Index* frames, Index dims,
                                                               float amin, float reference,
                                                               float* out, unsigned* clip_maximum) {
  const int clip = static_cast<int>(blockIdx.x) / blocks_a_clip;
  const int part = static_cast<int>(blockIdx.x) % blocks_a_clip;
  const Index begin = frames[clip] * dims;
  const Index end = frames[clip + 1] * dims;
  const Index step = static_cast<Index>(blockDim.x) * blocks_a_clip;
  unsigned highest = ordered(-INFINITY);
  for (Index i = begin + static_cast<Index>(part) * blockDim.x + threadIdx.x; i < end; i += step) {
    const float value = 10.0F * log10f(fmaxf(power[i], amin)) - reference;
    out[i] = value;
    highest = max(highest, ordered(value));
  }
  highest = warp_max(highest);
  if (lane_index() == 0) atomicMax(&clip_maximum[clip], highest);
}

/// The same blocks: 4 bytes read and written a number.
__global__ __launch_bounds__(most_threads) void raise_kernel(const Index* frames, Index dims,
                                                             float top_db,
                                                             const unsigned* clip_maximum,
                                                             float* out) {
  const int clip = static_cast<int>(blockIdx.x) / blocks_a_clip;
  const int part = static_cast<int>(blockIdx.x) % blocks_a_clip;
  const Index end = frames[clip + 1] * dims;
  const Index step = static_cast<Index>(blockDim.x) * blocks_a_clip;
  const float lowest = unordered(clip_maximum[clip]) - top_db;
  for (Index i = frames[clip] * dims + static_cast<Index>(part) * blockDim.x + threadIdx.x; i < end;
       i += step) {
    out[i] = fmaxf(out[i], lowest);
  }
}

/// One thread a clip.
__global__ __launch_bounds__(most_threads) void lowest_kernel(Index size, unsigned* clip_maximum) {
  const Index i = global_index();
  if (i < size) clip_maximum[i] = ordered(-INFINITY);
}

}  // namespace

void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const auto amin = static_cast<float>(options.amin);
  const auto reference = static_cast<float>(10.0 * std::log10(std::max(options.amin, options.ref)));
  const Index* offsets = session.offsets(frames);
  const Index dims = power.extent(1);
  auto* maximum = session.scratch<unsigned>(3, frames.clips());
  launch<lowest_kernel>(session, one_thread_each(session, frames.clips()), frames.clips(), maximum);
  const Extent1d extent{frames.clips() * blocks_a_clip, session.block_size(most_threads)};
  launch<decibel_kernel>(session, extent, power.data(), offsets, dims, amin, reference, out.data(),
                         maximum);
  if (!options.top_db) return;
  launch<raise_kernel>(session, extent, offsets, dims, static_cast<float>(*options.top_db), maximum,
                       out.data());
}

}  // namespace serenade::cuda
