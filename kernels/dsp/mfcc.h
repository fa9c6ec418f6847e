#pragma once

#include <memory>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int dct_revision = 1;

/// ortho: the transform's matrix is orthonormal; none: scipy.fft.dct's plain sums.
enum class DctNorm { ortho, none };
constexpr auto enum_names(DctNorm) { return std::to_array<std::string_view>({"ortho", "none"}); }

/// MFCC are the first n_mfcc coefficients of a discrete cosine transform of the mel spectrogram in
/// dB, as librosa.feature.mfcc takes it.
struct MfccOptions {
  int n_mfcc = 40;
  int dct_type = 2;
  DctNorm norm = DctNorm::ortho;
  double lifter = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_mfcc", self.n_mfcc, Range{1, 4096}, "number of coefficients, at most n_mels");
    visit("dct_type", self.dct_type, Range{1, 3}, "kind of the cosine transform");
    visit("norm", self.norm, Range{}, "ortho: the transform is orthonormal; none: plain sums");
    visit("lifter", self.lifter, Range{0, 1e6},
          "coefficient k, from 0, is multiplied by 1 + lifter / 2 sin(pi (k + 1) / lifter); 0: by "
          "1");
  }
};

/// A cosine transform: types 1 to 3 of scipy.fft.dct, coefficient k multiplied by 1 + lifter / 2
/// sin(pi (k + lifter_from) / lifter) where lifter is not 0.
struct DctOptions {
  Index coefficients = 0;
  int type = 2;
  DctNorm norm = DctNorm::ortho;
  double lifter = 0;
  int lifter_from = 1;
};

/// Rows of a cosine transform, computed in float64; coefficient k of n inputs x of type 2 is sum_i
/// x[i] s_k cos(pi k (2 i + 1) / (2 n)), orthonormal with s_0 = sqrt(1/n), s_k = sqrt(2/n). Its
/// transpose is type 3; type 1 is that of an even signal of 2 n - 2. Immutable; copies share the
/// table. Throws ConfigError unless 1 <= coefficients <= inputs, and for type 1 of one input.
class DctBasis {
 public:
  DctBasis(Index inputs, const DctOptions& options);
  /// Orthonormal, of type 2.
  DctBasis(Index inputs, Index coefficients)
      : DctBasis(inputs, DctOptions{.coefficients = coefficients}) {}

  Index inputs() const { return inputs_; }
  Index coefficients() const { return coefficients_; }
  /// [coefficients, inputs]
  const float* data() const { return basis_->data(); }
  /// What they live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return basis_; }

 private:
  Index inputs_;
  Index coefficients_;
  std::shared_ptr<const std::vector<float>> basis_;
};

/// log_mel [frames, inputs], out [frames, coefficients]. Throws ShapeError when they do not fit
/// the basis.
void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out);

namespace cpu {
void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out);
/// One tile: in [inputs, lanes] to out [coefficients, lanes].
void dct_tile(const DctBasis& basis, const float* in, float* out);
}  // namespace cpu
namespace cuda {
void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
