#include "pipeline/model/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/device/philox.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"

namespace serenade::test {
namespace {

ModelSpec read(const std::string& text) {
  ModelSpec spec;
  read_options(ConfigNode::parse(text, "model.yaml"), spec);
  return spec;
}

/// Every layer there is.
const char* const everything = R"(
layers:
  - conv1d: {filters: 19, kernel_size: 5}
  - batch_norm
  - relu
  - max_pool: {pool_size: 2}
  - dropout: {rate: 0.25}
  - conv1d: {filters: 8, kernel_size: 3, padding: valid}
  - global_max_pool
  - dense: {units: 21}
  - relu
)";

/// The layers beyond those, and layers inside layers.
const char* const blocks = R"(
layers:
  - conv1d: {filters: 12, kernel_size: 4, padding: causal, stride: 2, dilation: 2}
  - layer_norm
  - silu
  - residual:
      layers:
        - conv1d: {filters: 12, kernel_size: 3, groups: 12}
        - batch_norm
        - gelu
        - dropout: {rate: 0.25}
        - conv1d: {filters: 12, kernel_size: 1}
        - squeeze_excitation: {reduction: 4}
  - leaky_relu
  - residual:
      layers:
        - conv1d: {filters: 9, kernel_size: 3, stride: 2, groups: 3}
        - elu
        - residual: {layers: [{conv1d: {filters: 9, kernel_size: 3}}, silu]}
  - average_pool: {pool_size: 3, stride: 2}
  - global_statistics_pool
  - residual: {layers: [{dense: {units: 7}}, gelu]}
)";

/// Dilated blocks in both directions.
const char* const stacks = R"(
layers:
  - conv1d: {filters: 9, kernel_size: 3}
  - channel_dropout: {rate: 0.3}
  - temporal_stack: {filters: 6, kernel_size: 3, levels: 2, dropout: 0.2}
)";

Array<float> random_array(Shape shape, std::uint32_t stream) {
  Array<float> array(shape);
  for (Index i = 0; i < array.size(); ++i) {
    const auto words =
        Philox(3)({static_cast<std::uint32_t>(i), stream, 0, purpose_of(Purpose::test)});
    array[i] = 2 * uniform(words[0]) - 1;
  }
  return array;
}

std::vector<float> copied(Tensor<const float> tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

/// A network that trains itself: what a trainer does, in the small.
struct Trainee {
  Trainee(Network made, int threads) : network(std::move(made)), context(threads) {
    for (const Parameter& parameter : network.parameters()) {
      moments.emplace_back(parameter.value.shape());
      moments.emplace_back(parameter.value.shape());
    }
    for (std::size_t i = 0; i < network.parameters().size(); ++i) {
      const Parameter& parameter = network.parameters()[i];
      slots.push_back({parameter.value, parameter.gradient, moments[2 * i].view(),
                       moments[2 * i + 1].view(), parameter.decay});
    }
  }
  double step(Tensor<const float> x, std::span<const std::int32_t> labels, std::uint32_t count,
              const AdamwOptions& options = {{}, 0.0}) {
    const Index batch = x.extent(0);
    std::vector<std::uint32_t> utterances(static_cast<std::size_t>(batch));
    std::iota(utterances.begin(), utterances.end(), 100U);
    Array<float> targets(Shape{batch, network.classes()}), losses(Shape{batch});
    Array<float> dlogits(targets.shape());
    one_hot(labels, targets.view());
    const StepScalars scalars{count};
    const Steps steps(context, {&scalars, 1});
    const auto logits =
        network.forward(context, x, {steps.now(), {utterances.data(), Shape{batch}}});
    const double loss =
        softmax_cross_entropy(context, logits, targets.view(), {}, losses.view(), dlogits.view());
    network.backward(context, dlogits.view());
    adamw(context, options, 0.01, count, slots);
    return loss;
  }
  Network network;
  Context context;
  std::vector<Array<float>> moments;
  std::vector<OptimizerSlot> slots;
};

TEST(Network, FollowsTheLossOfPyTorch) {
  const Golden golden("torch.h5");
  Trainee trainee(Network(read("layers: [{conv1d: {filters: 8, kernel_size: 5}}, batch_norm, relu, "
                               "{max_pool: {pool_size: 2}}, {conv1d: {filters: 12, kernel_size: 3, "
                               "padding: valid}}, relu, global_average_pool, {dense: {units: 16}}, "
                               "relu]"),
                          {24, 5}, 4, 1),
                  2);
  for (const Parameter& parameter : trainee.network.parameters()) {
    const auto values = golden["network/" + parameter.name];
    ASSERT_EQ(static_cast<Index>(values.values.size()), parameter.value.size()) << parameter.name;
    std::ranges::copy(values.floats(), parameter.value.data());
  }
  const auto x = golden["network/x"].floats();
  const auto labels = golden["network/labels"].values;
  const auto losses = golden["network/losses"].values;
  constexpr Index rows = 6, row = 24 * 5;
  const std::vector<std::int32_t> all_labels(labels.begin(), labels.end());
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const std::size_t batch = step % 4 * rows;
    const double loss = trainee.step({x.data() + batch * row, Shape{rows, 24, 5}},
                                     std::span(all_labels).subspan(batch, rows),
                                     static_cast<std::uint32_t>(step + 1));
    // the bound the project set itself; both sides are float32
    EXPECT_NEAR(loss, losses[step], 1e-4) << "step " << step;
  }
  EXPECT_LT(losses.back(), 0.85 * losses.front());
  const auto logits =
      copied(trainee.network.infer(trainee.context, {x.data(), Shape{rows, 24, 5}}));
  const auto want = golden["network/logits"].values;
  ASSERT_EQ(logits.size(), want.size());
  // twenty steps of Adam apart, whose first steps amplify rounding where gradients are small
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(logits[i], want[i], 1e-3);
}

