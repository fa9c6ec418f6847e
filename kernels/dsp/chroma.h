#pragma once

#include <memory>
#include <optional>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int chroma_revision = 1;

/// Energy in each pitch class, librosa.feature.chroma_stft. The first class is C where n_chroma is
/// a multiple of 12.
struct ChromaOptions {
  int n_chroma = 12;
  std::optional<double> tuning;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_chroma", self.n_chroma, Range{1, 120}, "pitch classes in an octave");
    visit("tuning", self.tuning, Range{-1, 1},
          "deviation from A440 in pitch classes; null: estimated for each clip");
  }
};

/// The filters, librosa.filters.chroma with its defaults: a Gaussian bump a pitch class, each bin's
/// weights of Euclidean norm 1, then weighted by a Gaussian of two octaves around the fifth.
/// Computed in float64, rounded to float32. Where the tuning is estimated there is one bank for
/// each of its 100 values, made when first used. Copies share the banks; any number of threads may
/// use one object. Throws ConfigError for options out of range.
class ChromaBank {
 public:
  /// Classes that are computed at a time; weights are laid out by them.
  static constexpr Index block = 12;

  ChromaBank(const ChromaOptions& options, double sample_rate, int n_fft);

  const ChromaOptions& options() const { return options_; }
  double sample_rate() const { return sample_rate_; }
  Index bins() const { return 1 + n_fft_ / 2; }
  Index n_chroma() const { return options_.n_chroma; }
  /// For a tuning as estimate_tuning (tuning.h) gives it; ignored where the options fix the tuning.
  /// [ceil(n_chroma / block), bins, block], zeros beyond n_chroma.
  std::span<const float> weights(float tuning) const;
  /// What the banks live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return table_; }

 private:
  struct Table;
  ChromaOptions options_;
  double sample_rate_;
  int n_fft_;
  std::shared_ptr<Table> table_;
};

/// power   [frames, 1 + n_fft/2]  |STFT|^2, clips end to end
/// out     [frames, n_chroma]     each frame divided by its maximum; zeros stay zeros
/// Throws ShapeError when the shapes do not fit.
void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out);

namespace cpu {
void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
