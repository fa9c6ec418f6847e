#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/memory.h"
#include "kernels/nn/backend.h"
#include "tests/kernels/nn/matrix_cases.h"
#include "tests/kernels/nn/on_device.h"

namespace serenade::test {
namespace {

class EveryMatrixOperation : public testing::TestWithParam<OperationCase> {
 protected:
  void SetUp() override {
    if constexpr (has_cuda) {
      if (cuda::devices().empty()) GTEST_SKIP() << "no GPU here";
    }
  }

  static Computed on_cpu() {
    Context cpu(2);
    return compute(cpu, GetParam());
  }
  static Computed on_gpu(const BackendOptions& options) {
    Context gpu(Device::cuda);
    use_backend(gpu, options);
    return compute(gpu, GetParam());
  }
};

/// The largest difference over the largest number, or over 1. A NaN gives infinity.
double largest_error(const Numbers& found, const Numbers& expected) {
  double error = 0, scale = 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(found[i])) return std::numeric_limits<double>::infinity();
    error = std::max(error, std::abs(double{found[i]} - double{expected[i]}));
    scale = std::max(scale, std::abs(double{expected[i]}));
  }
  return error / scale;
}

/// The order of every sum is the same, and a multiply-add is rounded once on either.
TEST_P(EveryMatrixOperation, GivesTheCpusNumbersByOwnKernels) {
  const Computed expected = on_cpu();
  const Computed found = on_gpu({Backend::plain});
  EXPECT_EQ(found.output, expected.output);
  for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
    EXPECT_EQ(found.gradients[i], expected.gradients[i]) << "gradient of input " << i;
  }
}

/// Libraries add up in another order: both are as far from the definition as roundings of so many
/// terms may lead (operation_test.cpp).
TEST_P(EveryMatrixOperation, GivesTheCpusNumbersButForRoundingByLibraries) {
  const double tolerance = 2 * 6e-8 * (8 + 4 * std::sqrt(static_cast<double>(GetParam().terms)));
  const Computed expected = on_cpu();
  const Computed found = on_gpu({Backend::library});
  EXPECT_LE(largest_error(found.output, expected.output), tolerance);
  for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
    EXPECT_LE(largest_error(found.gradients[i], expected.gradients[i]), tolerance)
        << "gradient of input " << i;
  }
}

/// Run to run the same bits, by libraries too.
TEST_P(EveryMatrixOperation, GivesTheSameBitsAgainByLibraries) {
  const Computed first = on_gpu({Backend::library});
  const Computed second = on_gpu({Backend::library});
  EXPECT_EQ(first.output, second.output);
  EXPECT_EQ(first.gradients, second.gradients);
}

// Builds without CUDA have none of these, and nothing to skip.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EveryMatrixOperation);
INSTANTIATE_TEST_SUITE_P(Shapes, EveryMatrixOperation,
                         testing::ValuesIn(has_cuda ? matrix_cases()
                                                    : std::vector<OperationCase>{}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace serenade::test
