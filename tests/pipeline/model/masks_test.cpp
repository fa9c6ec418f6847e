// Padding changes no result: of every layer there is, and of whole networks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/loss.h"
#include "pipeline/model/network.h"
#include "tests/support/devices.h"
#include "tests/support/error_of.h"

namespace serenade::test {
namespace {

constexpr Index channels = 6;
const std::vector<Index> lengths{1, 2, 17, 5, 9};
constexpr Index longest = 17;

/// What to ask of each layer of the table: lists of layers that end with it or, where that takes
/// something else than a sequence, lead there. A layer without a line fails.
const std::map<std::string, std::vector<std::string>, std::less<>>& examples() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> all{
      {"conv1d",
       {"{conv1d: {filters: 5, kernel_size: 4}}",
        "{conv1d: {filters: 5, kernel_size: 4, padding: valid}}",
        "{conv1d: {filters: 5, kernel_size: 3, padding: causal, dilation: 2}}",
        "{conv1d: {filters: 5, kernel_size: 3, padding: anticausal, dilation: 2}}",
        "{conv1d: {filters: 5, kernel_size: 3, stride: 2}}",
        "{conv1d: {filters: 5, kernel_size: 2, stride: 3}}",
        "{conv1d: {filters: 5, kernel_size: 3, stride: 2, padding: valid, use_bias: false}}",
        "{conv1d: {filters: 4, kernel_size: 3, stride: 3, padding: causal, groups: 2}}",
        "{conv1d: {filters: 6, kernel_size: 3, groups: 6}}"}},
      {"temporal_stack",
       {"{temporal_stack: {filters: 5, levels: 3}}",
        "{temporal_stack: {filters: 4, levels: 2, kernel_size: 3, dropout: 0}}"}},
      {"channel_dropout", {"{channel_dropout: {rate: 0.3}}"}},
      {"batch_norm", {"batch_norm"}},
      {"layer_norm", {"layer_norm"}},
      {"relu", {"relu"}},
      {"leaky_relu", {"leaky_relu"}},
      {"elu", {"elu"}},
      {"gelu", {"gelu"}},
      {"silu", {"silu"}},
      {"max_pool",
       {"{max_pool: {pool_size: 2}}", "{max_pool: {pool_size: 3, stride: 2}}",
        "{max_pool: {pool_size: 4, stride: 1}}"}},
      {"average_pool",
       {"{average_pool: {pool_size: 2}}", "{average_pool: {pool_size: 3, stride: 2}}",
        "{average_pool: {pool_size: 4, stride: 1}}"}},
      {"global_average_pool", {"global_average_pool"}},
      {"global_max_pool", {"global_max_pool"}},
      {"global_statistics_pool", {"global_statistics_pool"}},
      {"attention_pool", {"{attention_pool: {units: 4, heads: 3}}"}},
      {"attentive_statistics_pool",
       {"{attentive_statistics_pool: {units: 4}}",
        "{attentive_statistics_pool: {units: 4, heads: null}}"}},
      {"squeeze_excitation", {"{squeeze_excitation: {reduction: 2}}"}},
      {"residual",
       {"{residual: {layers: [{conv1d: {kernel_size: 3, filters: 6}}, batch_norm]}}",
        "{residual: {layers: [{conv1d: {kernel_size: 3, filters: 5, stride: 2}}, relu, "
        "{conv1d: {kernel_size: 3, filters: 5, stride: 2}}]}}",
        "{residual: {layers: [max_pool, max_pool, {conv1d: {kernel_size: 3, filters: 5}}]}}"}},
      {"flatten", {"flatten"}},
      {"dropout", {"{dropout: {rate: 0.4}}"}},
      {"dense", {"global_average_pool, {dense: {units: 4}}"}}};
  return all;
}

float drawn(std::uint32_t element, std::uint32_t row, std::uint32_t stream) {
  return 2 * uniform(Philox(5)({element, row, stream, purpose_of(Purpose::test)})[0]) - 1;
}

/// [batch, time, width]: drawn for each step and number in rows' own steps, 0 behind them.
Array<float> padded(const std::vector<Index>& steps, Index time, Index width,
                    std::uint32_t stream) {
  Array<float> x(Shape{static_cast<Index>(steps.size()), time, width});
  x.fill(0);
  for (Index b = 0; b < x.shape()[0]; ++b) {
    for (Index i = 0; i < steps[static_cast<std::size_t>(b)] * width; ++i) {
      x[b * time * width + i] =
          drawn(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(b), stream);
    }
  }
  return x;
}

Array<std::int32_t> as_array(const std::vector<Index>& steps) {
  Array<std::int32_t> array(Shape{static_cast<Index>(steps.size())});
  std::ranges::copy(steps, array.data());
  return array;
}

ModelSpec read(const std::string& layers) {
  ModelSpec spec;
  read_options(ConfigNode::parse("masked: true\nlayers: [" + layers + "]", "model"), spec);
  return spec;
}

/// Everything that layers make of a batch, rows' own steps only.
struct Made {
  std::vector<float> inferred, output, dx, gradients, statistics;
};

/// Layers over a batch that is padded to `time` steps. What they leave in the padding must be 0.
Made made(const std::string& layers, const std::vector<Index>& steps, Index time,
          bool with_lengths = true) {
  const ModelSpec spec = read(layers);
  const auto batch = static_cast<Index>(steps.size());
  LayerSite site;
  site.input = Shape{time, channels};
  site.inner = 10;
  site.seed = 4;
  site.masked = true;
  LayerStack stack(site);
  std::uint32_t index = 0;
  for (const LayerSpec& layer : spec.layers) stack.add(layer, "layer", index++);
  const Shape row = stack.output();
  const bool flattened = spec.layers.back().name() == "flatten";
  const bool sequence = row.rank() == 2 || flattened;
  const Index out_time = flattened ? time : row[0];
  const Index width = flattened ? channels : row[row.rank() - 1];
  std::vector<Index> own;
  for (const Index s : steps) own.push_back(sequence ? stack.steps_out(s) : 1);
  for (const Index s : own) EXPECT_LE(s, sequence ? out_time : 1);

  Context context(2);
  const auto x = padded(steps, time, channels, 0);
  const auto dy = padded(own, sequence ? out_time : 1, width, 1);
  const auto array = as_array(steps);
  const Lengths given = with_lengths ? Lengths(array.view()) : Lengths{};
  const StepScalars scalars{7};
  const Steps now(context, {&scalars, 1});
  std::vector<std::uint32_t> utterances(steps.size());
  std::iota(utterances.begin(), utterances.end(), 100U);
  const TrainingKey key{now.now(), {utterances.data(), Shape{batch}}};
  Array<float> dx(x.shape());

  Made result;
  const auto take = [&](Tensor<const float> from, const std::vector<Index>& of, Index of_time,
                        Index of_width, const std::string& what) {
    std::vector<float> all;
    for (Index b = 0; b < batch; ++b) {
      const float* first = from.data() + b * of_time * of_width;
      const Index numbers = of[static_cast<std::size_t>(b)] * of_width;
      all.insert(all.end(), first, first + numbers);
      EXPECT_TRUE(std::all_of(first + numbers, first + of_time * of_width,
                              [](float value) { return value == 0; }))
          << what << " is not 0 in the padding of row " << b;
    }
    return all;
  };
  const Index y_time = sequence ? out_time : 1;
  result.inferred = take(stack.infer(context, given, x.view()), own, y_time, width, "inferred y");
  result.output =
      take(stack.forward(context, given, key, x.view()), own, y_time, width, "y in training");
  stack.backward(context, key, x.view(), dy.view().reshape(batched(batch, row)), dx.view());
  result.dx = take(dx.view(), steps, time, channels, "dx");
  for (const Parameter& parameter : stack.parameters()) {
    const auto values = parameter.gradient.span();
    result.gradients.insert(result.gradients.end(), values.begin(), values.end());
  }
  for (const State& state : stack.state()) {
    const auto values = state.value.span();
    result.statistics.insert(result.statistics.end(), values.begin(), values.end());
  }
  return result;
}

/// Bits, but for the sign of zeros: a product with padding adds one.
void expect_same(const std::vector<float>& a, const std::vector<float>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]) << what << ", number " << i;
}

