#include "kernels/dsp/tuning.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/device/options.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/stft_tiles.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/tuning.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

TuningSpectrum tuning_spectrum(Index bins, double sample_rate) {
  TuningSpectrum s{bins, 0, 0, sample_rate, static_cast<double>(2 * (bins - 1))};
  const double highest = std::min(4000.0, sample_rate / 2);
  const double hz_per_bin = 1.0 / (s.n_fft * (1.0 / sample_rate));
  for (Index bin = 1; bin + 1 < bins; ++bin) {
    const double hz = static_cast<double>(bin) * hz_per_bin;
    if (hz < 150.0) s.first = bin + 1;
    if (hz < highest) s.last = bin + 1;
  }
  s.first = std::max<Index>(s.first, 1);
  s.last = std::max(s.last, s.first);
  return s;
}

void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning) {
  const Index bins = power.rank() == 2 ? power.extent(1) : 0;
  if (bins < 3) {
    throw ShapeError("estimate_tuning: power is " + to_string(power.shape()) +
                     " but must be [frames, 1 + n_fft/2]");
  }
  if (!(sample_rate > 0) || n_chroma < 1) {
    throw ConfigError("estimate_tuning: sample_rate is " + shortest(sample_rate) +
                      " and n_chroma " + std::to_string(n_chroma) + ", but both must be positive");
  }
  expect_shape("estimate_tuning", "power", power.shape(), Shape{frames.total(), bins});
  expect_shape("estimate_tuning", "tuning", tuning.shape(), Shape{frames.clips()});
  expect_on_device("estimate_tuning", context, power, tuning);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::estimate_tuning(context, power, frames, sample_rate, n_chroma, tuning);
    }
  }
  cpu::estimate_tuning(context, power, frames, sample_rate, n_chroma, tuning);
}

