#pragma once

#include <cufft.h>

#include <algorithm>

#include "kernels/device/session.h"

/// cuFFT's transforms of real rows in float64. Rows go through it in runs of one size, so that one
/// plan serves every batch and a row's bits do not depend on how many there are.
namespace serenade::cuda {

/// Rows of a run, by their points. Its buffers, of at most 8 MiB each for up to 2^20 points, stay
/// in the second-level cache of a large GPU.
inline Index rows_of_run(int points) {
  constexpr Index numbers = Index{1} << 20;
  return std::clamp<Index>(numbers / points, 1, 512);
}

/// rows [rows_of_run, points]  ->  spectra [rows_of_run, points / 2 + 1]; points: a power of two.
/// Enqueued on the session's stream. Throws DeviceError.
void fft_run(Session& session, int points, double* rows, cufftDoubleComplex* spectra);

/// The inverse but for the factor 1 / points: spectra [rows_of_run, points / 2 + 1], which it uses
/// up, -> rows [rows_of_run, points]. The first and the last bin of each must have no imaginary
/// part.
void inverse_fft_run(Session& session, int points, cufftDoubleComplex* spectra, double* rows);

}  // namespace serenade::cuda