/// Central differences of the loss against backward, for x and every parameter.
void expect_own_gradient(const std::string& text) {
  SCOPED_TRACE(text);
  Context context;
  Network network(read(text), {6, 2}, 3, 8);
  for (const Parameter& parameter : network.parameters()) {
    // squeeze and excitation has a ReLU: far from its kink
    if (parameter.name.ends_with("reduce.bias")) std::ranges::fill(parameter.value.span(), 1.0F);
  }
  auto x = random_array({4, 6, 2}, 0);
  const std::vector<std::uint32_t> utterances{1, 2, 3, 4};
  const StepScalars scalars{7};
  const Steps steps(context, {&scalars, 1});
  const TrainingKey key{steps.now(), {utterances.data(), Shape{4}}};
  Array<float> targets(Shape{4, 3}), losses(Shape{4}), dlogits(Shape{4, 3}), dx(x.shape());
  one_hot(std::vector<std::int32_t>{0, 1, 2, 0}, targets.view());
  const auto loss = [&] {
    const auto logits = network.forward(context, x.view(), key);
    return softmax_cross_entropy(context, logits, targets.view(), {}, losses.view(),
                                 dlogits.view());
  };
  loss();
  network.backward(context, dlogits.view(), dx.view());
  const auto check = [&](Tensor<float> value, Tensor<const float> gradient,
                         const std::string& name) {
    const auto want = copied(gradient);
    for (Index i = 0; i < value.size(); ++i) {
      const float here = value.data()[i];
      constexpr float h = 1e-2F;
      value.data()[i] = here + h;
      const double above = loss();
      value.data()[i] = here - h;
      const double below = loss();
      value.data()[i] = here;
      // float32 logits are good to 1e-7, over a step of 1e-2; curvature adds h^2
      EXPECT_NEAR((above - below) / (2 * double{h}), want[static_cast<std::size_t>(i)], 1e-3)
          << name << " " << i;
    }
  };
  for (const Parameter& parameter : network.parameters()) {
    check(parameter.value, parameter.gradient, parameter.name);
  }
  check(x.view(), dx.view(), "x");
}

