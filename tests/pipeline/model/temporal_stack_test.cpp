#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "kernels/device/philox.h"
#include "pipeline/model/network.h"
#include "tests/reference/nn.h"
#include "tests/support/error_of.h"

namespace serenade::test {
namespace {

using reference::Doubles;

constexpr int batch = 3, time = 11, channels = 4;
constexpr std::uint64_t seed = 5;
constexpr std::uint32_t step = 7;
constexpr std::array<std::uint32_t, batch> utterances{12, 3, 40};

Array<float> random_array(Shape shape, std::uint32_t stream) {
  Array<float> array(shape);
  for (Index i = 0; i < array.size(); ++i) {
    const auto words =
        Philox(3)({static_cast<std::uint32_t>(i), stream, 0, purpose_of(Purpose::test)});
    array[i] = 2 * uniform(words[0]) - 1;
  }
  return array;
}

Doubles wide(Tensor<const float> numbers) { return {numbers.span().begin(), numbers.span().end()}; }

/// The layer as it is published, in float64: against the future the sequence is reversed and what
/// comes out is turned back.
struct Definition {
  TemporalStackOptions options;
  std::map<std::string, Doubles> parameters;  // without "stack."

  Doubles reversed(const Doubles& x) const {
    const int width = static_cast<int>(x.size()) / (batch * time);
    Doubles y(x.size());
    for (int b = 0; b < batch; ++b) {
      for (int t = 0; t < time; ++t) {
        std::copy_n(x.begin() + (b * time + t) * width, width,
                    y.begin() + (b * time + time - 1 - t) * width);
      }
    }
    return y;
  }

  /// Convolution, batch norm over the batch, ReLU, dropout of channels.
  Doubles part(const Doubles& x, const std::string& name, int level, bool backward,
               std::uint32_t number) const {
    const int filters = options.filters, kernel = options.kernel_size;
    Doubles weights = parameters.at(name + ".conv1d.kernel");
    if (backward) {  // the taps that are first here are last of an anticausal convolution
      const auto tap = static_cast<std::ptrdiff_t>(weights.size()) / kernel;
      Doubles turned;
      for (int j = kernel; j-- > 0;) {
        turned.insert(turned.end(), weights.begin() + j * tap, weights.begin() + (j + 1) * tap);
      }
      weights = turned;
    }
    reference::Convolution how{kernel, filters, reference::Convolution::Padding::causal};
    how.dilation = 1 << level;
    const Doubles convolved = reference::conv1d(x, {batch, time, filters}, weights, how, {});
    const Doubles normal = reference::batch_norm(
        convolved, batch * time, filters,
        reference::column_moments(convolved, batch * time, filters),
        parameters.at(name + ".batch_norm.gamma"), parameters.at(name + ".batch_norm.beta"), 1e-3);
    return reference::channel_dropout(reference::relu(normal), {batch, time, filters},
                                      options.dropout, seed, step, number, utterances);
  }

  /// The output for x [batch, time, channels] in training.
  Doubles operator()(const Doubles& x) const {
    const int filters = options.filters;
    const Doubles projected =
        reference::conv1d(x, {batch, time, channels}, parameters.at("input.kernel"), {1, filters},
                          parameters.at("input.bias"));
    Doubles y;
    for (int direction = 0; direction < 2; ++direction) {
      Doubles h = direction == 0 ? projected : reversed(projected);
      for (int level = 0; level < options.levels; ++level) {
        const std::string name =
            (direction == 0 ? "forward." : "backward.") + std::to_string(level);
        // 10 is the stack's first number, of its input
        const auto number = static_cast<std::uint32_t>(11 + 4 * (2 * level + direction));
        Doubles f = part(h, name + ".0", level, direction == 1, number + 1);
        f = part(f, name + ".1", level, direction == 1, number + 3);
        h = reference::gate(h, f);
        const Doubles out = reference::global_average_pool(h, {batch, time, filters});
        y.resize(out.size());
        const double weight = parameters.at("weights")[static_cast<std::size_t>(level)];
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += weight * out[i];
      }
    }
    return y;
  }
};

/// A stack in a place of its own, its parameters no longer what they begin as.
struct Stacked {
  explicit Stacked(const TemporalStackOptions& options) : layers(site()) {
    layers.add(LayerSpec{options}, "stack", 4);
    definition.options = options;
    std::uint32_t stream = 20;
    for (const Parameter& parameter : layers.parameters()) {
      const auto numbers = random_array(parameter.value.shape(), ++stream);
      const bool near_1 = parameter.name.ends_with("gamma") || parameter.name.ends_with("weights");
      for (Index i = 0; i < numbers.size(); ++i) {
        parameter.value.data()[i] = near_1 ? 1 + numbers[i] / 4 : numbers[i];
      }
      definition.parameters[parameter.name.substr(6)] = wide(parameter.value);
    }
  }
  static LayerSite site() {
    LayerSite site;
    site.inner = 10;
    site.seed = seed;
    site.input = Shape{time, channels};
    return site;
  }
  LayerStack layers;
  Definition definition;
};

class EveryTemporalStack : public testing::TestWithParam<TemporalStackOptions> {};

/// Relative to the largest number: twelve convolutions in a row, each with batch norm, in float32.
constexpr double tolerance = 2e-5;

void expect_near(Tensor<const float> got, const Doubles& want, const std::string& what) {
  ASSERT_EQ(static_cast<std::size_t>(got.size()), want.size()) << what;
  double scale = 1;
  for (const double value : want) scale = std::max(scale, std::abs(value));
  for (Index i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got.data()[i], want[static_cast<std::size_t>(i)], tolerance * scale)
        << what << ", number " << i;
  }
}

TEST_P(EveryTemporalStack, IsAsPublishedAndHasTheGradientOfIt) {
  Stacked stacked(GetParam());
  Definition& definition = stacked.definition;
  Context context(2);
  const auto x = random_array({batch, time, channels}, 1);
  const StepScalars scalars{step};
  const Steps steps(context, {&scalars, 1});
  const TrainingKey key{steps.now(), {utterances.data(), Shape{batch}}};
  const Tensor<const float> y = stacked.layers.forward(context, {}, key, x.view());
  Doubles from = wide(x.view());
  expect_near(y, definition(from), "y");

  const auto dy = random_array(y.shape(), 2);
  Array<float> dx(x.shape());
  stacked.layers.backward(context, key, x.view(), dy.view(), dx.view());
  /// d sum(dy y) / d numbers[i] by central differences of the definition.
  const auto differences = [&](Doubles& numbers) {
    constexpr double h = 1e-6;
    const auto sum = [&] {
      const Doubles out = definition(from);
      double total = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        total += double{dy.data()[i]} * out[i];
      }
      return total;
    };
    Doubles slopes(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double here = numbers[i];
      numbers[i] = here + h;
      const double above = sum();
      numbers[i] = here - h;
      slopes[i] = (above - sum()) / (2 * h);
      numbers[i] = here;
    }
    return slopes;
  };
  expect_near(dx.view(), differences(from), "dx");
  for (const Parameter& parameter : stacked.layers.parameters()) {
    const std::string name = parameter.name.substr(6);
    expect_near(parameter.gradient, differences(definition.parameters[name]), name);
  }
}

