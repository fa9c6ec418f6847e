#pragma once

#include <memory>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/frames.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int yin_revision = 2;

/// Fundamental frequencies that are told apart; the defaults are C2 and C7, a voice's.
struct PitchRange {
  double fmin = 65.40639132514966;
  double fmax = 2093.004522404789;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("fmin", self.fmin, Range{0, 1e6, true}, "lowest fundamental frequency, Hz");
    visit("fmax", self.fmax, Range{0, 1e6, true}, "highest, at most half the sample rate, Hz");
  }
};

struct YinOptions : PitchRange {
  double trough_threshold = 0.1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    PitchRange::fields(self, visit);
    visit("trough_threshold", self.trough_threshold, Range{0, 10},
          "the first minimum of the difference function below this is the period; where there is "
          "none, the lowest");
  }
};

namespace cpu {
class FftPlan;
}

/// The periods of a range of pitches in samples, and the transforms that frames are correlated by.
/// Immutable; copies share the tables. Throws ConfigError unless 0 < fmin < fmax <= sample_rate / 2
/// and frame_length, a power of two from 64 on, holds a period of fmin and a sample more.
class YinPlan {
 public:
  YinPlan(const PitchRange& range, double sample_rate, const FrameOptions& frames);

  double sample_rate() const { return sample_rate_; }
  const PitchRange& range() const { return range_; }
  const FrameOptions& frames() const { return frames_; }
  Index min_period() const { return min_period_; }
  Index max_period() const { return max_period_; }
  /// max_period - min_period + 1
  Index periods() const { return max_period_ - min_period_ + 1; }
  const cpu::FftPlan& forward() const { return *forward_; }
  const cpu::FftPlan& back() const { return *back_; }

 private:
  double sample_rate_;
  PitchRange range_;
  FrameOptions frames_;
  Index min_period_, max_period_;
  std::shared_ptr<const cpu::FftPlan> forward_, back_;
};

/// Fundamental frequency of frames by YIN (de Cheveigne and Kawahara, 2002), librosa.yin: of the
/// cumulative mean normalised difference function the first minimum below a threshold, between
/// samples by a parabola. Every frame has a pitch, also one of noise or silence.
/// signal [samples], clips end to end -> out [frames, 1], Hz; frames = frames_of(samples, hop),
/// centred, zeros around the clip. It has no CUDA twin. Throws ShapeError when the shapes do not
/// fit, DeviceError on a GPU.
void yin(Context& context, const YinPlan& plan, const YinOptions& options,
         Tensor<const float> signal, const Ragged& samples, Tensor<float> out);

/// A minimum between samples, from -1 to 1: that of the parabola through x[i - 1], x[i], x[i + 1],
/// or 0 where it is farther away or x, of `size`, ends at i.
double parabolic_shift(const float* x, Index size, Index i);

/// Whether x[i], of `size` >= 2, counts as a minimum: below the number before it and not above the
/// next; the first one if it is below the next. Of equal ones that is the first.
inline bool is_trough(const float* x, Index size, Index i) {
  if (i == 0) return x[0] < x[1];
  return x[i] < x[i - 1] && (i + 1 == size || x[i] <= x[i + 1]);
}

namespace cpu {
/// The difference functions of `count` <= lanes frames of a clip: rows [count, periods].
void yin_rows(const YinPlan& plan, const float* x, Index length, Index first_frame, Index count,
              float* rows);
}  // namespace cpu

}  // namespace serenade
