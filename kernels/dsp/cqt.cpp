#include "kernels/dsp/cqt.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
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
  if (context.device() != Device::cpu) throw DeviceError("cqt: is computed on the CPU only");
  cpu::cqt(context, plan, signal, samples, out);
}

namespace cpu {

using simd::lanes;

namespace {

/// libsoxr's filter for one of every `decimation` samples; measured once.
const ResampleBank& decimator(int decimation) {
  static std::mutex mutex;
  static std::map<int, ResampleBank> banks;
  const std::lock_guard lock(mutex);
  const auto known = banks.find(decimation);
  if (known != banks.end()) return known->second;
  std::optional<ResampleBank> bank = ResampleBank::measure(decimation, 1);
  if (!bank) {
    throw ConfigError("cqt: libsoxr's filter for a rate divided by " + std::to_string(decimation) +
                      " cannot be measured: use a higher fmin or more n_bins");
  }
  return banks.emplace(decimation, std::move(*bank)).first->second;
}

/// librosa's: of magnitudes of 2048 points every 512 samples, whatever the transform's hop_length.
std::vector<float> tuning_of(Context& context, const CqtPlan& plan, Tensor<const float> signal,
                             const Ragged& samples) {
  std::vector<float> tuning(static_cast<std::size_t>(samples.clips()));
  if (plan.options().tuning) return tuning;
  const StftPlan transform;
  const Ragged frames = frames_of(samples, transform.options().hop_length);
  Lent magnitudes = context.lend({frames.total(), transform.bins()});
  cpu::stft_power(context, transform, signal, samples, magnitudes.view());
  cpu::magnitude(context, magnitudes.view(), magnitudes.view());
  cpu::estimate_tuning(context, magnitudes.view(), frames, plan.sample_rate(),
                       plan.options().bins_per_octave, {tuning.data(), Shape{samples.clips()}});
  return tuning;
}

/// out [frames, bins]: the octave's bins of one clip.
void transform_octave(Context& context, const CqtPlan::Octave& octave, Tensor<const float> signal,
                      Tensor<float> out) {
  const Index frames = out.extent(0);
  const Index bins = out.extent(1);
  const FftPlan& fft = *octave.fft;
  const auto filters = static_cast<Index>(octave.filters.size());
  context.parallel(tiles_of(frames), [&](Index tile) {
    const Index first = tile * lanes;
    float* spectrum = scratch(0, 2 * fft.bins() * lanes);
    float* magnitudes = scratch(1, filters * lanes);
    float* blocks = scratch(2, fft.block_size());
    double* work = scratch_double(fft.work_size());
    load_frames(fft, octave.hop_length, signal.data(), signal.size(),
                first * octave.hop_length - fft.n_fft() / 2, blocks);
    fft_spectrum_tile(fft, blocks, work, spectrum);
    ON_VECTOR_PATH(filter_spectrum)(octave, spectrum, magnitudes);
    store_tile(magnitudes, filters, std::min(lanes, frames - first),
               out.data() + first * bins + octave.first_bin, bins);
  });
}

}  // namespace

void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out) {
  const std::vector<float> tuning = tuning_of(context, plan, signal, samples);
  const Ragged frames = frames_of(samples, plan.hop_length());
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    if (samples.length(clip) == 0) continue;
    Tensor<const float> now = signal.rows(samples.begin(clip), samples.end(clip));
    Lent decimated;
    for (const auto& octave : plan.octaves(tuning[static_cast<std::size_t>(clip)])) {
      if (octave.decimation > 1) {
        const Ragged length(std::vector<Index>{now.size()});
        const Ragged shorter = resampled(length, octave.decimation, 1);
        Lent next = context.lend({shorter.total()});
        cpu::resample(context, decimator(octave.decimation), now, length, next.view());
        decimated = std::move(next);
        now = std::as_const(decimated).view();
      }
      transform_octave(context, octave, now, out.rows(frames.begin(clip), frames.end(clip)));
    }
  }
}

}  // namespace cpu
}  // namespace serenade