INSTANTIATE_TEST_SUITE_P(Options, EveryTemporalStack,
                         testing::Values(TemporalStackOptions{5, 2, 3, 0.3},
                                         TemporalStackOptions{3, 3, 2, 0.2},
                                         TemporalStackOptions{4, 2, 5, 0},  // past the end
                                         TemporalStackOptions{2, 1, 1, 0.5}));

TEST(TemporalStack, NamesItsParametersAndBeginsThem) {
  const TemporalStackOptions options{6, 2, 2, 0.1};
  LayerStack layers(Stacked::site());
  layers.add(LayerSpec{options}, "stack", 4);
  EXPECT_EQ(layers.output(), (Shape{6}));
  std::vector<std::string> decayed;
  std::set<std::vector<float>> kernels;
  Index count = 0;
  for (const Parameter& parameter : layers.parameters()) {
    count += parameter.value.size();
    if (parameter.name == "stack.weights") {
      EXPECT_THAT(parameter.value.span(), testing::ElementsAre(1, 1));
    }
    if (!parameter.decay) continue;
    decayed.push_back(parameter.name);
    const auto values = parameter.value.span();
    EXPECT_TRUE(kernels.insert({values.begin(), values.end()}).second)
        << parameter.name << " is drawn like another";
  }
  EXPECT_THAT(decayed, testing::ElementsAre(
                           "stack.input.kernel", "stack.forward.0.0.conv1d.kernel",
                           "stack.forward.0.1.conv1d.kernel", "stack.backward.0.0.conv1d.kernel",
                           "stack.backward.0.1.conv1d.kernel", "stack.forward.1.0.conv1d.kernel",
                           "stack.forward.1.1.conv1d.kernel", "stack.backward.1.0.conv1d.kernel",
                           "stack.backward.1.1.conv1d.kernel"));
  EXPECT_EQ(count, 4 * 6 + 6 + 8 * (2 * 6 * 6 + 2 * 6) + 2);
  EXPECT_EQ(layers.site().inner, 10U + TemporalStackLayer::inner_numbers(options));
  EXPECT_EQ(layers.state().size(), 16U);
  EXPECT_EQ(layers.state()[0].name, "stack.forward.0.0.batch_norm.running_mean");
}

TEST(TemporalStack, RefusesVectorsAndMoreParametersThanThereMayBe) {
  const auto complaint = [](Shape input, Index most) {
    return test::error_of<ConfigError>([&] {
      LayerSite site = Stacked::site();
      site.input = input;
      site.max_parameters = most;
      LayerStack layers(site);
      layers.add(LayerSpec{TemporalStackOptions{6, 2, 2, 0.1}}, "stack", 4);
    });
  };
  EXPECT_EQ(complaint({9}, 100000), "stack: gets [9] but takes [time, channels]");
  constexpr Index needed = 4 * 6 + 6 + 8 * (2 * 6 * 6 + 2 * 6) + 2;
  EXPECT_EQ(complaint({9, 4}, needed), "no error");
  EXPECT_THAT(complaint({9, 4}, needed - 1), testing::HasSubstr("parameters [2] are more than"));
  EXPECT_THAT(complaint({9, 4}, 40), testing::HasSubstr("stack.forward.0.0.conv1d"));
}

}  // namespace
}  // namespace serenade::test