/// Sums over all rows and steps: zeros of padding move the blocks in which float32 adds them up.
/// Some 100 terms, of up to 3 or so: 10 units of the last place.
void expect_close(const std::vector<float>& a, const std::vector<float>& b,
                  const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  float scale = 1;
  for (const float value : a) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], 1.2e-6F * scale) << what << ", number " << i;
  }
}

class EveryLayer : public testing::TestWithParam<std::string> {};

TEST_P(EveryLayer, GivesTheSameHoweverFarRowsArePadded) {
  const auto found = examples().find(GetParam());
  ASSERT_NE(found, examples().end())
      << "a layer that masks are not asked of: give it lines in examples()";
  for (const std::string& layers : found->second) {
    SCOPED_TRACE(layers);
    const Made exact = made(layers, lengths, longest);
    for (const Index time : {longest + 1, longest + 2, Index{100}}) {
      SCOPED_TRACE(std::to_string(time) + " steps");
      const Made more = made(layers, lengths, time);
      expect_same(exact.inferred, more.inferred, "inferred");
      expect_same(exact.output, more.output, "in training");
      expect_same(exact.statistics, more.statistics, "running statistics");
      expect_same(exact.dx, more.dx, "dx");
      expect_close(exact.gradients, more.gradients, "gradients of parameters");
    }
  }
}

