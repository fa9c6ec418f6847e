#pragma once

#include "tests/reference/spectral.h"

/// Constant-Q transforms of one clip and their chroma as librosa's text has them, in float64 and
/// plain loops; libsoxr decimates.
namespace serenade::reference {

struct ConstantQ {
  double fmin = 32.70319566257483;
  int n_bins = 84;
  int bins_per_octave = 12;
  double tuning = 0;
  int hop_length = 512;
};

/// [frames][n_bins]
Matrix cqt(const Signal& signal, double sample_rate, const ConstantQ& options);

/// [frames][n_chroma]; fmin is a C.
Matrix fold_octaves(const Matrix& magnitude, int bins_per_octave, int n_chroma);
Matrix divide_by_largest(const Matrix& rows);
Matrix chroma_cens(const Matrix& chroma, int width);

}  // namespace serenade::reference
