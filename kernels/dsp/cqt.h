#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/resample.h"

namespace serenade {

namespace cpu {
class FftPlan;
}

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int cqt_revision = 1;

/// The note C1, Hz.
inline constexpr double note_c1 = 32.70319566257483;

/// Constant-Q transform, librosa.cqt.
struct CqtOptions {
  double fmin = note_c1;
  int n_bins = 84;
  int bins_per_octave = 12;
  std::optional<double> tuning = 0.0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("fmin", self.fmin, Range{0, 1e6, true}, "frequency of the lowest bin, Hz; the note C1");
    visit("n_bins", self.n_bins, Range{1, 1000}, "bins");
    visit("bins_per_octave", self.bins_per_octave, Range{4, 240}, "bins in an octave");
    visit("tuning", self.tuning, Range{-1, 1},
          "deviation from A440 in bins; null: estimated for each clip");
  }
};

/// Filters of one transform, by tuning: complex exponentials in Hann windows as long as Q of their
/// periods, in the frequency domain, where all but a few bins of each are dropped: those that make
/// up its smallest 1%. The highest octave filters the signal as it is, each further one the same at
/// half the rate, wherever hop_length can be halved and the octave lies below a fifth of the rate;
/// where even the highest lies far down the rate is lowered before. All as librosa 1.0, which is to
/// say in time and frequency exactly its numbers. Made when first used; copies share them; any
/// number of threads may use one plan.
class CqtPlan {
 public:
  /// Throws ConfigError for options out of range, and where the highest filter passes half the
  /// sample rate.
  CqtPlan(const CqtOptions& options, double sample_rate, int hop_length);

  const CqtOptions& options() const { return options_; }
  double sample_rate() const { return sample_rate_; }
  int hop_length() const { return hop_length_; }
  Index bins() const { return options_.n_bins; }

  /// A filter: `count` neighbouring bins of a spectrum from `first` on, and complex weights
  /// [count, 2] from `weights` on.
  struct Filter {
    Index first = 0;
    Index count = 0;
    Index weights = 0;
  };
  /// Bins [first_bin, first_bin + filters.size()), transformed at one rate. The signal is decimated
  /// by `decimation` before, counted from the octave above, or from the signal as it is given.
  struct Octave {
    int decimation = 1;
    /// libsoxr's filter for that; none where decimation is 1.
    std::optional<ResampleBank> decimator;
    int hop_length = 0;
    std::shared_ptr<const cpu::FftPlan> fft;
    Index first_bin = 0;
    std::vector<Filter> filters;
    std::vector<float> weights;
  };
  /// From the highest down, for a tuning as estimate_tuning (tuning.h) gives it; it is ignored
  /// where the options fix the tuning.
  const std::vector<Octave>& octaves(float tuning) const;

 private:
  struct Table;
  CqtOptions options_;
  double sample_rate_;
  int hop_length_;
  std::shared_ptr<Table> table_;
};

/// Magnitude of the constant-Q transform, abs(librosa.cqt(y, sr=sample_rate, ...)).
/// signal  [samples]       clips end to end
/// out     [frames, bins]  frames = frames_of(samples, hop_length)
/// On CUDA it waits for the clips' tunings where the options leave them open: filters hang on them.
/// Throws ShapeError when the shapes do not fit.
void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out);

/// What cqt() takes for the clips' tunings where the options leave them open, as librosa does:
/// estimate_tuning of magnitudes of 2048 points every 512 samples, whatever the transform's
/// hop_length.
/// tuning  [clips]
void estimate_cqt_tuning(Context& context, const CqtPlan& plan, Tensor<const float> signal,
                         const Ragged& samples, Tensor<float> tuning);

namespace cpu {
void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out);
}  // namespace cpu
namespace cuda {
void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