/// The judge of masks themselves: a row without any padding, in a network that knows of none.
TEST_P(EveryLayer, InfersOfAPaddedRowWhatItDoesOfTheRowAlone) {
  const auto found = examples().find(GetParam());
  ASSERT_NE(found, examples().end());
  for (const std::string& layers : found->second) {
    SCOPED_TRACE(layers);
    Index alike = 0;
    for (const Index steps : {1, 2, 5, 9, 16, 17}) {
      std::optional<Made> alone;
      try {
        alone = made(layers, {steps}, steps, false);
      } catch (const ConfigError&) {
        continue;  // shorter than a window
      }
      ++alike;
      expect_same(alone->inferred, made(layers, {steps}, 40).inferred,
                  std::to_string(steps) + " steps");
    }
    EXPECT_GE(alike, 3);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for_each_layer([&]<class Type>() { all.emplace_back(Type::name); });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Masks, EveryLayer, testing::ValuesIn(names()),
                         [](const auto& tested) { return tested.param; });

/// Layers of every kind, one after another.
const char* const whole =
    "{conv1d: {filters: 8, kernel_size: 5, stride: 2}}, batch_norm, relu, {residual: {layers: "
    "[{conv1d: {filters: 12, kernel_size: 3, dilation: 2, padding: causal}}, layer_norm, gelu, "
    "{dropout: {rate: 0.1}}]}}, squeeze_excitation, {residual: {layers: [{conv1d: {filters: 10, "
    "kernel_size: 3, stride: 2}}, batch_norm, silu]}}, {average_pool: {pool_size: 3, stride: 2}}, "
    "elu, {max_pool: {pool_size: 2, stride: 1}}, {conv1d: {filters: 9, kernel_size: 3, padding: "
    "valid}}, leaky_relu, {attentive_statistics_pool: {units: 7, heads: 3}}, {dense: {units: 11}}, "
    "relu";

/// What a network says and learns of a batch, on any device.
struct Learned {
  std::vector<float> logits, training_logits, gradients, statistics;
};

Learned learned(Device device, Index time, const std::vector<Index>& steps) {
  const auto batch = static_cast<Index>(steps.size());
  Context context(device, 2);
  use_backend(context, {.backend = Backend::plain});
  const Network made(read(whole), {time, channels}, 5, 3);
  Network network = made.on(context);
  const auto place = [&]<class T>(const Array<T>& from) {
    Array<T> there(from.shape(), device);
    copy(context, from.view(), there.view());
    return there;
  };
  const auto x = place(padded(steps, time, channels, 0));
  const auto own = place(as_array(steps));
  Array<std::uint32_t> numbers(Shape{batch});
  std::iota(numbers.span().begin(), numbers.span().end(), 100U);
  const auto utterances = place(numbers);
  Array<float> classes(Shape{batch, 5});
  std::vector<std::int32_t> labels;
  for (Index b = 0; b < batch; ++b) labels.push_back(static_cast<std::int32_t>(b % 5));
  one_hot(labels, classes.view());
  const auto targets = place(classes);
  Array<float> losses(Shape{batch}, device), dlogits(Shape{batch, 5}, device);
  const StepScalars scalars{3};
  const Steps now(context, {&scalars, 1});

  Learned result;
  const auto take = [&](Tensor<const float> from, std::vector<float>& to) {
    Array<float> here(from.shape());
    copy(context, from, here.view());
    to.insert(to.end(), here.span().begin(), here.span().end());
  };
  take(network.infer(context, x.view(), own.view()), result.logits);
  const auto logits =
      network.forward(context, x.view(), {now.now(), utterances.view()}, own.view());
  take(logits, result.training_logits);
  softmax_cross_entropy(context, logits, targets.view(), {}, losses.view(), dlogits.view());
  network.backward(context, dlogits.view());
  for (const Parameter& parameter : network.parameters()) {
    take(parameter.gradient, result.gradients);
  }
  for (const State& state : network.state()) take(state.value, result.statistics);
  return result;
}

TEST(Masks, OfAWholeNetworkLetItsFramesBeAnyNumber) {
  std::vector<Index> steps = lengths;
  for (Index& s : steps) s += 30;  // so that every layer has a few steps
  for (const Device device : all_devices()) {
    SCOPED_TRACE(to_string(device));
    const Learned exact = learned(device, longest + 30, steps);
    for (const Index time : {100, 400}) {
      SCOPED_TRACE(std::to_string(time) + " frames");
      const Learned more = learned(device, time, steps);
      expect_same(exact.logits, more.logits, "logits");
      if (device == Device::cpu) {
        expect_same(exact.training_logits, more.training_logits, "logits in training");
        expect_same(exact.statistics, more.statistics, "running statistics");
      }
      // On a GPU warps take turns at the blocks of batch norm, empty ones as well.
      expect_close(exact.training_logits, more.training_logits, "logits in training");
      expect_close(exact.statistics, more.statistics, "running statistics");
      expect_close(exact.gradients, more.gradients, "gradients");
    }
  }
}

/// Rows of one step only, in a network whose windows are longer.
TEST(Masks, LeaveRowsOfOneStepAnAnswer) {
  for (const Index time : {40, 100}) {
    const Learned all = learned(Device::cpu, time, {1, 40, 1, 2});
    EXPECT_TRUE(std::ranges::all_of(all.logits, [](float v) { return std::isfinite(v); }));
    EXPECT_TRUE(std::ranges::all_of(all.gradients, [](float v) { return std::isfinite(v); }));
    expect_same(all.logits, learned(Device::cpu, 47, {1, 40, 1, 2}).logits, "logits");
  }
}

TEST(Masks, AreForNetworksThatWereMadeWithThem) {
  Context context;
  ModelSpec spec = read("global_average_pool");
  const auto x = padded({3, 2}, 4, channels, 0);
  const auto own = as_array({3, 2}), other = as_array({3, 2, 1});
  Network masked(spec, {4, channels}, 3, 1);
  EXPECT_THAT(error_of<ShapeError>([&] { masked.infer(context, x.view(), other.view()); }),
              testing::HasSubstr("lengths is [3] but must be [2]"));
  spec.masked = false;
  Network plain(spec, {4, channels}, 3, 1);
  EXPECT_THAT(error_of<ShapeError>([&] { plain.infer(context, x.view(), own.view()); }),
              testing::HasSubstr("model.masked"));
}

/// No strided shortcut keeps up with overlapping windows of rows of any length.
TEST(Masks, RefuseAShortcutThatHangsOnTheFrames) {
  EXPECT_THAT(error_of<ConfigError>([] {
                const Network network(
                    read("{residual: {layers: [{max_pool: {pool_size: 5, stride: 4}}]}}, "
                         "flatten"),
                    {5, channels}, 3, 1);
              }),
              testing::HasSubstr("at every length of a row (model.masked)"));
}

}  // namespace
}  // namespace serenade::test
