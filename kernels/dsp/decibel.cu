#include "kernels/dsp/decibel.cuh"

#include <cmath>

namespace serenade::cuda {
namespace {

constexpr int blocks_a_clip = 8;

/// blocks_a_clip blocks a clip: 4 bytes read and written a number, a logarithm each. The clip's
/// maximum: a thread's, a warp's by shuffles, the clip's by an atomic of each warp; a maximum does
/// not depend on the order.
__global__ __launch_bounds__(most_threads) void decibel_kernel(const float* power,
                                                               const Index* frames, Index dims,
                                                               Decibel decibel, float* out,
                                                               unsigned* clip_maximum) {
  const int clip = static_cast<int>(blockIdx.x) / blocks_a_clip;
  const int part = static_cast<int>(blockIdx.x) % blocks_a_clip;
  const Index begin = frames[clip] * dims;
  const Index end = frames[clip + 1] * dims;
  const Index step = static_cast<Index>(blockDim.x) * blocks_a_clip;
  unsigned highest = ordered(-INFINITY);
  for (Index i = begin + static_cast<Index>(part) * blockDim.x + threadIdx.x; i < end; i += step) {
    const float value = decibel(power[i]);
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

Decibel::Decibel(const PowerToDbOptions& options)
    : amin(static_cast<float>(options.amin)),
      reference(static_cast<float>(10.0 * std::log10(std::max(options.amin, options.ref)))) {}

unsigned* lowest_maxima(Session& session, Index clips) {
  auto* maxima = session.scratch<unsigned>(3, clips);
  launch<lowest_kernel>(session, one_thread_each(session, clips), clips, maxima);
  return maxima;
}

void raise_to_floor(Session& session, const Ragged& frames, Index dims,
                    const PowerToDbOptions& options, const unsigned* maxima, float* rows) {
  if (!options.top_db) return;
  launch<raise_kernel>(session, {frames.clips() * blocks_a_clip, session.block_size(most_threads)},
                       session.offsets(frames), dims, static_cast<float>(*options.top_db), maxima,
                       rows);
}

void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const Index dims = power.extent(1);
  unsigned* maxima = lowest_maxima(session, frames.clips());
  launch<decibel_kernel>(
      session, {frames.clips() * blocks_a_clip, session.block_size(most_threads)}, power.data(),
      session.offsets(frames), dims, Decibel(options), out.data(), maxima);
  raise_to_floor(session, frames, dims, options, maxima, out.data());
}

}  // namespace serenade::cuda