namespace cpu {
namespace {

using simd::lanes;

struct Peak {
  float frequency;
  float height;
};

/// The parabola through three neighbouring bins, in the mixture of precisions that librosa has
/// there: a histogram of 100 steps is sensitive to none, but ties are.
Peak interpolate(const TuningSpectrum& s, Index bin, float below, float at, float above) {
  const double curvature = static_cast<double>(above + below) - 2.0 * static_cast<double>(at);
  const double slope = static_cast<double>(above - below) / 2.0;
  const float shift =
      std::abs(slope) >= std::abs(curvature) ? 0.0F : static_cast<float>(-slope / curvature);
  const float gradient = (above - below) / 2.0F;
  const double position = static_cast<double>(bin) + static_cast<double>(shift);
  return {static_cast<float>(position * s.sample_rate / s.n_fft), at + 0.5F * gradient * shift};
}

/// Peaks of the first `count` lanes of tile [bins, lanes], whose maxima are given, are added to
/// `peaks`; marks: scratch [bins].
void find_peaks(const TuningSpectrum& s, const float* tile, const float* maximum, Index count,
                std::vector<std::uint16_t>& marks, std::vector<Peak>& peaks) {
  marks.resize(static_cast<std::size_t>(s.bins));
  ON_VECTOR_PATH(mark_peaks)(tile, maximum, s.first, s.last, marks.data());
  const unsigned all = (1U << count) - 1;
  for (Index bin = s.first; bin < s.last; ++bin) {
    for (unsigned left = marks[static_cast<std::size_t>(bin)] & all; left != 0; left &= left - 1) {
      const float* p = tile + bin * lanes + std::countr_zero(left);
      peaks.push_back(interpolate(s, bin, p[-lanes], p[0], p[lanes]));
    }
  }
}

/// Middle height, or the mean of the two in the middle. Reorders the peaks.
float median_height(std::vector<Peak>& peaks) {
  const auto lower = [](const Peak& a, const Peak& b) { return a.height < b.height; };
  const auto middle = peaks.begin() + static_cast<std::ptrdiff_t>(peaks.size() / 2);
  std::nth_element(peaks.begin(), middle, peaks.end(), lower);
  if (peaks.size() % 2 == 1) return middle->height;
  return (std::max_element(peaks.begin(), middle, lower)->height + middle->height) / 2.0F;
}

/// The step of 0.01 in which most peaks of at least median height deviate from A440.
float most_frequent_deviation(std::vector<Peak>& peaks, int n_chroma) {
  if (peaks.empty()) return 0;
  const float threshold = median_height(peaks);
  std::array<Index, tuning_steps> count{};
  for (const Peak& peak : peaks) {
    if (peak.height < threshold) continue;
    const auto octaves = static_cast<float>(std::log2(peak.frequency / 27.5F));
    const float classes = static_cast<float>(n_chroma) * octaves;
    float deviation = classes - std::floor(classes);
    if (deviation >= 0.5F) deviation -= 1.0F;
    // Steps are half open: the one whose lower edge is the last not above the deviation.
    std::size_t step = tuning_step_of(static_cast<double>(deviation));
    if (tuning_of_step(step) > static_cast<double>(deviation) && step > 0) --step;
    ++count[step];
  }
  const auto most = std::max_element(count.begin(), count.end());
  return static_cast<float>(tuning_of_step(static_cast<std::size_t>(most - count.begin())));
}

}  // namespace

void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning) {
  const TuningSpectrum spectrum = tuning_spectrum(power.extent(1), sample_rate);
  context.parallel(frames.clips(), [&](Index clip) {
    float* tile = scratch(0, spectrum.bins * lanes);
    float* maximum = scratch(1, lanes);
    std::vector<std::uint16_t> marks;
    std::vector<Peak> peaks;
    for (Index first = frames.begin(clip); first < frames.end(clip); first += lanes) {
      const Index count = std::min(lanes, frames.end(clip) - first);
      load_tile(power.data() + first * spectrum.bins, spectrum.bins, count, spectrum.bins, tile);
      ON_VECTOR_PATH(largest_of_lanes)(tile, spectrum.bins, maximum);
      find_peaks(spectrum, tile, maximum, count, marks, peaks);
    }
    tuning.data()[clip] = most_frequent_deviation(peaks, n_chroma);
  });
}

void estimate_tuning_by_magnitude(Context& context, const StftPlan& plan,
                                  Tensor<const float> signal, const Ragged& samples,
                                  double sample_rate, int n_chroma, Tensor<float> tuning) {
  const TuningSpectrum spectrum = tuning_spectrum(plan.bins(), sample_rate);
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  // Of each frame that a tile begins with.
  std::vector<std::vector<Peak>> found(static_cast<std::size_t>(frames.total()));
  stft_power_tiles(context, plan, signal, samples, [&](float* tile, Index first, Index count) {
    // Roots keep order: that of the largest power is the largest root. Others are only taken where
    // peaks are looked for.
    float* maximum = scratch(1, lanes);
    ON_VECTOR_PATH(largest_of_lanes)(tile, spectrum.bins, maximum);
    magnitude_tile(lanes, maximum);
    const Index rows = spectrum.last - spectrum.first + 2;
    magnitude_tile(rows * lanes, tile + (spectrum.first - 1) * lanes);
    std::vector<std::uint16_t> marks;
    find_peaks(spectrum, tile, maximum, count, marks, found[static_cast<std::size_t>(first)]);
  });
  context.parallel(frames.clips(), [&](Index clip) {
    std::vector<Peak> peaks;
    for (Index first = frames.begin(clip); first < frames.end(clip); first += lanes) {
      const std::vector<Peak>& more = found[static_cast<std::size_t>(first)];
      peaks.insert(peaks.end(), more.begin(), more.end());
    }
    tuning.data()[clip] = most_frequent_deviation(peaks, n_chroma);
  });
}

}  // namespace cpu
}  // namespace serenade
