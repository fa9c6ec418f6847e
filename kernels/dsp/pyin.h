#pragma once

#include <memory>

#include "kernels/dsp/yin.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int pyin_revision = 2;

struct PyinOptions : PitchRange {
  double max_transition_rate = 35.92;
  double switch_prob = 0.01;
  double no_trough_prob = 0.01;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    PitchRange::fields(self, visit);
    visit("max_transition_rate", self.max_transition_rate, Range{0, 1000, true},
          "fastest change of pitch, octaves a second");
    visit("switch_prob", self.switch_prob, Range{1e-9, 0.999999},
          "probability of becoming voiced or unvoiced from frame to frame");
    visit("no_trough_prob", self.no_trough_prob, Range{0, 1},
          "share of the lowest minimum where none is below a threshold");
  }
};

/// Frequencies of the pitches, ten a semitone, and what a pitch costs to leave. Immutable; copies
/// share the tables. Throws ConfigError as YinPlan does, and for options that leave too many
/// pitches or no way from one frame to the next.
class PyinPlan {
 public:
  PyinPlan(const PyinOptions& options, double sample_rate, const FrameOptions& frames);

  const YinPlan& yin() const { return yin_; }
  struct Table;
  const Table& table() const { return *table_; }

 private:
  YinPlan yin_;
  std::shared_ptr<const Table> table_;
};

/// Fundamental frequency by probabilistic YIN (Mauch and Dixon, 2014), librosa.pyin: for each of a
/// hundred thresholds the minima of YIN's difference function below it, weighted by how likely the
/// threshold is; then the likeliest way through pitches, voiced or not, of the whole clip
/// (Viterbi). As librosa 1.0 takes them, ways between states of less than 1e-4 are none. signal
/// [samples], clips end to end -> out [frames, 3]: frequency, Hz, and 0 where the frame is unvoiced
/// (librosa's NaN); 1 where it is voiced, else 0; probability of being voiced. It has no CUDA twin.
/// Throws ShapeError when the shapes do not fit, DeviceError on a GPU.
void pyin(Context& context, const PyinPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> out);

}  // namespace serenade