TEST(Network, HasTheGradientOfItsOwnLoss) {
  // float32 differences need a smooth network: no kinks, no maximum
  for (const char* const text :
       {"layers: [{conv1d: {filters: 3, kernel_size: 3}}, batch_norm, {dropout: {rate: 0.5}}, "
        "flatten, {dense: {units: 5}}]",
        "layers: [{residual: {layers: [{conv1d: {filters: 4, kernel_size: 3, stride: 2}}, silu, "
        "{residual: {layers: [{conv1d: {filters: 4, kernel_size: 3, groups: 4}}, {layer_norm: "
        "{epsilon: 1}}, "
        "{dropout: {rate: 0.5}}]}}, gelu]}}, average_pool, global_statistics_pool, "
        "{residual: {layers: [{dense: {units: 5}}, elu]}}]",
        "layers: [{residual: {layers: [{conv1d: {filters: 4, padding: causal}}, batch_norm, "
        "{max_pool: {pool_size: 1, stride: 4}}, silu]}}, global_average_pool]"}) {
    expect_own_gradient(text);
  }
}

TEST(Network, HasTheGradientOfSqueezeAndExcitation) {
  expect_own_gradient("layers: [{squeeze_excitation: {reduction: 1}}, global_average_pool]");
}

TEST(Network, HasTheGradientOfAttention) {
  expect_own_gradient("layers: [{attention_pool: {units: 3}}]");
  expect_own_gradient("layers: [{attentive_statistics_pool: {units: 3, heads: 2}}]");
}

TEST(Network, TrainsToTheSameBitsForAnyNumberOfThreads) {
  const auto train = [](const char* layers, int threads) {
    Trainee trainee(Network(read(layers), {40, 7}, 5, 11), threads);
    std::vector<float> all;
    for (std::uint32_t step = 1; step <= 3; ++step) {
      const auto x = random_array({9, 40, 7}, step);
      trainee.step(x.view(), std::vector<std::int32_t>{0, 1, 2, 3, 4, 0, 1, 2, 3}, step,
                   {{}, 0.01});
    }
    for (const Parameter& parameter : trainee.network.parameters()) {
      all.insert(all.end(), parameter.value.span().begin(), parameter.value.span().end());
    }
    for (const State& state : trainee.network.state()) {
      all.insert(all.end(), state.value.span().begin(), state.value.span().end());
    }
    return all;
  };
  for (const char* const layers : {everything, blocks, stacks}) {
    const auto alone = train(layers, 1);
    for (const int threads : {2, 3, 7}) EXPECT_EQ(alone, train(layers, threads)) << threads;
  }
}

/// Pools whose shares are learned.
const char* const attention = R"(
layers:
  - residual: {layers: [{conv1d: {filters: 12, kernel_size: 3}}]}
  - attentive_statistics_pool: {units: 5, heads: 3}
)";

class InferringNetwork : public testing::TestWithParam<const char*> {};

