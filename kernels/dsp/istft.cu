#include <cfloat>

#include "kernels/device/columns.cuh"
#include "kernels/dsp/istft_runs.cuh"
#include "kernels/dsp/stft_runs.cuh"

// float64 on purpose, as the CPU twin.
namespace serenade::cuda {
namespace {

/// One thread a bin of a run: 8 bytes read, or 12 with a mask, 16 written, 2 flops. Imaginary parts
/// of the first and the last bin count for nothing, and cuFFT wants none; rows beyond the last
/// frame are zeros.
__global__ __launch_bounds__(most_threads) void spread_kernel(const float* spectrum,
                                                              const float* mask, Index bins,
                                                              Index numbers_left, Index size,
                                                              cufftDoubleComplex* run) {
  const Index i = global_index();
  if (i >= size) return;
  cufftDoubleComplex x{0, 0};
  if (i < numbers_left) {
    const float share = mask == nullptr ? 1.0F : mask[i];
    const Index bin = place_of(i, bins).column;
    x.x = static_cast<double>(spectrum[2 * i] * share);
    if (bin != 0 && bin != bins - 1) x.y = static_cast<double>(spectrum[2 * i + 1] * share);
  }
  run[i] = x;
}

/// One thread a sample of a frame: 8 bytes read, 8 more from cache, 4 written, 2 flops.
__global__ __launch_bounds__(most_threads) void window_kernel(const double* run,
                                                              const double* window, Index n_fft,
                                                              double scale, Index size,
                                                              float* windowed) {
  const Index i = global_index();
  if (i >= size) return;
  windowed[i] = static_cast<float>(run[i] * scale * window[place_of(i, n_fft).column]);
}

/// One thread a sample, which adds the frames that reach it in their order: 4 bytes of each, mostly
/// n_fft / hop_length of them, and 8 of the window, from cache; 4 written.
__global__ __launch_bounds__(most_threads) void overlap_add_kernel(
    const float* windowed, const Index* frames, const Index* samples, int clips,
    const double* window, Index n_fft, Index hop_length, Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const int clip = clip_of(samples, clips, i);
  const Index length = samples[clip + 1] - samples[clip];
  // In the clip as it is padded, where frame t begins at t * hop_length.
  const Index at = i - samples[clip] + n_fft / 2;
  // Frames that lie behind the end are not used, as librosa's are not.
  Index count = frames[clip + 1] - frames[clip];
  const Index in_length = place_of(length + n_fft + hop_length - 1, hop_length).row;
  if (in_length < count) count = in_length;
  const Index after_last = place_of(at, hop_length).row + 1;
  if (after_last < count) count = after_last;
  Index t = at < n_fft ? 0 : place_of(at - n_fft, hop_length).row + 1;
  double sum = 0;
  double weight = 0;
  for (; t < count; ++t) {
    const Index in_frame = at - t * hop_length;
    const double w = window[in_frame];
    sum += static_cast<double>(windowed[(frames[clip] + t) * n_fft + in_frame]);
    weight += w * w;
  }
  const bool covered = weight > static_cast<double>(FLT_MIN);
  out[i] = static_cast<float>(covered ? sum / weight : sum);
}

}  // namespace

void istft_of_part(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
                   const float* mask, const Ragged& frames, const Ragged& samples,
                   Tensor<float> out) {
  if (samples.total() == 0) return;
  Session& session = context.session();
  const int n_fft = plan.options().n_fft;
  const Index bins = plan.bins();
  const double* window = window_of(session, plan);
  Lent memory = context.lend({frames.total(), n_fft});
  float* windowed = memory.view().data();
  const Index run = rows_of_run(n_fft);
  auto* rows = session.scratch<double>(0, run * n_fft);
  auto* spectra = session.scratch<cufftDoubleComplex>(1, run * bins);
  for (Index first = 0; first < frames.total(); first += run) {
    const Index left = frames.total() - first;
    const Index before = first * bins;
    launch<spread_kernel>(session, one_thread_each(session, run * bins),
                          spectrum.data() + 2 * before, mask == nullptr ? mask : mask + before,
                          bins, left * bins, run * bins, spectra);
    inverse_fft_run(session, n_fft, spectra, rows);
    const Index size = std::min(left, run) * n_fft;
    launch<window_kernel>(session, one_thread_each(session, size), rows, window, n_fft, 1.0 / n_fft,
                          size, windowed + first * n_fft);
  }
  launch<overlap_add_kernel>(session, one_thread_each(session, samples.total()), windowed,
                             session.offsets(frames), session.offsets(samples),
                             static_cast<int>(samples.clips()), window, n_fft,
                             plan.options().hop_length, samples.total(), out.data());
}

void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out) {
  istft_of_part(context, plan, spectrum, nullptr, frames, samples, out);
}

}  // namespace serenade::cuda
