#pragma once

#include <vector>

#include "tests/kernels/nn/operation_case.h"

namespace serenade::test {

/// conv1d and dense at the shapes of all_cases, and at some that reach the edges of the GPU's
/// tiles: 64 columns, 8 to 64 rows, 16 of the depth.
std::vector<OperationCase> matrix_cases();

}  // namespace serenade::test
