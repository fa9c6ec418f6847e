#pragma once

#include "kernels/dsp/cqt.h"

namespace serenade {

/// Of the numbers these operations give; part of the cache's key.
inline constexpr int chroma_cqt_revision = 1;

/// Energy in each pitch class by a constant-Q transform, librosa.feature.chroma_cqt. The first
/// class is C where n_chroma is a multiple of 12.
struct ChromaCqtOptions {
  double fmin = note_c1;
  int n_octaves = 7;
  int bins_per_octave = 36;
  int n_chroma = 12;
  std::optional<double> tuning;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("fmin", self.fmin, Range{0, 1e6, true}, "frequency of the lowest bin, Hz; the note C1");
    visit("n_octaves", self.n_octaves, Range{1, 20}, "octaves");
    visit("bins_per_octave", self.bins_per_octave, Range{4, 240},
          "bins in an octave, a multiple of n_chroma");
    visit("n_chroma", self.n_chroma, Range{1, 120}, "pitch classes in an octave");
    visit("tuning", self.tuning, Range{-1, 1},
          "deviation from A440 in bins; null: estimated for each clip");
  }
};

/// Throws ConfigError for options that are out of range or contradict each other.
void check(const ChromaCqtOptions& options);

/// The transform whose magnitudes are folded.
CqtOptions transform_of(const ChromaCqtOptions& options);

/// Sums of the bins of each class, not normalised.
/// magnitude  [frames, bins of transform_of(options)]
/// out        [frames, n_chroma]
/// Throws ShapeError when the shapes do not fit.
void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out);

/// Each frame divided by its maximum; zeros stay zeros. out may be the same memory as chroma.
void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out);

/// Chroma energy normalized statistics (Müller, Ewert 2011), librosa.feature.chroma_cens: each
/// frame's shares of its sum become a quarter for each of 0.05, 0.1, 0.2 and 0.4 that they exceed,
/// are smoothed over `width` frames by a Hann window of sum 1, zeros around the clip, and divided
/// by their Euclidean norm. Shares decide by comparison: another rounding may give another quarter.
/// On the CPU only.
/// chroma  [frames, n_chroma]  not normalised, clips end to end
/// out     [frames, n_chroma]  other memory than chroma
/// Throws ShapeError when the shapes do not fit, ConfigError unless width is at least 1.
void chroma_cens(Context& context, Tensor<const float> chroma, const Ragged& frames, int width,
                 Tensor<float> out);

/// The class of a filter whose centre lies lowest, [0, n_chroma).
Index class_of_lowest(const ChromaCqtOptions& options);

namespace cpu {
void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out);
void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out);
void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
