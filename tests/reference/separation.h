#pragma once

#include <complex>
#include <cstddef>
#include <optional>
#include <vector>

#include "tests/reference/spectral.h"

/// Harmonic-percussive separation of one clip as its definition says, in float64 and plain loops.
namespace serenade::reference {

/// Each number the median of `width` numbers around it, of its column (over time) or of its row;
/// beyond the ends the last number again, then the one before it, and so on.
Matrix median_filter(const Matrix& rows, int width, bool over_time);

/// The share of `mine` beside margin x `theirs`, number by number; power: nothing where all goes to
/// the larger. of_zeros: where both are 0.
Matrix soft_mask(const Matrix& mine, const Matrix& theirs, double margin,
                 std::optional<double> power, double of_zeros);

/// librosa.istft(spectra, length=length) as its documentation has it, by a plain transform: frames
/// centred hop_length apart, times a Hann window, over the sum of the squared windows.
Signal istft(const std::vector<std::vector<std::complex<double>>>& spectra, int n_fft,
             int hop_length, std::ptrdiff_t length);

}  // namespace serenade::reference
