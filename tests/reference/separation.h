#pragma once

#include <optional>

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

}  // namespace serenade::reference