TEST_P(InferringNetwork, GivesARowAlikeInAnyBatch) {
  Trainee trainee(Network(read(GetParam()), {40, 7}, 5, 11), 2);
  const auto x = random_array({9, 40, 7}, 1);
  trainee.step(x.view(), std::vector<std::int32_t>{0, 1, 2, 3, 4, 0, 1, 2, 3}, 1);
  const auto whole = copied(trainee.network.infer(trainee.context, x.view()));
  for (const Index part : {1, 2, 7}) {
    for (Index first = 0; first < 9; first += part) {
      const Index last = std::min<Index>(9, first + part);
      const auto some = copied(trainee.network.infer(trainee.context, x.view().rows(first, last)));
      EXPECT_TRUE(std::equal(some.begin(), some.end(), whole.begin() + first * 5))
          << "rows from " << first << " in a batch of " << part;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, InferringNetwork,
                         testing::Values(everything, blocks, attention, stacks));

TEST(Network, DrawsMasksByUtteranceAndStep) {
  Context context;
  Network network(read("layers: [{dropout: {rate: 0.5}}, flatten]"), {8, 4}, 3, 2);
  Array<float> x(Shape{2, 8, 4});
  x.fill(1);
  const auto logits = [&](std::vector<std::uint32_t> utterances, std::uint32_t step) {
    const StepScalars scalars{step};
    const Steps steps(context, {&scalars, 1});
    return copied(network.forward(context, x.view(), {steps.now(), {utterances.data(), Shape{2}}}));
  };
  const auto one = logits({4, 9}, 1), other = logits({9, 4}, 1);
  EXPECT_TRUE(std::equal(one.begin(), one.begin() + 3, other.begin() + 3));
  EXPECT_TRUE(std::equal(one.begin() + 3, one.end(), other.begin()));
  EXPECT_NE(one, other);
  EXPECT_NE(one, logits({4, 9}, 2));
}

TEST(Network, BeginsAsKeras) {
  Network network(read(everything), {40, 7}, 5, 11);
  std::vector<std::string> names;
  for (const Parameter& parameter : network.parameters()) {
    names.push_back(parameter.name);
    const bool kernel = parameter.name.ends_with("kernel");
    EXPECT_EQ(parameter.decay, kernel);
    const auto [low, high] = std::ranges::minmax(parameter.value.span());
    if (kernel) {
      EXPECT_LT(low, 0);
      EXPECT_GT(high, 0);
    } else {
      EXPECT_EQ(low, parameter.name.ends_with("gamma") ? 1 : 0);
      EXPECT_EQ(high, low);
    }
  }
  EXPECT_THAT(names, testing::ElementsAre("layers.0.conv1d.kernel", "layers.0.conv1d.bias",
                                          "layers.1.batch_norm.gamma", "layers.1.batch_norm.beta",
                                          "layers.5.conv1d.kernel", "layers.5.conv1d.bias",
                                          "layers.7.dense.kernel", "layers.7.dense.bias",
                                          "output.kernel", "output.bias"));
  ASSERT_EQ(network.state().size(), 2U);
  EXPECT_EQ(network.state()[0].name, "layers.1.batch_norm.running_mean");
  EXPECT_EQ(network.state()[0].value.data()[3], 0);
  EXPECT_EQ(network.state()[1].name, "layers.1.batch_norm.running_variance");
  EXPECT_EQ(network.state()[1].value.data()[3], 1);
  const Network other(read(everything), {40, 7}, 5, 12);
  EXPECT_NE(copied(network.parameters()[0].value), copied(other.parameters()[0].value));
}

TEST(Network, NamesLayersInsideLayers) {
  const Network network(read(blocks), {40, 7}, 5, 11);
  std::vector<std::string> names;
  for (const Parameter& parameter : network.parameters()) {
    if (parameter.decay) names.push_back(parameter.name);
  }
  EXPECT_THAT(names, testing::ElementsAre(
                         "layers.0.conv1d.kernel", "layers.3.residual.0.conv1d.kernel",
                         "layers.3.residual.4.conv1d.kernel",
                         "layers.3.residual.5.squeeze_excitation.reduce.kernel",
                         "layers.3.residual.5.squeeze_excitation.expand.kernel",
                         "layers.5.residual.0.conv1d.kernel",
                         "layers.5.residual.2.residual.0.conv1d.kernel",
                         "layers.5.residual.shortcut.kernel", "layers.8.residual.0.dense.kernel",
                         "layers.8.residual.shortcut.kernel", "output.kernel"));
  EXPECT_EQ(network.state()[0].name, "layers.3.residual.1.batch_norm.running_mean");
  const auto layers = network.layers();
  ASSERT_EQ(layers.size(), 10U);
  EXPECT_EQ(layers[3].output, (Shape{20, 12}));
  // depthwise 3 x 12 and bias, batch norm, pointwise and bias, 12 to 3 and back
  EXPECT_EQ(layers[3].parameters, 36 + 12 + 24 + 144 + 12 + 39 + 48);
  EXPECT_EQ(layers[5].output, (Shape{10, 9}));
}

/// Kernels drawn alike would mean that layers share random numbers.
TEST(Network, DrawsEveryKernelByItself) {
  const Network network(
      read("layers: [{residual: {layers: [{dense: {units: 6}}, {residual: {layers: [{dense: "
           "{units: 6}}]}}], shortcut: projection}}, {dense: {units: 6}}]"),
      {6}, 6, 3);
  std::vector<std::vector<float>> kernels;
  for (const Parameter& parameter : network.parameters()) {
    if (!parameter.decay) continue;
    for (const auto& other : kernels) EXPECT_NE(other, copied(parameter.value)) << parameter.name;
    kernels.push_back(copied(parameter.value));
  }
  EXPECT_EQ(kernels.size(), 5U);
}

TEST(Network, ClonesAndMoves) {
  Trainee trainee(Network(read(everything), {40, 7}, 5, 11), 1);
  const auto x = random_array({3, 40, 7}, 1);
  trainee.step(x.view(), std::vector<std::int32_t>{0, 1, 2}, 1);
  Network copy = trainee.network.clone();
  const auto want = copied(trainee.network.infer(trainee.context, x.view()));
  const Network moved_from = std::move(trainee.network);
  Network moved = copy.clone();
  copy = std::move(moved);
  EXPECT_EQ(copied(copy.infer(trainee.context, x.view())), want);
}

TEST(Network, DropsChannelsOfSequencesOnly) {
  EXPECT_EQ(
      error_of<ConfigError>(
          [] { const Network vectors(read("layers: [channel_dropout]"), {64}, 3, 2); }),
      "layers.0.channel_dropout: gets [64] but takes [time, channels]; dropout takes vectors");
}

TEST(Network, AllocatesNothingInARepeatedStep) {
  Trainee trainee(Network(read(everything), {40, 7}, 5, 11), 1);
  const auto x = random_array({9, 40, 7}, 1);
  const float* first = trainee.network.infer(trainee.context, x.view()).data();
  EXPECT_EQ(trainee.network.infer(trainee.context, x.view().rows(0, 4)).data(), first);
  EXPECT_EQ(trainee.network.infer(trainee.context, x.view()).data(), first);
}

TEST(Network, DescribesItsLayers) {
  const Network network(read("layers: [{conv1d: {filters: 16, kernel_size: 5}}, batch_norm, "
                             "global_average_pool]"),
                        {200, 40}, 8, 1);
  EXPECT_EQ(network.parameter_count(), 5 * 40 * 16 + 16 + 32 + 16 * 8 + 8);
  const auto layers = network.layers();
  ASSERT_EQ(layers.size(), 4U);
  EXPECT_EQ(layers[0].type, "conv1d");
  EXPECT_EQ(layers[0].options,
            "{filters: 16, kernel_size: 5, padding: same, use_bias: true, stride: 1, dilation: 1, "
            "groups: 1}");
  EXPECT_EQ(layers[0].output, (Shape{200, 16}));
  EXPECT_EQ(layers[0].parameters, 3216);
  EXPECT_EQ(layers[2].output, (Shape{16}));
  EXPECT_EQ(layers[2].parameters, 0);
  EXPECT_EQ(layers[3].output, (Shape{8}));
  EXPECT_EQ(layers[3].parameters, 136);
}

std::string complaint(const std::string& text, Shape input) {
  return test::error_of<ConfigError>([&] { const Network network(read(text), input, 8, 1); });
}

TEST(Network, NamesTheLayerThatDoesNotFit) {
  EXPECT_EQ(complaint("layers: [flatten, {conv1d: {filters: 4}}]", {200, 40}),
            "layers.1.conv1d: gets [8000] but takes [time, channels]");
  EXPECT_EQ(complaint("layers: [{dense: {units: 4}}]", {200, 40}),
            "layers.0.dense: gets [200, 40] but takes [features]; put flatten or a global pool "
            "before it");
  EXPECT_EQ(complaint("layers: [{conv1d: {kernel_size: 9, padding: valid}}, flatten]", {8, 40}),
            "layers.0.conv1d: gets [8, 40] but needs at least 9 time steps");
  EXPECT_EQ(complaint("layers: [{conv1d: {kernel_size: 3, dilation: 4, padding: valid}}, flatten]",
                      {8, 40}),
            "layers.0.conv1d: gets [8, 40] but needs at least 9 time steps");
  EXPECT_EQ(complaint("layers: [{conv1d: {filters: 9, groups: 3}}, flatten]", {8, 40}),
            "layers.0.conv1d: gets [8, 40] but needs a number of channels, and of filters, that 3 "
            "groups divide; there are 9 filters");
  EXPECT_EQ(complaint("layers: [{max_pool: {pool_size: 4}}, max_pool, flatten]", {7, 40}),
            "layers.1.max_pool: gets [1, 40] but needs at least 2 time steps");
  EXPECT_EQ(complaint("layers: [relu]", {200, 40}),
            "the last of model.layers gives [200, 40] but must give a vector; end with a global "
            "pool or flatten");
  EXPECT_EQ(complaint("layers: [relu]", {193}), "no error");
  EXPECT_EQ(complaint("layers: [{residual: {layers: [relu, {conv1d: {filters: 3, groups: 2}}]}}, "
                      "flatten]",
                      {9, 4}),
            "layers.0.residual.1.conv1d: gets [9, 4] but needs a number of channels, and of "
            "filters, that 2 groups divide; there are 3 filters");
  EXPECT_EQ(complaint("layers: [residual, flatten]", {9, 4}),
            "layers.0.residual: gets [9, 4] but has no layers to go around");
  EXPECT_EQ(complaint("layers: [{residual: {layers: [{conv1d: {filters: 3}}], shortcut: "
                      "identity}}, flatten]",
                      {9, 4}),
            "layers.0.residual: gets [9, 4] but its layers give [9, 3]: an identity shortcut needs "
            "equal shapes");
  EXPECT_EQ(
      complaint("layers: [{residual: {layers: [{conv1d: {padding: valid}}]}}, flatten]", {20, 4}),
      "layers.0.residual: gets [20, 4] but its layers give [16, 64], which no strided "
      "convolution over one step makes of it");
  // both ways in which strides shorten: rounded up, and rounded down as pools do
  EXPECT_EQ(complaint("layers: [{residual: {layers: [{conv1d: {stride: 2}}]}}, flatten]", {9, 4}),
            "no error");
  EXPECT_EQ(complaint("layers: [{residual: {layers: [max_pool]}}, flatten]", {9, 4}), "no error");
  EXPECT_EQ(complaint("layers: [squeeze_excitation]", {193}),
            "layers.0.squeeze_excitation: gets [193] but takes [time, channels]");
  EXPECT_EQ(complaint("layers: [attention_pool]", {193}),
            "layers.0.attention_pool: gets [193] but takes [time, channels]");
  EXPECT_EQ(complaint("layers: [{attentive_statistics_pool: {heads: 3}}]", {9, 40}),
            "layers.0.attentive_statistics_pool: gets [9, 40] but needs a number of channels that "
            "3 heads divide");
  EXPECT_THAT(complaint("layers: []", {0, 40}), testing::HasSubstr("empty"));
  EXPECT_THAT(complaint("layers: []", {1, 2, 3}), testing::HasSubstr("[time, channels]"));
}

TEST(Network, NamesTheLayerThatLacksMemory) {
  Context context;
  Network network(read("layers: [{conv1d: {filters: 8, kernel_size: 1}}, flatten]"), {1, 2}, 3, 1);
  try {
    network.infer(context, {nullptr, {Index{1} << 58U, 1, 2}});
    ADD_FAILURE() << "no error";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("model.layers.0.conv1d: not enough memory for its "
                                                 "result [288230376151711744, 1, 8]"));
  }
}

TEST(Network, RefusesInputThatDoesNotFit) {
  Context context;
  Network network(read("layers: [flatten]"), {4, 2}, 3, 1);
  Array<float> x(Shape{5, 4, 3}), fits(Shape{5, 4, 2}), dlogits(Shape{5, 3});
  EXPECT_THROW(network.infer(context, x.view()), ShapeError);
  EXPECT_THROW(network.infer(context, {}), ShapeError);
  EXPECT_THROW(network.forward(context, fits.view(), {}), ShapeError);
  network.infer(context, fits.view());
  EXPECT_THROW(network.backward(context, dlogits.view()), ShapeError);
}

}  // namespace
}  // namespace serenade::test
