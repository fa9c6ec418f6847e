#pragma once

#include <memory>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int dct_revision = 1;

/// MFCC are the first n_mfcc coefficients of the orthonormal DCT-II of the mel spectrogram in dB.
struct MfccOptions {
  int n_mfcc = 40;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_mfcc", self.n_mfcc, Range{1, 4096}, "number of coefficients, at most n_mels");
  }
};

/// Rows of the orthonormal DCT-II, computed in float64: coefficient k of n inputs is
/// sum_i x[i] s_k cos(pi k (2 i + 1) / (2 n)), s_0 = sqrt(1/n), s_k = sqrt(2/n); as
/// scipy.fft.dct(type=2, norm="ortho"). Immutable; copies share the table. Throws ConfigError
/// unless 1 <= coefficients <= inputs.
class DctBasis {
 public:
  DctBasis(Index inputs, Index coefficients);

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
