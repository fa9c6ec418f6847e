#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "kernels/device/session.h"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"
#include "tests/kernels/nn/run_operation.h"
#include "tests/kernels/nn/training_operation.h"

// The networks' operations on the emulated GPU, in three orders of threads and with several sizes
// of blocks; once more with every access watched.
namespace serenade::test {
namespace {

using emulation::Order;

constexpr std::array<std::pair<Order, const char*>, 3> orders{
    {{Order::forward, "forward"}, {Order::reverse, "reverse"}, {Order::random, "random"}}};

/// Runs `body` with a context for each order and block size; it must find no fault.
template <class Body>
void on_every_order(const Body& body) {
  for (const auto& [order, name] : orders) {
    for (const int threads : {32, 64, 256}) {
      if (emulation::watches() && threads != 64) continue;
      SCOPED_TRACE(std::string(name) + ", blocks of " + std::to_string(threads));
      emulation::use_order(order, 5);
      emulation::use_stream_seed(static_cast<std::uint64_t>(threads));
      Context gpu(Device::cuda);
      gpu.session().use_block_size(threads);
      body(gpu);
      emulation::use_order(Order::forward);
      ASSERT_EQ(emulation::take_faults(), "");
    }
  }
}

class EveryNetworkOperationEmulated : public ::testing::TestWithParam<OperationCase> {};

TEST_P(EveryNetworkOperationEmulated, GivesTheCpusNumbersInEveryOrderAndBlockSize) {
  const OperationCase& c = GetParam();
  const Numbers inputs = random_inputs(c);
  Context cpu(2);
  const Results wanted = run(cpu, c, inputs);
  on_every_order([&](Context& gpu) { expect_close(c, wanted, run(gpu, c, inputs)); });
}

INSTANTIATE_TEST_SUITE_P(Networks, EveryNetworkOperationEmulated, ::testing::ValuesIn(all_cases()),
                         [](const auto& test) { return test.param.name; });

class EveryTrainingOperationEmulated : public ::testing::TestWithParam<TrainingOperation> {};

TEST_P(EveryTrainingOperationEmulated, GivesTheCpusNumbersInEveryOrderAndBlockSize) {
  Context cpu(2);
  const std::vector<double> wanted = GetParam().run(cpu);
  on_every_order([&](Context& gpu) { expect_close(GetParam(), wanted, GetParam().run(gpu)); });
}

INSTANTIATE_TEST_SUITE_P(Networks, EveryTrainingOperationEmulated,
                         ::testing::ValuesIn(training_operations()),
                         [](const auto& test) { return test.param.name; });

/// No rows, no steps, no arrays: nothing is launched, nothing is read.
TEST(NetworkOperationsEmulated, TakeNothing) {
  on_every_order([](Context& gpu) {
    for (const OperationCase& c :
         {relu_case(0, 3, 4), add_case(2, 0, 4), activation_case(1, 2, 0, GeluOptions{}),
          layer_norm_case(0, 3, 4), channel_gate_case(0, 3, 4), channel_gate_case(2, 3, 0),
          max_pool_case(0, 4, 3, {{2, {}}}), average_pool_case(2, 4, 0, {{2, 1}}),
          statistics_pool_case(0, 3, 4), attention_pool_case(0, 3, 4, 2, true),
          global_average_pool_case(2, 3, 0), dropout_case(0, 3, 4, 0.5), dropout_case(2, 0, 4, 0.5),
          batch_norm_inference_case(0, 3, 4), softmax_case(0, 3)}) {
      const Results found = run(gpu, c, random_inputs(c));
      EXPECT_EQ(static_cast<Index>(found.output.size()), c.output.size()) << c.name;
    }
  });
}

}  // namespace
}  // namespace serenade::test
