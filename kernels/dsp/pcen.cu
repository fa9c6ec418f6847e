#include <cmath>

#include "kernels/device/columns.cuh"
#include "kernels/dsp/pcen.h"

namespace serenade::cuda {
namespace {

/// PcenOptions as a kernel takes them.
struct Pcen {
  float smoothing;
  float gain;
  float bias;
  float power;
  float eps;
  float scale;
  float lift;  // bias^power
  float log_bias;
  bool has_bias;
  bool is_bias_small;
};

/// (u + bias)^power - bias^power where u over the bias may be beyond float32; level = log u.
__device__ float over_small_bias(float level, const Pcen& options) {
  constexpr float far = 20;  // (1 + r)^p = r^p and e^x - 1 = e^x from here on
  const float above = level - options.log_bias;
  const float rise = options.power * (above < far ? log1pf(expf(above)) : above);
  return rise < far ? options.lift * expm1f(rise) : expf(options.power * level);
}

/// One thread a band of a clip, neighbours side by side, frames one after another: 4 bytes read and
/// written a number. As many threads as clips have bands are few for a large GPU, but each frame
/// waits for the one before, and a scan over frames would round otherwise from length to length.
__global__ __launch_bounds__(most_threads) void pcen_kernel(const float* in, const Index* frames,
                                                            Index bands, Pcen options, Index size,
                                                            float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, bands);
  const Index end = frames[at.row + 1];
  float mean = 1;
  for (Index t = frames[at.row]; t < end; ++t) {
    const float x =
        fminf(in[t * bands + at.column] * options.scale, static_cast<float>(pcen_largest));
    mean = fmaf(options.smoothing, x, (1.0F - options.smoothing) * mean);
    const float smooth = -options.gain * logf(mean + options.eps);
    float y = 0;
    if (options.power == 0.0F) {
      y = log1pf(x * expf(smooth));
    } else if (options.is_bias_small) {
      // Of 0 is 0: a power that is 0 in float32 would leave log(0) no number.
      const float level = logf(x) + smooth;
      if (x > 0) {
        y = options.has_bias ? over_small_bias(level, options) : expf(options.power * level);
      }
    } else {
      y = options.lift * expm1f(options.power * log1pf(x * expf(smooth) / options.bias));
    }
    out[t * bands + at.column] = y;
  }
}

}  // namespace

void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const Index bands = spectrogram.extent(1);
  const Index size = frames.clips() * bands;
  const Pcen numbers{static_cast<float>(pcen_smoothing(options, sample_rate, hop_length)),
                     static_cast<float>(options.gain),
                     static_cast<float>(options.bias),
                     static_cast<float>(options.power),
                     static_cast<float>(options.eps),
                     static_cast<float>(options.scale),
                     static_cast<float>(std::pow(options.bias, options.power)),
                     static_cast<float>(std::log(options.bias)),
                     options.bias > 0,
                     options.bias < pcen_small_bias};
  launch<pcen_kernel>(session, one_thread_each(session, size), spectrogram.data(),
                      session.offsets(frames), bands, numbers, size, out.data());
}

}  // namespace serenade::cuda
