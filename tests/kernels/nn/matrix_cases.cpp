#include "tests/kernels/nn/matrix_cases.h"

namespace serenade::test {

std::vector<OperationCase> matrix_cases() {
  using enum Padding;
  auto cases = all_cases();
  std::erase_if(cases, [](const OperationCase& c) {
    return !c.name.starts_with("conv1d") && !c.name.starts_with("dense");
  });
  for (OperationCase& c : std::vector<OperationCase>{
           conv1d_case(3, 37, 20, {33, 5, same, true}),
           conv1d_case(1, 64, 16, {64, 1, valid, true}),            // whole tiles
           conv1d_case(17, 9, 17, {65, 3, causal, false}),          // one more column
           conv1d_case(9, 15, 24, {70, 3, same, true, 2, 2}),       // strided
           conv1d_case(2, 40, 17, {16, 4, valid, true, 3}),         // steps that no output has
           conv1d_case(2, 33, 36, {54, 3, causal, true, 2, 3, 2}),  // groups with tiles
           conv1d_case(1, 300, 31, {16, 2, same, true, 1, 40}),     // far apart taps
           conv1d_case(5, 21, 64, {32, 3, same, true, 1, 1, 4}),    // 8 filters a group
           dense_case(16, 16, 16, true), dense_case(65, 130, 67, true),
           dense_case(33, 200, 17, false), dense_case(130, 17, 200, true)}) {
    cases.push_back(std::move(c));
  }
  return cases;
}

}  // namespace serenade::test
