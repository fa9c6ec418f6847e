#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/device/philox.h"
#include "tests/kernels/nn/operation_case.h"

namespace serenade::test {
namespace {

/// A tensor with sentinels behind it, so that a write past its end is seen.
class Guarded {
 public:
  explicit Guarded(Shape shape) : shape_(shape), numbers_(Shape{shape.size() + guard}) {
    numbers_.fill(sentinel);
  }
  Tensor<float> view() { return {numbers_.data(), shape_}; }
  std::vector<float> values() const { return {numbers_.data(), numbers_.data() + shape_.size()}; }
  bool intact() const {
    const auto behind = numbers_.span().subspan(static_cast<std::size_t>(shape_.size()));
    return std::ranges::all_of(behind, [](float value) { return value == sentinel; });
  }

 private:
  static constexpr Index guard = 32;
  static constexpr float sentinel = -123456.0F;
  Shape shape_;
  Array<float> numbers_;
};

using Numbers = std::vector<std::vector<float>>;

/// Uniform in [-1, 1).
std::vector<float> random_values(Index size, std::uint32_t stream) {
  std::vector<float> values;
  for (Index i = 0; i < size; ++i) {
    const Philox::Counter counter{static_cast<std::uint32_t>(i), stream, 0,
                                  purpose_of(Purpose::test)};
    values.push_back(2 * uniform(Philox(1)(counter)[0]) - 1);
  }
  return values;
}

Numbers random_inputs(const OperationCase& c) {
  Numbers inputs;
  for (const Shape& shape : c.inputs) {
    inputs.push_back(random_values(shape.size(), static_cast<std::uint32_t>(inputs.size())));
  }
  return inputs;
}

std::vector<float> random_dy(const OperationCase& c) { return random_values(c.output.size(), 99); }

struct Results {
  std::vector<float> output;
  Numbers gradients;
};

/// Forward and backward into buffers full of sentinels: what is not overwritten shows.
Results run(const OperationCase& c, const Numbers& numbers, int threads = 1) {
  Context context(threads);
  Inputs inputs;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    inputs.emplace_back(numbers[i].data(), c.inputs[i]);
  }
  Guarded y(c.output);
  c.forward(context, inputs, y.view());
  EXPECT_TRUE(y.intact()) << c.name << " writes past the end of its output";
  Results results{y.values(), {}};
  if (!c.backward) return results;
  std::vector<Guarded> gradients;
  for (const Shape& shape : c.inputs) gradients.emplace_back(shape);
  std::vector<Tensor<float>> views;
  for (Guarded& gradient : gradients) views.push_back(gradient.view());
  const auto dy = random_dy(c);
  c.backward(context, inputs, y.view(), {dy.data(), c.output}, views);
  for (const Guarded& gradient : gradients) {
    EXPECT_TRUE(gradient.intact()) << c.name << " writes past the end of a gradient";
    results.gradients.push_back(gradient.values());
  }
  return results;
}

/// Largest difference over the largest wanted value, or over 1 where all are smaller than the
/// inputs. A NaN or infinity gives infinity.
double largest_error(const std::vector<float>& got, const Doubles& want) {
  double error = 0, scale = 1;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) return std::numeric_limits<double>::infinity();
    error = std::max(error, std::abs(double{got[i]} - want[i]));
    scale = std::max(scale, std::abs(want[i]));
  }
  return error / scale;
}

/// A chain of n float32 roundings strays by about sqrt(n) half-units of the last place (6e-8):
/// four times that, and eight roundings for the rest of an operation.
double tolerance(const OperationCase& c) {
  return 6e-8 * (8 + 4 * std::sqrt(static_cast<double>(c.terms)));
}

std::vector<Doubles> widened(const Numbers& numbers) {
  std::vector<Doubles> wide;
  for (const auto& values : numbers) wide.emplace_back(values.begin(), values.end());
  return wide;
}

void expect_definition(const OperationCase& c) {
  const Numbers inputs = random_inputs(c);
  const Doubles want = c.definition(widened(inputs));
  ASSERT_EQ(static_cast<Index>(want.size()), c.output.size());
  EXPECT_LE(largest_error(run(c, inputs).output, want), tolerance(c)) << c.name;
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

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b,
                      const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << what << ", element " << i << ": " << a[i] << " and " << b[i];
  }
}

class EveryOperation : public testing::TestWithParam<OperationCase> {};
class DifferentiableOperation : public EveryOperation {};
class RowwiseOperation : public EveryOperation {};

TEST_P(EveryOperation, EqualsItsDefinition) { expect_definition(GetParam()); }

TEST_P(DifferentiableOperation, HasTheGradientOfItsDefinition) { expect_gradients(GetParam()); }

TEST_P(EveryOperation, GivesTheSameBitsForAnyNumberOfThreads) {
  const OperationCase& c = GetParam();
  const Numbers inputs = random_inputs(c);
  const Results alone = run(c, inputs, 1);
  for (const int threads : {2, 3, 7}) {
    const Results together = run(c, inputs, threads);
    expect_same_bits(alone.output, together.output, c.name);
    for (std::size_t k = 0; k < alone.gradients.size(); ++k) {
      expect_same_bits(alone.gradients[k], together.gradients[k], c.name + ", a gradient");
    }
  }
}

TEST_P(RowwiseOperation, GivesARowTheSameBitsInAnyBatch) {
  const OperationCase& whole = GetParam();
  const Numbers inputs = random_inputs(whole);
  const Results together = run(whole, inputs, 2);
  const Index batch = whole.output[0];
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
      const Results apart = run(whole.on_rows(rows, first), some);
      expect_same_bits(apart.output, slice(together.output), whole.name);
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
          *rc::gen::element(Padding::same, Padding::valid, Padding::causal),
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
      LeakyReluOptions{}, EluOptions{}, GeluOptions{}, SiluOptions{});
  const auto c = activation_case(between(1, 4), between(1, 9), between(1, 9), options);
  expect_definition(c);
  expect_gradients(c);
  const auto gate = channel_gate_case(between(1, 4), between(1, 9), between(1, 9));
  expect_definition(gate);
  expect_gradients(gate);
  RC_ASSERT(!testing::Test::HasFailure());
}

RC_GTEST_PROP(RandomShapes, Dropout, ()) {
  const double rate = static_cast<double>(between(0, 99)) / 100;
  expect_definition(dropout_case(between(1, 4), between(1, 40), between(1, 20), rate));
  RC_ASSERT(!testing::Test::HasFailure());
}

}  // namespace
}  // namespace serenade::test
