#include "kernels/dsp/spectra.h"

#include "kernels/dsp/decibel.cuh"
#include "kernels/dsp/mel.cuh"
#include "kernels/dsp/stft_runs.cuh"

// float64 where it reads the spectrum.
namespace serenade::cuda {
namespace {

/// What a run's frames become; null: not wanted.
struct Wanted {
  float* power;
  float* magnitude;
  float* mel;
  float* log_mel;
  unsigned* maxima;  ///< of the clips' decibels
};

/// One block a frame of a run. Threads take bins side by side, then, from shared memory, bands: the
/// frame's 16 bytes a bin are read once, and of power and mel nothing is written that is not
/// wanted. The clip's maximum as in decibel.cu.
__global__ __launch_bounds__(most_threads) void spectra_kernel(const cufftDoubleComplex* run,
                                                               int bins, Index first_frame,
                                                               const Index* frames, int clips,
                                                               MelFilters filters, Decibel decibel,
                                                               Wanted wanted) {
  SERENADE_DYNAMIC_SHARED(float, frame_power);
  const cufftDoubleComplex* spectrum = run + static_cast<Index>(blockIdx.x) * bins;
  const Index frame = first_frame + blockIdx.x;
  const int threads = static_cast<int>(blockDim.x);
  for (int bin = static_cast<int>(threadIdx.x); bin < bins; bin += threads) {
    const float power = power_of(spectrum[bin]);
    frame_power[bin] = power;
    if (wanted.power != nullptr) wanted.power[frame * bins + bin] = power;
    if (wanted.magnitude != nullptr) wanted.magnitude[frame * bins + bin] = sqrtf(power);
  }
  __syncthreads();
  unsigned highest = ordered(-INFINITY);
  for (int mel = static_cast<int>(threadIdx.x); mel < filters.n_mels; mel += threads) {
    const float band = filters.band(frame_power, mel);
    const Index at = frame * filters.n_mels + mel;
    if (wanted.mel != nullptr) wanted.mel[at] = band;
    if (wanted.log_mel != nullptr) {
      const float value = decibel(band);
      wanted.log_mel[at] = value;
      highest = max(highest, ordered(value));
    }
  }
  if (wanted.log_mel == nullptr) return;
  highest = warp_max(highest);
  if (lane_index() == 0) atomicMax(&wanted.maxima[clip_of(frames, clips, frame)], highest);
}

}  // namespace

void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted) {
  Session& session = context.session();
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  if (wanted.bank == nullptr) {
    // Nothing to fuse.
    if (wanted.power.data() != nullptr)
      cuda::stft_power(context, plan, signal, samples, wanted.power);
    if (wanted.magnitude.data() == nullptr) return;
    const bool has_power = wanted.power.data() != nullptr;
    if (!has_power) cuda::stft_power(context, plan, signal, samples, wanted.magnitude);
    return cuda::magnitude(context, has_power ? wanted.power : wanted.magnitude, wanted.magnitude);
  }
  const MelFilters filters(session, *wanted.bank);
  const bool log = wanted.log_mel.data() != nullptr;
  unsigned* maxima = log ? lowest_maxima(session, frames.clips()) : nullptr;
  const Wanted outputs{wanted.power.data(), wanted.magnitude.data(), wanted.mel.data(),
                       wanted.log_mel.data(), maxima};
  transform_runs(context, plan, signal, samples,
                 [&](Session&, const cufftDoubleComplex* run, Index first, Index count) {
                   const Extent1d extent{count, session.block_size(most_threads),
                                         static_cast<std::size_t>(plan.bins()) * sizeof(float)};
                   launch<spectra_kernel>(session, extent, run, static_cast<int>(plan.bins()),
                                          first, session.offsets(frames),
                                          static_cast<int>(frames.clips()), filters,
                                          Decibel(wanted.db), outputs);
                 });
  if (log) {
    raise_to_floor(session, frames, wanted.bank->n_mels(), wanted.db, maxima,
                   wanted.log_mel.data());
  }
}

}  // namespace serenade::cuda
