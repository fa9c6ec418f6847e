#include <string>

#include "kernels/device/exclusive.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/stft_runs.cuh"

// float64 on purpose, as the CPU twin: see fft.h. Frames go through cuFFT in runs of one size, so
// that one plan serves every batch and a frame's bits do not depend on how many there are; at 2048
// points a run's buffers, 8 MiB each, stay in the second-level cache of a large GPU.
namespace serenade::cuda {
namespace {

constexpr Index frames_a_run = 512;

struct BatchedFft {
  explicit BatchedFft(int n_fft) {
    const std::lock_guard alone(whole_device());
    check_fft(cufftCreate(&plan), "making a plan");
    std::size_t work_size = 0;
    int points = n_fft;
    const cufftResult made =
        cufftMakePlanMany(plan, 1, &points, nullptr, 1, n_fft, nullptr, 1, n_fft / 2 + 1, CUFFT_D2Z,
                          static_cast<int>(frames_a_run), &work_size);
    if (made != CUFFT_SUCCESS) cufftDestroy(plan);
    check_fft(made, "planning transforms of " + std::to_string(n_fft) + " points");
  }
  ~BatchedFft() {
    const std::lock_guard alone(whole_device());
    cufftDestroy(plan);
  }
  BatchedFft(const BatchedFft&) = delete;
  BatchedFft& operator=(const BatchedFft&) = delete;

  static void check_fft(cufftResult result, const std::string& what) {
    if (result == CUFFT_SUCCESS) return;
    throw DeviceError("cuFFT: " + what + ": error " + std::to_string(result) +
                      (result == CUFFT_ALLOC_FAILED ? ", the GPU's memory is used up" : ""));
  }

  cufftHandle plan = 0;
};

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
    to[i] = at >= 0 && at < length ? static_cast<double>(x[at]) * window[i] : 0.0;
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

void transform_runs(
    Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
    const std::function<void(Session&, const cufftDoubleComplex*, Index, Index)>& store) {
  Session& session = context.session();
  const int n_fft = plan.options().n_fft;
  const int hop_length = plan.options().hop_length;
  const Ragged frames = frames_of(samples, hop_length);
  if (frames.total() == 0) return;
  const double* window = session.table<double>(plan.owner(), 0, [&] {
    // The CPU's window has the untangling's 1/2 in it.
    std::vector<double> whole(static_cast<std::size_t>(n_fft));
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = 2 * plan.fft().window()[i];
    return whole;
  });
  const auto& fft = session.keep<BatchedFft>("fft " + std::to_string(n_fft),
                                             [&] { return std::make_shared<BatchedFft>(n_fft); });
  BatchedFft::check_fft(cufftSetStream(fft.plan, session.stream()), "choosing the stream");
  const Index* sample_offsets = session.offsets(samples);
  const Index* frame_offsets = session.offsets(frames);
  auto* framed = session.scratch<double>(0, frames_a_run * n_fft);
  auto* spectrum = session.scratch<cufftDoubleComplex>(1, frames_a_run * plan.bins());
  for (Index first = 0; first < frames.total(); first += frames_a_run) {
    const Index left = frames.total() - first;
    launch<gather_kernel>(session, {frames_a_run, session.block_size(most_threads)}, signal.data(),
                          sample_offsets, frame_offsets, static_cast<int>(samples.clips()), window,
                          n_fft, hop_length, first, left,
                          plan.options().pad_mode == PadMode::reflect, framed);
    BatchedFft::check_fft(cufftExecD2Z(fft.plan, framed, spectrum), "transforming");
    store(session, spectrum, first, left < frames_a_run ? left : frames_a_run);
  }
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
