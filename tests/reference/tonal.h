#pragma once

#include <vector>

/// Chroma, tuning, spectral contrast and tonnetz of one clip as their definitions say, in float64
/// and plain loops. A matrix is rows of one frame each.
namespace serenade::reference {

using Matrix = std::vector<std::vector<double>>;

/// power [frames][1 + n_fft/2]; in [-0.5, 0.5).
double tuning(const Matrix& power, double sample_rate, int n_chroma);

/// [n_chroma][1 + n_fft/2]
Matrix chroma_filters(double sample_rate, int n_fft, int n_chroma, double tuning);

/// Each frame divided by its maximum.
Matrix chroma(const Matrix& power, double sample_rate, int n_chroma, double tuning);

/// magnitude [frames][1 + n_fft/2]; [frames][n_bands + 1], dB.
Matrix spectral_contrast(const Matrix& magnitude, double sample_rate, int n_bands, double fmin,
                         double quantile);

/// chroma [frames][n_chroma]; [frames][6].
Matrix tonnetz(const Matrix& chroma);

}  // namespace serenade::reference
