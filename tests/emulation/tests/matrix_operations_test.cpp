#include <gtest/gtest.h>

#include <tuple>

#include "kernels/device/session.h"
#include "kernels/nn/backend.h"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/tests/orders.h"
#include "tests/kernels/nn/matrix_cases.h"
#include "tests/kernels/nn/on_device.h"

namespace serenade::test {
namespace {

using emulation::Order;

using Case = std::tuple<OperationCase, Order>;
class EveryMatrixOperationEmulated : public ::testing::TestWithParam<Case> {
 protected:
  void TearDown() override {
    emulation::use_order(Order::forward);
    EXPECT_EQ(emulation::take_faults(), "");
  }
};

/// Tiles have another height with each block size. The order of the sums is the CPU's with all:
/// numbers are equal, but for the sign of zeros.
TEST_P(EveryMatrixOperationEmulated, GivesTheCpusNumbersForEveryBlockSize) {
  const auto& [operation, order] = GetParam();
  Context cpu(2);
  const Computed expected = compute(cpu, operation);
  emulation::use_order(order, 5);
  for (const int threads : {32, 64, 96, 256}) {
    // Watched, it takes a hundred times as long.
    if (emulation::watches() && threads != 64) continue;
    Context gpu(Device::cuda);
    use_backend(gpu, {Backend::plain});
    gpu.session().use_block_size(threads);
    emulation::use_stream_seed(static_cast<std::uint64_t>(threads));
    const Computed found = compute(gpu, operation);
    EXPECT_EQ(found.output, expected.output) << threads << " threads";
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
      EXPECT_EQ(found.gradients[i], expected.gradients[i])
          << threads << " threads, gradient of input " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nn, EveryMatrixOperationEmulated,
                         ::testing::Combine(::testing::ValuesIn(matrix_cases()),
                                            ::testing::Values(Order::forward, Order::reverse,
                                                              Order::random)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" +
                                  ::testing::PrintToString(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace serenade::test
