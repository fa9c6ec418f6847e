#include "kernels/device/warp.cuh"
#include "kernels/dsp/zero_crossing.h"

namespace serenade::cuda {
namespace {

__device__ inline bool negative(float x) { return x < -1e-10F; }

/// One warp a frame, lanes along its samples: 4 bytes a sample, read once more by each of the
/// frames that share it, from cache.
__global__ __launch_bounds__(most_threads) void zero_crossing_kernel(
    const float* signal, const Index* samples, const Index* frames, int clips, int frame_length,
    int hop_length, Index size, float* out) {
  const Index frame = global_index() / warp_size;
  if (frame >= size) return;
  const int lane = lane_index();
  const int clip = clip_of(frames, clips, frame);
  const float* x = signal + samples[clip];
  const Index length = samples[clip + 1] - samples[clip];
  const Index start = (frame - frames[clip]) * hop_length - frame_length / 2;
  const Index end = start + frame_length < length ? start + frame_length : length;
  int count = 0;
  // Neither the frame's first sample counts nor the clip's, which has none before it.
  for (Index s = (start > 0 ? start : 0) + 1 + lane; s < end; s += warp_size) {
    count += negative(x[s]) != negative(x[s - 1]) ? 1 : 0;
  }
  count = warp_sum(count);
  if (lane == 0) out[frame] = static_cast<float>(count) / static_cast<float>(frame_length);
}

}  // namespace

void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const Ragged frames = frames_of(samples, options.hop_length);
  launch<zero_crossing_kernel>(session, one_thread_each(session, frames.total() * warp_size),
                               signal.data(), session.offsets(samples), session.offsets(frames),
                               static_cast<int>(samples.clips()), options.frame_length,
                               options.hop_length, frames.total(), out.data());
}

}  // namespace serenade::cuda
