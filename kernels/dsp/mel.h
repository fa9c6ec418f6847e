#pragma once

#include <memory>
#include <optional>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int mel_revision = 1;

/// slaney: each triangle has the same area; none: the same height, 1.
enum class MelNorm { slaney, none };
constexpr auto enum_names(MelNorm) { return std::to_array<std::string_view>({"slaney", "none"}); }

/// Triangular filters evenly spaced on a mel scale, as librosa.filters.mel. htk is the scale 2595
/// log10(1 + f / 700), else Slaney's: linear below 1000 Hz and logarithmic above.
struct MelOptions {
  int n_mels = 128;
  double fmin = 0;
  std::optional<double> fmax = std::nullopt;
  bool htk = false;
  MelNorm mel_norm = MelNorm::slaney;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_mels", self.n_mels, Range{1, 4096}, "number of mel bands");
    visit("fmin", self.fmin, Range{0}, "lowest frequency, Hz");
    visit("fmax", self.fmax, Range{0}, "highest frequency, Hz; null: half the sample rate");
    visit("htk", self.htk, Range{}, "the mel scale of HTK instead of Slaney's");
    visit("mel_norm", self.mel_norm, Range{},
          "slaney: bands of the same area; none: of the same height, 1");
  }
};

/// The filters, each its first bin and the weights from there on, computed in float64 and rounded
/// to float32 as librosa does. Immutable; copies share the table. Throws ConfigError unless
/// 0 <= fmin < fmax <= sample_rate / 2.
class MelBank {
 public:
  struct Filter {
    Index first_bin = 0;
    std::span<const float> weights;
  };

  MelBank(const MelOptions& options, double sample_rate, int n_fft);
  /// Kaldi's: triangles of height 1 that are straight on the mel scale 1127 log(1 + f / 700)
  /// itself; the bin at half the sample rate belongs to none. Throws as above.
  static MelBank kaldi(int n_mels, double fmin, double fmax, double sample_rate, int n_fft);

  Index bins() const;
  Index n_mels() const;
  Filter filter(Index mel) const;
  /// Filters narrower than the distance of two bins: they hold no weight and always give 0.
  /// librosa warns of them.
  std::span<const Index> empty_filters() const;
  /// What the filters live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return table_; }

 private:
  struct Table;
  explicit MelBank(std::shared_ptr<const Table> table) : table_(std::move(table)) {}
  std::shared_ptr<const Table> table_;
};

/// Mel power spectrogram of a ragged batch.
/// power  [frames, 1 + n_fft/2]  |STFT|^2, all clips end to end
/// out    [frames, n_mels]
/// Throws ShapeError when power does not fit the bank.
void mel_power(Context& context, Tensor<const float> power, const MelBank& bank, Tensor<float> out);

namespace cpu {
void mel_power(Context& context, Tensor<const float> power, const MelBank& bank, Tensor<float> out);
/// One tile: power [bins, lanes] to mel [n_mels, lanes].
void mel_power_tile(const MelBank& bank, const float* power, float* mel);
}  // namespace cpu
namespace cuda {
void mel_power(Context& context, Tensor<const float> power, const MelBank& bank, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
