#pragma once

#include <cstdint>

#include "tests/reference/nn.h"

/// Definitions of what is done to training batches, in float64 and as plain loops, from the words
/// of Philox on.
namespace serenade::reference {

/// Who a clip is to random numbers.
struct DrawnClip {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;
  std::uint32_t step = 0;
};

/// x [frames, dims]. Masks' widths are uniform in 0 .. width, their places uniform where they fit.
Doubles spec_augment(const Doubles& x, int frames, int dims, int time_masks, int time_width,
                     int feature_masks, int feature_width, const DrawnClip& clip);

/// x [frames, dims]: columns first .. first + count - 1 move up by a number drawn from -bands ..
/// bands.
Doubles frequency_shift(const Doubles& x, int frames, int dims, int bands, int first, int count,
                        const DrawnClip& clip);

/// By Student's t: t = sqrt(n (u^(-2/n) - 1)) cos(2 pi v) of n = 2 alpha degrees of freedom
/// (Bailey 1994), and (1 + t / sqrt(n + t^2)) / 2 is then of Beta(alpha, alpha).
double mixup_share(double alpha, const DrawnClip& clip);

/// x [rows, size]; each row with the next, the last with the first.
Doubles mixup(const Doubles& x, int rows, const Doubles& shares);

/// P(X <= x) for X of Beta(alpha, alpha) and x in [0, 1], by Simpson's rule, for alpha below 1
/// over x^alpha, in which the density has no pole.
double beta_distribution(double alpha, double x);

}  // namespace serenade::reference
