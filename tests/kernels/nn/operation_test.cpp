#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/nn/backend.h"
#include "tests/kernels/nn/operation_case.h"
#include "tests/kernels/nn/run_operation.h"
#include "tests/support/devices.h"
#include "tests/support/vector_paths.h"

namespace serenade::test {
namespace {

Results run(const OperationCase& c, const Numbers& inputs, int threads = 1) {
  Context context(threads);
  return run(context, c, inputs);
}

std::vector<Doubles> widened(const Numbers& numbers) {
  std::vector<Doubles> wide;
  for (const auto& values : numbers) wide.emplace_back(values.begin(), values.end());
  return wide;
}

void expect_definition(Context& context, const OperationCase& c) {
  const Numbers inputs = random_inputs(c);
  const Doubles want = c.definition(widened(inputs));
  ASSERT_EQ(static_cast<Index>(want.size()), c.output.size());
  EXPECT_LE(largest_error(run(context, c, inputs).output, want), tolerance(c)) << c.name;
}

void expect_definition(const OperationCase& c) {
  Context context;
  expect_definition(context, c);
}

/// d sum(dy y) / d input by central differences of the definition: in float64 with a step of 1e-6
/// these are good to about 1e-9, far below float32.
void expect_gradients(const OperationCase& c) {
  const Numbers numbers = random_inputs(c);
  const auto dy = random_dy(c);
  const Results results = run(c, numbers);
  auto inputs = widened(numbers);
  constexpr double step = 1e-6;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    Doubles want(inputs[k].size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double here = inputs[k][i];
      inputs[k][i] = here + step;
      const Doubles above = c.definition(inputs);
      inputs[k][i] = here - step;
      const Doubles below = c.definition(inputs);
      inputs[k][i] = here;
      for (std::size_t o = 0; o < dy.size(); ++o) {
        want[i] += double{dy[o]} * (above[o] - below[o]) / (2 * step);
      }
    }
    EXPECT_LE(largest_error(results.gradients[k], want), tolerance(c) + 1e-8)
        << c.name << ", gradient of input " << k;
  }
}

class EveryOperation : public testing::TestWithParam<OperationCase> {};
class DifferentiableOperation : public EveryOperation {};
class RowwiseOperation : public EveryOperation {};

TEST_P(EveryOperation, EqualsItsDefinition) {
  for (const Device device : all_devices()) {
    SCOPED_TRACE(to_string(device));
    Context context(device);
    expect_definition(context, GetParam());
  }
}

TEST_P(EveryOperation, GivesTheCpusNumbersOnEveryDeviceAndTheSameBitsTwice) {
  const OperationCase& c = GetParam();
  const Numbers inputs = random_inputs(c);
  const Results cpu = run(c, inputs);
  for (const Device device : all_devices()) {
    SCOPED_TRACE(to_string(device));
    Context context(device);
    const Results found = run(context, c, inputs);
    expect_close(c, cpu, found);
    expect_same_bits(found, run(context, c, inputs), c.name);
  }
}

TEST_P(DifferentiableOperation, HasTheGradientOfItsDefinition) { expect_gradients(GetParam()); }

using OperationOnPath = std::tuple<VectorPath, OperationCase>;
class EveryOperationOnEveryPath : public OnVectorPath<OperationOnPath> {};

TEST_P(EveryOperationOnEveryPath, GivesTheBitsOfTheScalarPathOnAnyNumberOfThreads) {
  const auto& [path, c] = GetParam();
  const Numbers inputs = random_inputs(c);
  use_vector_path(VectorPath::scalar);
  const Results scalar = run(c, inputs, 1);
  use_vector_path(path);
  for (const int threads : {1, 2, 3, 7}) {
    const Results found = run(c, inputs, threads);
    expect_same_bits(scalar, found, c.name);
  }
}

TEST_P(RowwiseOperation, GivesARowTheSameBitsInAnyBatchOnEveryDevice) {
  const OperationCase& whole = GetParam();
  const Numbers inputs = random_inputs(whole);
  const Index batch = whole.output[0];
  for (const Device device : all_devices()) {
    Context context(device, 2);
    // Libraries choose their order of sums by the batch: what predicts are own kernels.
    use_backend(context, {.backend = Backend::plain});
    const Results together = run(context, whole, inputs);
    for (const Index part : {Index{1}, Index{2}, Index{5}}) {
      for (Index first = 0; first < batch; first += part) {
        const Index rows = std::min(part, batch - first);
        const auto slice = [&](const std::vector<float>& values) {
          const Index row = static_cast<Index>(values.size()) / batch;
          return std::vector<float>(values.begin() + first * row,
                                    values.begin() + (first + rows) * row);
        };
        Numbers some = inputs;
        some[0] = slice(inputs[0]);
        const Results apart = run(context, whole.on_rows(rows, first), some);
        expect_same_bits(apart.output, slice(together.output), whole.name);
      }
    }
  }
}

template <class Predicate>
std::vector<OperationCase> cases_where(const Predicate& holds) {
  auto cases = all_cases();
  std::erase_if(cases, [&](const OperationCase& c) { return !holds(c); });
  return cases;
}

std::string case_name(const testing::TestParamInfo<OperationCase>& tested) {
  return tested.param.name;
}

// Finite differences of the largest cases take too long; smaller shapes of them are checked.
constexpr Index largest_difference = 5000;

INSTANTIATE_TEST_SUITE_P(Shapes, EveryOperation, testing::ValuesIn(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Shapes, EveryOperationOnEveryPath,
                         testing::Combine(every_vector_path, testing::ValuesIn(all_cases())),
                         PathName());
INSTANTIATE_TEST_SUITE_P(Shapes, DifferentiableOperation,
                         testing::ValuesIn(cases_where([](const OperationCase& c) {
                           return c.backward && c.inputs[0].size() <= largest_difference;
                         })),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shapes, RowwiseOperation,
                         testing::ValuesIn(cases_where([](const OperationCase& c) {
                           return static_cast<bool>(c.on_rows);
                         })),
                         case_name);

int between(int low, int high) { return *rc::gen::inRange(low, high + 1); }

Conv1dOptions any_convolution(int most_filters, int most_steps) {
  const int groups = *rc::gen::element(1, 1, 2, 5);
  return {groups * between(1, std::max(1, most_filters / groups)),
          between(1, most_steps),
          *rc::gen::element(Padding::same, Padding::valid, Padding::causal, Padding::anticausal),
          *rc::gen::arbitrary<bool>(),
          *rc::gen::element(1, 1, 2, 3),
          *rc::gen::element(1, 1, 2, 4),
          groups};
}

int any_time(const Conv1dOptions& options, int most) {
  const int least = options.padding == Padding::valid ? static_cast<int>(conv1d_span(options)) : 1;
  return least + between(0, most);
}

/// A convolution as it may come, depthwise now and then.
OperationCase any_convolution_case(int most_batch, int most_time, int most_channels,
                                   Conv1dOptions options) {
  int channels = options.groups * between(1, std::max(1, most_channels / options.groups));
  if (between(0, 3) == 0) options.groups = options.filters = channels;
  return conv1d_case(between(1, most_batch), any_time(options, most_time), channels, options);
}

RC_GTEST_PROP(RandomShapes, Conv1d, ()) {
  expect_definition(any_convolution_case(4, 40, 40, any_convolution(40, 9)));
  expect_gradients(any_convolution_case(3, 6, 5, any_convolution(8, 4)));
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, Dense, ()) {
  const bool use_bias = *rc::gen::arbitrary<bool>();
  expect_definition(dense_case(between(1, 20), between(1, 80), between(1, 50), use_bias));
  expect_gradients(dense_case(between(1, 8), between(1, 9), between(1, 9), use_bias));
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, Pools, ()) {
  const MaxPoolOptions options{{between(1, 5), between(1, 6)}};
  const AveragePoolOptions average{options};
  const int time = between(options.pool_size, 30), batch = between(1, 4);
  const int channels = between(1, 20);
  expect_definition(max_pool_case(batch, time, channels, options));
  expect_gradients(max_pool_case(1, time, between(1, 3), options));
  expect_definition(average_pool_case(batch, time, channels, average));
  expect_gradients(average_pool_case(1, time, between(1, 3), average));
  expect_definition(statistics_pool_case(batch, time, channels));
  expect_gradients(statistics_pool_case(2, between(1, 9), between(1, 3)));
  const int heads = between(1, 4);
  const bool deviations = *rc::gen::arbitrary<bool>();
  expect_definition(attention_pool_case(batch, time, heads * channels, heads, deviations));
  expect_gradients(attention_pool_case(2, between(1, 9), heads * between(1, 3), heads, deviations));
  expect_definition(global_average_pool_case(batch, time, channels));
  expect_definition(global_max_pool_case(batch, time, channels));
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, BatchNorm, ()) {
  const auto c = batch_norm_case(between(2, 4), between(2, 9), between(1, 9));
  expect_definition(c);
  expect_gradients(c);
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, LayerNorm, ()) {
  expect_definition(layer_norm_case(between(1, 4), between(1, 40), between(1, 70)));
  expect_gradients(layer_norm_case(between(1, 3), between(1, 4), between(1, 20)));
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, Activations, ()) {
  const ActivationOptions options = *rc::gen::element<ActivationOptions>(
      LeakyReluOptions{}, EluOptions{}, GeluOptions{}, SiluOptions{}, TanhOptions{});
  const auto c = activation_case(between(1, 4), between(1, 9), between(1, 9), options);
  expect_definition(c);
  expect_gradients(c);
  const auto gate = channel_gate_case(between(1, 4), between(1, 9), between(1, 9));
  expect_definition(gate);
  expect_gradients(gate);
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, WeightedSum, ()) {
  expect_definition(weighted_sum_case(between(1, 9), between(1, 3), between(1, 3000)));
  expect_gradients(weighted_sum_case(between(1, 9), between(1, 3), between(1, 40)));
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, Dropout, ()) {
  const double rate = static_cast<double>(between(0, 99)) / 100;
  expect_definition(dropout_case(between(1, 4), between(1, 40), between(1, 20), rate));
  expect_definition(channel_dropout_case(between(1, 4), between(1, 40), between(1, 20), rate));
  RC_ASSERT(!testing::Test::HasFailure());
}

}  // namespace
}  // namespace serenade::test
