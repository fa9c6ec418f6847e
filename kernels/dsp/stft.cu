#include "kernels/dsp/fft.h"
#include "kernels/dsp/stft_runs.cuh"

// float64 on purpose, as the CPU twin: see fft.h.
namespace serenade::cuda {
namespace {

/// One block a frame, threads along its samples: 4 bytes read (most of them by up to n_fft / hop
/// frames, from cache) and 8 written a sample. Blocks beyond the last frame fill the run with
/// zeros; before and behind a clip are zeros or, where `mirror`, its reflection.
__global__ __launch_bounds__(most_threads) void gather_kernel(
    const float* signal, const Index* samples, const Index* frames, int clips, const double* window,
    int n_fft, int hop_length, Index first_frame, Index frames_left, bool mirror, double* out) {
  double* to = out + static_cast<Index>(blockIdx.x) * n_fft;
  if (static_cast<Index>(blockIdx.x) >= frames_left) {
    for (int i = static_cast<int>(threadIdx.x); i < n_fft; i += static_cast<int>(blockDim.x)) {
      to[i] = 0;
    }
    return;
  }
  const Index frame = first_frame + blockIdx.x;
  const int clip = clip_of(frames, clips, frame);
  const Index start = (frame - frames[clip]) * hop_length - n_fft / 2;
  const Index length = samples[clip + 1] - samples[clip];
  const float* x = signal + samples[clip];
  for (int i = static_cast<int>(threadIdx.x); i < n_fft; i += static_cast<int>(blockDim.x)) {
    Index at = start + i;
    if (mirror && (at < 0 || at >= length)) at = reflected(at, length);
    const double value = at >= 0 && at < length ? static_cast<double>(x[at]) : 0.0;
    to[i] = window == nullptr ? value : value * window[i];
  }
}

/// One thread a bin: 16 bytes read, 4 written, 3 flops.
__global__ __launch_bounds__(most_threads) void power_kernel(const cufftDoubleComplex* spectrum,
                                                             Index size, float* power) {
  const Index i = global_index();
  if (i >= size) return;
  power[i] = power_of(spectrum[i]);
}

/// One thread a bin: 16 bytes read, 8 written.
__global__ __launch_bounds__(most_threads) void spectrum_kernel(const cufftDoubleComplex* spectrum,
                                                                Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  out[2 * i] = static_cast<float>(spectrum[i].x);
  out[2 * i + 1] = static_cast<float>(spectrum[i].y);
}

/// One thread a number: 4 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void magnitude_kernel(const float* power, Index size,
                                                                 float* out) {
  const Index i = global_index();
  if (i < size) out[i] = sqrtf(power[i]);
}

}  // namespace

void transform_runs(Context& context, const FrameCut& cut, Tensor<const float> signal,
                    const Ragged& samples, const Ragged& frames, const StoreRun& store) {
  if (frames.total() == 0) return;
  Session& session = context.session();
  const Index* sample_offsets = session.offsets(samples);
  const Index* frame_offsets = session.offsets(frames);
  const Index run = rows_of_run(cut.n_fft);
  auto* framed = session.scratch<double>(0, run * cut.n_fft);
  auto* spectrum = session.scratch<cufftDoubleComplex>(1, run * (cut.n_fft / 2 + 1));
  for (Index first = 0; first < frames.total(); first += run) {
    const Index left = frames.total() - first;
    launch<gather_kernel>(session, {run, session.block_size(most_threads)}, signal.data(),
                          sample_offsets, frame_offsets, static_cast<int>(samples.clips()),
                          cut.window, cut.n_fft, cut.hop_length, first, left, cut.mirror, framed);
    fft_run(session, cut.n_fft, framed, spectrum);
    store(session, spectrum, first, std::min(left, run));
  }
}

const double* window_of(Session& session, const StftPlan& plan) {
  return session.table<double>(plan.owner(), 0, [&] {
    // The CPU's window has the untangling's 1/2 in it.
    std::vector<double> whole(static_cast<std::size_t>(plan.options().n_fft));
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = 2 * plan.fft().window()[i];
    return whole;
  });
}

void transform_runs(Context& context, const StftPlan& plan, Tensor<const float> signal,
                    const Ragged& samples, const StoreRun& store) {
  const StftOptions& options = plan.options();
  const FrameCut cut{options.n_fft, options.hop_length, window_of(context.session(), plan),
                     options.pad_mode == PadMode::reflect};
  transform_runs(context, cut, signal, samples, frames_of(samples, options.hop_length), store);
}

void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum) {
  transform_runs(context, plan, signal, samples,
                 [&](Session& session, const cufftDoubleComplex* run, Index first, Index count) {
                   const Index size = count * plan.bins();
                   launch<spectrum_kernel>(session, one_thread_each(session, size), run, size,
                                           spectrum.data() + first * plan.bins() * 2);
                 });
}

void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power) {
  transform_runs(context, plan, signal, samples,
                 [&](Session& session, const cufftDoubleComplex* run, Index first, Index count) {
                   const Index size = count * plan.bins();
                   launch<power_kernel>(session, one_thread_each(session, size), run, size,
                                        power.data() + first * plan.bins());
                 });
}

void magnitude(Context& context, Tensor<const float> power, Tensor<float> out) {
  Session& session = context.session();
  launch<magnitude_kernel>(session, one_thread_each(session, power.size()), power.data(),
                           power.size(), out.data());
}

}  // namespace serenade::cuda
