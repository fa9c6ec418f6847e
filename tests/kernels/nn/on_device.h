#pragma once

#include <cstdint>
#include <vector>

#include "tests/kernels/nn/operation_case.h"

namespace serenade::test {

using Numbers = std::vector<float>;

/// Uniform in [-1, 1), another row of numbers for each stream.
Numbers numbers_of_stream(Index size, std::uint32_t stream);

/// The operation's output and the gradients of its inputs.
struct Computed {
  Numbers output;
  std::vector<Numbers> gradients;
};

/// Forward and backward on the context's device, on numbers of their own for each input and dy.
/// What is not overwritten is NaN.
Computed compute(Context&, const OperationCase&);

}  // namespace serenade::test
