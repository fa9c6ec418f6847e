#include <gtest/gtest.h>

#include "kernels/device/memory.h"
#include "tests/kernels/nn/matrix_cases.h"
#include "tests/kernels/nn/on_device.h"

namespace serenade::test {
namespace {

class EveryMatrixOperation : public testing::TestWithParam<OperationCase> {};

/// The order of every sum is the same, and a multiply-add is rounded once on either.
TEST_P(EveryMatrixOperation, GivesTheCpusNumbersOnTheGpu) {
  if constexpr (has_cuda) {
    if (cuda::devices().empty()) GTEST_SKIP() << "no GPU here";
    Context cpu(2);
    Context gpu(Device::cuda);
    const Computed expected = compute(cpu, GetParam());
    const Computed found = compute(gpu, GetParam());
    EXPECT_EQ(found.output, expected.output);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
      EXPECT_EQ(found.gradients[i], expected.gradients[i]) << "gradient of input " << i;
    }
  } else {
    GTEST_SKIP() << "this build has no CUDA";
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryMatrixOperation, testing::ValuesIn(matrix_cases()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace serenade::test
