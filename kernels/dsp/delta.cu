#include "kernels/device/launch.cuh"
#include "kernels/dsp/delta.h"

namespace serenade::cuda {
namespace {

/// One thread a number: `width` numbers of its column read, from cache but for the first, and 4
/// bytes written. The order of the sum is the CPU twin's.
__global__ __launch_bounds__(most_threads) void delta_kernel(const float* in, const Index* frames,
                                                             int clips, Index dims,
                                                             const float* weights, int half,
                                                             bool odd, Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index frame = i / dims;
  const int clip = clip_of(frames, clips, frame);
  const Index length = frames[clip + 1] - frames[clip];
  const Index t = frame - frames[clip];
  const float* first = in + frames[clip] * dims + (i - frame * dims);
  Index centre = t;
  if (length > 2 * half) {
    if (centre < half) centre = half;
    if (centre > length - 1 - half) centre = length - 1 - half;
  }
  const float middle = first[centre * dims];
  float sum = 0;
  for (int k = 1; k <= half; ++k) {
    const Index after = centre + k < length ? centre + k : length - 1;
    const Index before = centre - k > 0 ? centre - k : 0;
    const float later = first[after * dims];
    const float earlier = first[before * dims];
    const float change = odd ? later - earlier : (later - middle) + (earlier - middle);
    sum = fmaf(weights[k], change, sum);
  }
  out[i] = sum;
}

}  // namespace

void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const float* weights = session.table<float>("delta " + canonical_text(options),
                                              [&] { return delta_weights(options); });
  launch<delta_kernel>(session, one_thread_each(session, out.size()), features.data(),
                       session.offsets(frames), static_cast<int>(frames.clips()),
                       features.extent(1), weights, options.width / 2, options.order % 2 != 0,
                       out.size(), out.data());
}

}  // namespace serenade::cuda
