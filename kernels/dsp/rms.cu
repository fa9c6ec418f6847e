#include "kernels/device/warp.cuh"
#include "kernels/dsp/rms.h"

// float64 on purpose, as the CPU twin: one rounding to float32.
namespace serenade::cuda {
namespace {

/// One warp a frame, lanes along its samples: 4 bytes and 2 flops a sample, read once more by each
/// of the frames that share it, from cache.
__global__ __launch_bounds__(most_threads) void rms_kernel(const float* signal,
                                                           const Index* samples,
                                                           const Index* frames, int clips,
                                                           int frame_length, int hop_length,
                                                           Index size, float* out) {
  const Index frame = global_index() / warp_size;
  if (frame >= size) return;
  const int lane = lane_index();
  const int clip = clip_of(frames, clips, frame);
  const float* x = signal + samples[clip];
  const Index length = samples[clip + 1] - samples[clip];
  const Index start = (frame - frames[clip]) * hop_length - frame_length / 2;
  double sum = 0;
  for (int i = lane; i < frame_length; i += warp_size) {
    const Index at = start + i;
    if (at < 0 || at >= length) continue;
    const auto value = static_cast<double>(x[at]);
    sum = fma(value, value, sum);
  }
  sum = warp_sum(sum);
  if (lane == 0) out[frame] = static_cast<float>(sqrt(sum / frame_length));
}

}  // namespace

void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const Ragged frames = frames_of(samples, options.hop_length);
  launch<rms_kernel>(session, one_thread_each(session, frames.total() * warp_size), signal.data(),
                     session.offsets(samples), session.offsets(frames),
                     static_cast<int>(samples.clips()), options.frame_length, options.hop_length,
                     frames.total(), out.data());
}

}  // namespace serenade::cuda
