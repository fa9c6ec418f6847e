#pragma once

#include "tests/reference/spectral.h"

/// Centroid, bandwidth, roll-off, flatness and flux of one clip as their definitions say, in
/// float64 and plain loops. magnitude [frames][1 + n_fft/2]; results [frames][1].
namespace serenade::reference {

Matrix spectral_centroid(const Matrix& magnitude, double sample_rate);
Matrix spectral_bandwidth(const Matrix& magnitude, double sample_rate, double p);
Matrix spectral_rolloff(const Matrix& magnitude, double sample_rate, double roll_percent);
Matrix spectral_flatness(const Matrix& magnitude, double amin);
Matrix spectral_flux(const Matrix& magnitude);

}  // namespace serenade::reference
