#include <cfloat>

#include "kernels/device/warp.cuh"
#include "kernels/dsp/spectral_shape.h"

// float64 where a sum decides which bin it is, and where a flat spectrum's roundings would all go
// the same way.
namespace serenade::cuda {
namespace {

/// Null: not wanted.
struct Shapes {
  float* centroid;
  float* bandwidth;
  float* rolloff;
  float* flatness;
  float* flux;
  float p;
  float amin;
  double share;
};

/// One lane's part of a frame's bins, in their order.
template <class Sum = float, class Term>
__device__ Sum sum_of_frame(const float* x, int bins, const Term& term) {
  Sum sum = 0;
  for (int bin = lane_index(); bin < bins; bin += warp_size) sum += term(x[bin], bin);
  return warp_sum(sum);
}

/// The lowest bin up to which the sum reaches `share` of the whole; 32 bins at a time.
__device__ int bin_of_share(const float* x, int bins, double share) {
  const int lane = lane_index();
  double whole = 0;
  for (int bin = lane; bin < bins; bin += warp_size) whole += static_cast<double>(x[bin]);
  const double threshold = share * warp_sum(whole);
  double before = 0;
  for (int first = 0; first < bins; first += warp_size) {
    const int bin = first + lane;
    double sum = bin < bins ? static_cast<double>(x[bin]) : 0.0;
    for (int by = 1; by < warp_size; by *= 2) {
      const double lower = __shfl_up_sync(all_lanes, sum, by);
      if (lane >= by) sum += lower;
    }
    sum += before;
    const unsigned reached = __ballot_sync(all_lanes, bin < bins && !(sum < threshold));
    if (reached != 0) return first + __ffs(static_cast<int>(reached)) - 1;
    before = __shfl_sync(all_lanes, sum, warp_size - 1);
  }
  return bins - 1;
}

/// One warp a frame, lanes along its bins, everything that is wanted in one launch: 4 bytes a bin,
/// read again for each of them, and of the frame before for flux, from cache.
__global__ __launch_bounds__(most_threads) void shape_kernel(const float* magnitude, int bins,
                                                             const Index* frames, int clips,
                                                             float hz_per_bin, Shapes wanted,
                                                             Index size) {
  const Index frame = global_index() / warp_size;
  if (frame >= size) return;
  const int lane = lane_index();
  const float* x = magnitude + frame * bins;
  if (wanted.centroid != nullptr || wanted.bandwidth != nullptr) {
    const float sum = sum_of_frame(x, bins, [](float s, int) { return s; });
    const float divisor = sum < FLT_MIN ? 1.0F : sum;
    const float centre =
        sum_of_frame(x, bins, [](float s, int bin) { return static_cast<float>(bin) * s; }) /
        divisor;
    if (wanted.centroid != nullptr && lane == 0) wanted.centroid[frame] = centre * hz_per_bin;
    if (wanted.bandwidth != nullptr) {
      const float p = wanted.p;
      const float spread = sum_of_frame(x, bins, [centre, divisor, p](float s, int bin) {
        const float away = fabsf(static_cast<float>(bin) - centre);
        return s / divisor * (p == 2.0F ? away * away : powf(away, p));
      });
      const float root = p == 2.0F ? sqrtf(spread) : powf(spread, 1.0F / p);
      if (lane == 0) wanted.bandwidth[frame] = root * hz_per_bin;
    }
  }
  if (wanted.rolloff != nullptr) {
    const int bin = bin_of_share(x, bins, wanted.share);
    if (lane == 0) wanted.rolloff[frame] = static_cast<float>(bin) * hz_per_bin;
  }
  if (wanted.flatness != nullptr) {
    const float amin = wanted.amin;
    const auto logarithms = sum_of_frame<double>(
        x, bins, [amin](float s, int) { return static_cast<double>(logf(fmaxf(s * s, amin))); });
    const auto powers = sum_of_frame<double>(
        x, bins, [amin](float s, int) { return static_cast<double>(fmaxf(s * s, amin)); });
    const auto geometric = expf(static_cast<float>(logarithms / bins));
    if (lane == 0) wanted.flatness[frame] = geometric / static_cast<float>(powers / bins);
  }
  if (wanted.flux != nullptr) {
    const bool is_first = frames[clip_of(frames, clips, frame)] == frame;
    const float* before = is_first ? x : x - bins;
    const float more =
        sum_of_frame(x, bins, [before](float s, int bin) { return fmaxf(s - before[bin], 0.0F); });
    if (lane == 0) wanted.flux[frame] = more / static_cast<float>(bins);
  }
}

}  // namespace

void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted) {
  Session& session = context.session();
  const Index bins = magnitude.extent(1);
  const auto n_fft = static_cast<double>(2 * (bins - 1));
  const Shapes shapes{wanted.centroid.data(),
                      wanted.bandwidth.data(),
                      wanted.rolloff.data(),
                      wanted.flatness.data(),
                      wanted.flux.data(),
                      static_cast<float>(wanted.bandwidth_options.p),
                      static_cast<float>(wanted.flatness_options.amin),
                      wanted.rolloff_options.roll_percent};
  launch<shape_kernel>(session, one_thread_each(session, frames.total() * warp_size),
                       magnitude.data(), static_cast<int>(bins), session.offsets(frames),
                       static_cast<int>(frames.clips()), static_cast<float>(sample_rate / n_fft),
                       shapes, frames.total());
}

}  // namespace serenade::cuda
