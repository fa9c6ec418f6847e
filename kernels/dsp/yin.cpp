#include "kernels/dsp/yin.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/yin.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

using simd::lanes;

YinPlan::YinPlan(const PitchRange& range, double sample_rate, const FrameOptions& frames)
    : sample_rate_(sample_rate), range_(range), frames_(frames) {
  check_ranges(range);
  check(frames);
  const int length = frames.frame_length;
  if (!std::has_single_bit(static_cast<unsigned>(length)) || length < 64 || length > 16384) {
    throw ConfigError("yin: frame_length is " + std::to_string(length) +
                      " but must be a power of two from 64 to 16384");
  }
  if (!(range.fmin < range.fmax && range.fmax <= sample_rate / 2)) {
    throw ConfigError("fmin is " + shortest(range.fmin) + " Hz and fmax " + shortest(range.fmax) +
                      " Hz, but they must satisfy fmin < fmax <= " + shortest(sample_rate / 2) +
                      " Hz, half the sample rate");
  }
  if (sample_rate / range.fmin >= length - 1) {
    throw ConfigError("fmin is " + shortest(range.fmin) +
                      " Hz, whose period does not fit into a "
                      "frame of " +
                      std::to_string(length) + " samples; raise fmin to " +
                      shortest(std::ceil(sample_rate / (length - 1))) + " or n_fft");
  }
  min_period_ = static_cast<Index>(std::floor(sample_rate / range.fmax));
  max_period_ =
      std::min<Index>(static_cast<Index>(std::ceil(sample_rate / range.fmin)), length - 1);
  // Twice as long, the second half of zeros: correlations do not go round.
  forward_ = std::make_shared<const cpu::FftPlan>(
      std::vector<double>(static_cast<std::size_t>(length), 1.0), 2 * length, frames.hop_length);
  back_ = std::make_shared<const cpu::FftPlan>(
      std::vector<double>(static_cast<std::size_t>(2 * length), 1.0), 2 * length);
}

double parabolic_shift(const float* x, Index size, Index i) {
  if (i == 0 || i + 1 == size) return 0;
  const auto before = static_cast<double>(x[i - 1]);
  const auto at = static_cast<double>(x[i]);
  const auto after = static_cast<double>(x[i + 1]);
  const double curvature = after + before - 2 * at;
  const double slope = (after - before) / 2;
  return std::abs(slope) >= std::abs(curvature) ? 0 : -slope / curvature;
}

namespace cpu {

void yin_rows(const YinPlan& plan, const float* x, Index length, Index first_frame, Index count,
              float* rows) {
  const FftPlan& forward = plan.forward();
  const FftPlan& back = plan.back();
  const Index points = back.n_fft();
  const Index bins = forward.bins();
  const Index periods = plan.periods();
  const int hop = plan.frames().hop_length;
  float* blocks = scratch(0, forward.block_size());
  float* power = scratch(1, points * lanes);
  float* spectrum = scratch(2, (2 * bins + periods) * lanes);
  float* differences = spectrum + 2 * bins * lanes;
  load_frames(forward, hop, x, length, first_frame * hop - plan.frames().frame_length / 2, blocks);
  double* work = scratch_double(std::max(forward.work_size(), back.work_size()));
  fft_power_tile(forward, blocks, work, power);
  // The correlation is the inverse transform of the power, which is real and even: so the forward
  // transform's real part, over the number of points.
  for (Index f = bins; f < points; ++f) {
    std::copy_n(power + (points - f) * lanes, lanes, power + f * lanes);
  }
  fft_spectrum_tile(back, power, work, spectrum);
  ON_VECTOR_PATH(normalized_differences)
  (plan, blocks, forward.sample_offset(), spectrum, differences);
  store_tile(differences, periods, count, rows, periods);
}

namespace {

double pitch_of(const YinPlan& plan, const float* row, double threshold) {
  const Index periods = plan.periods();
  Index best = -1;
  for (Index i = 0; i < periods && best < 0; ++i) {
    if (static_cast<double>(row[i]) < threshold && is_trough(row, periods, i)) best = i;
  }
  if (best < 0) best = std::min_element(row, row + periods) - row;
  const double period =
      static_cast<double>(plan.min_period() + best) + parabolic_shift(row, periods, best);
  return plan.sample_rate() / period;
}

}  // namespace
}  // namespace cpu

void yin(Context& context, const YinPlan& plan, const YinOptions& options,
         Tensor<const float> signal, const Ragged& samples, Tensor<float> out) {
  check_ranges(options);
  const Ragged frames = frames_of(samples, plan.frames().hop_length);
  expect_signal("yin", signal, samples);
  expect_shape("yin", "out", out.shape(), Shape{frames.total(), 1});
  expect_on_device("yin", context, signal, out);
  if (context.device() != Device::cpu) {
    throw DeviceError("yin: there is no version for a GPU; use a context on the CPU");
  }
  cpu::for_each_frame_tile(context, frames, [&](Index clip, Index first, Index count) {
    std::vector<float> rows(static_cast<std::size_t>(count * plan.periods()));
    cpu::yin_rows(plan, signal.data() + samples.begin(clip), samples.length(clip), first, count,
                  rows.data());
    for (Index t = 0; t < count; ++t) {
      out.data()[frames.begin(clip) + first + t] = static_cast<float>(
          cpu::pitch_of(plan, rows.data() + t * plan.periods(), options.trough_threshold));
    }
  });
}

}  // namespace serenade
