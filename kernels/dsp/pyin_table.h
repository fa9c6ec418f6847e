#pragma once

#include <array>
#include <vector>

#include "kernels/dsp/pyin.h"

namespace serenade {

/// What pyin.cpp and its vector code know of a plan.
struct PyinPlan::Table {
  Table(const PyinOptions& options, double sample_rate, int hop_length);

  static constexpr Index thresholds = 100;
  /// Likelihood of a threshold j / 100 .. (j + 1) / 100: of a beta distribution, 2 and 18.
  std::array<double, thresholds> likelihood{};
  double no_trough_prob;
  /// Pitches, ten a semitone, fmin the first.
  Index pitches;
  std::vector<double> frequency;
  /// Logarithm of the probability to move by o pitches, o up to `reach`, and to stay voiced or
  /// unvoiced, or to change. Triangles; near the ends of the range what is left of them is taken
  /// for the whole: log(that share), to be subtracted.
  Index reach;
  std::vector<double> stay, change;  // [reach + 1]
  std::vector<double> share;         // [pitches]
  /// How far away a pitch is felt: as far as its probability is at least 1e-4. Nearer than
  /// `stays` and `changes`, -1 for not at all, from every pitch.
  std::vector<Index> stay_reach, change_reach;  // [pitches]
  Index stays, changes;

  /// Log probabilities [pitches] lie in rows of `row` numbers from `pad` on, -infinity around them.
  Index pad, row;
};

}  // namespace serenade
