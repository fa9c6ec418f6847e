#pragma once

#include "kernels/device/tensor.h"

namespace serenade::cpu {

/// Sum over c in [0, count) of term(c): sixteen chains, one for every sixteenth term, which the
/// compiler makes vectors of, added in order.
template <class Term>
float chained_sum(Index count, const Term& term) {
  constexpr Index chains = 16;
  float sums[chains] = {};
  Index c = 0;
  for (; c + chains <= count; c += chains) {
    for (Index i = 0; i < chains; ++i) sums[i] += term(c + i);
  }
  for (Index i = 0; c + i < count; ++i) sums[i] += term(c + i);
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

}  // namespace serenade::cpu
