#include "kernels/dsp/cqt.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/frames.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tuning.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/cqt.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out) {
  expect_signal("cqt", signal, samples);
  expect_shape("cqt", "out", out.shape(),
               Shape{frames_of(samples, plan.hop_length()).total(), plan.bins()});
  expect_on_device("cqt", context, signal, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::cqt(context, plan, signal, samples, out);
  }
  cpu::cqt(context, plan, signal, samples, out);
}

void estimate_cqt_tuning(Context& context, const CqtPlan& plan, Tensor<const float> signal,
                         const Ragged& samples, Tensor<float> tuning) {
  // One for all batches: on a GPU its window stays where it is.
  static const StftPlan transform;
  if (context.device() == Device::cpu) {
    return cpu::estimate_tuning_by_magnitude(context, transform, signal, samples,
                                             plan.sample_rate(), plan.options().bins_per_octave,
                                             tuning);
  }
  const Ragged frames = frames_of(samples, transform.options().hop_length);
  Lent magnitudes = context.lend({frames.total(), transform.bins()});
  const Tensor<const float> spectra = std::as_const(magnitudes).view();
  stft_power(context, transform, signal, samples, magnitudes.view());
  magnitude(context, spectra, magnitudes.view());
  estimate_tuning(context, spectra, frames, plan.sample_rate(), plan.options().bins_per_octave,
                  tuning);
}

namespace cpu {

using simd::lanes;

namespace {

/// out [frames, bins]: the octave's bins of one clip.
void transform_octave(Context& context, const CqtPlan::Octave& octave, Tensor<const float> signal,
                      Tensor<float> out) {
  const Index frames = out.extent(0);
  const Index bins = out.extent(1);
  const FftPlan& fft = *octave.fft;
  const auto filters = static_cast<Index>(octave.filters.size());
  // Only these are transformed to the end.
  Index first_read = fft.bins(), last_read = 0;
  for (const CqtPlan::Filter& filter : octave.filters) {
    first_read = std::min(first_read, filter.first);
    last_read = std::max(last_read, filter.first + filter.count);
  }
  context.parallel(tiles_of(frames), [&](Index tile) {
    const Index first = tile * lanes;
    float* spectrum = scratch(0, 2 * fft.bins() * lanes);
    float* magnitudes = scratch(1, filters * lanes);
    float* blocks = scratch(2, fft.block_size());
    double* work = scratch_double(fft.work_size());
    load_frames(fft, octave.hop_length, signal.data(), signal.size(),
                first * octave.hop_length - fft.n_fft() / 2, blocks);
    fft_spectrum_tile(fft, blocks, work, first_read, last_read, spectrum);
    ON_VECTOR_PATH(filter_spectrum)(octave, spectrum, magnitudes);
    store_tile(magnitudes, filters, std::min(lanes, frames - first),
               out.data() + first * bins + octave.first_bin, bins);
  });
}

}  // namespace

void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out) {
  std::vector<float> tuning(static_cast<std::size_t>(samples.clips()));
  if (!plan.options().tuning) {
    estimate_cqt_tuning(context, plan, signal, samples, {tuning.data(), Shape{samples.clips()}});
  }
  const Ragged frames = frames_of(samples, plan.hop_length());
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    if (samples.length(clip) == 0) continue;
    Tensor<const float> now = signal.rows(samples.begin(clip), samples.end(clip));
    Lent decimated;
    for (const auto& octave : plan.octaves(tuning[static_cast<std::size_t>(clip)])) {
      if (octave.decimator) {
        const Ragged length(std::vector<Index>{now.size()});
        const Ragged shorter = resampled(length, octave.decimation, 1);
        Lent next = context.lend({shorter.total()});
        cpu::resample(context, *octave.decimator, now, length, next.view());
        decimated = std::move(next);
        now = std::as_const(decimated).view();
      }
      transform_octave(context, octave, now, out.rows(frames.begin(clip), frames.end(clip)));
    }
  }
}

}  // namespace cpu
}  // namespace serenade
