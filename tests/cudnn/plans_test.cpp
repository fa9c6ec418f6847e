// What the real cuDNN makes of our convolutions on GPUs that are not here: it validates every
// graph, asks its heuristics and finalizes plans from a GPU's properties alone (tests/golden/gpu;
// capability, multiprocessors and memories of them are public facts, clocks are about right). It
// does not run them: that takes a GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "kernels/nn/cudnn_convolution.h"
#include "tests/cudnn/convolutions_of.h"
#include "tests/cudnn/graph_verdicts.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"

namespace serenade::test {
namespace {

using namespace cuda::cudnn;  // NOLINT(google-build-using-namespace)
using ::testing::Each;
using ::testing::HasSubstr;

const auto gpus = {"h200", "h100", "a100", "rtx4090", "b200"};

std::string properties_of(const std::string& gpu) {
  std::ifstream file(golden_folder() / "gpu" / (gpu + ".json"));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> shipped_configs() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(golden_folder() / "../../configs")) {
    if (file.path().extension() == ".yaml") names.push_back(file.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

/// The graphs of one layer's training.
std::vector<ConvolutionGraph> graphs_of(const Convolution& convolution, bool bias) {
  return {graph_of(Pass::forward, convolution, bias, 16),
          graph_of(Pass::backward_data, convolution, false, 16),
          graph_of(Pass::backward_weights, convolution, false, 16)};
}

/// A layout from its definition: x[n, l, c] at ((n steps) + l) channels + c, of extents (n, c, 1,
/// l).
void expect_layout(const TensorLayout& found, Index items, Index steps, Index channels) {
  EXPECT_THAT(found.extents, ::testing::ElementsAre(items, channels, 1, steps));
  EXPECT_EQ(found.strides[0], steps * channels);
  EXPECT_EQ(found.strides[1], 1);
  EXPECT_EQ(found.strides[3], channels);
}

/// Plans the layer's graphs and looks at what came of them; a line for each goes to stdout.
void expect_plans(const std::string& gpu, const Convolution& c, bool bias) {
  const Target target(properties_of(gpu));
  for (const ConvolutionGraph& graph : graphs_of(c, bias)) {
    const Planned planned = make_plan(target, graph, {});
    ASSERT_NE(planned.plan, nullptr) << to_string(graph) << ": " << planned.refusal;
    const Plan& plan = *planned.plan;
    std::cout << gpu << ": " << to_string(graph) << ": " << to_string(plan.choice()) << "\n";
    EXPECT_THAT(plan.choice().notes, Each(CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP))
        << to_string(graph);
    EXPECT_LE(plan.choice().workspace, std::size_t{64} << 20U) << to_string(graph);
    expect_layout(plan.x(), c.batch, c.time, c.in);
    expect_layout(plan.y(), c.batch, c.out_time, c.out);
    expect_layout(plan.w(), c.out, c.kernel, c.in / c.groups);
  }
}

class ShippedConfigs : public testing::TestWithParam<std::tuple<const char*, std::string>> {};

TEST_P(ShippedConfigs, HaveAStrictReproduciblePlanForEveryConvolution) {
  const auto& [gpu, config] = GetParam();
  for (const ConfiguredConvolution& layer :
       convolutions_of(golden_folder() / "../../configs" / (config + ".yaml"))) {
    SCOPED_TRACE(layer.layer);
    expect_plans(gpu, layer.convolution, layer.bias);
  }
}

TEST(ShippedConfigs, AreReadWithTheirConvolutions) {
  // The notebook's: 67 features, one channel; pooled to 33.
  const auto found = convolutions_of(golden_folder() / "../../configs/ravdess_notebook.yaml");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(to_string(graph_of(Pass::forward, found[0].convolution, found[0].bias, 16)),
            "conv1d [32, 67, 1] to [32, 67, 64], kernel 5, bias");
  EXPECT_EQ(to_string(graph_of(Pass::backward_data, found[1].convolution, false, 16)),
            "conv1d_backward_data [32, 33, 64] to [32, 33, 128], kernel 5");
}

struct Form {
  std::string name;
  Index channels;
  Conv1dOptions options;
};
void PrintTo(const Form& form, std::ostream* out) { *out << form.name; }

Conv1dOptions form(int filters, int kernel_size, Padding padding, int stride, int dilation,
                   int groups) {
  return {.filters = filters,
          .kernel_size = kernel_size,
          .padding = padding,
          .stride = stride,
          .dilation = dilation,
          .groups = groups};
}

class EveryForm : public testing::TestWithParam<std::tuple<const char*, Form>> {};

TEST_P(EveryForm, HasPlans) {
  const auto& [gpu, form] = GetParam();
  constexpr Index batch = 13;  // a last, short one
  constexpr Index time = 50;
  const Shape y{batch, conv1d_output_time(form.options, time), form.options.filters};
  const Convolution c = convolution_of(form.options, Shape{batch, time, form.channels}, y);
  expect_plans(gpu, c, true);
  expect_plans(gpu, c, false);
}

Convolution plain_convolution() {
  return convolution_of({.filters = 128, .kernel_size = 5}, Shape{32, 96, 128}, Shape{32, 96, 128});
}

bool uses_tensor_cores(const Planned& planned) {
  return std::ranges::count(planned.plan->choice().notes, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) > 0;
}

TEST(Rules, LetTensorCoresInForTf32Alone) {
  const Target h100(properties_of("h100"));
  for (const ConvolutionGraph& graph : graphs_of(plain_convolution(), true)) {
    EXPECT_FALSE(uses_tensor_cores(make_plan(h100, graph, {})));
    EXPECT_TRUE(uses_tensor_cores(make_plan(h100, graph, {.tf32 = true})));
  }
}

TEST(Rules, BoundTheWorkspace) {
  const Target h100(properties_of("h100"));
  const auto graph = graph_of(Pass::forward, plain_convolution(), true, 16);
  EXPECT_GT(make_plan(h100, graph, {}).plan->choice().workspace, 0U);
  EXPECT_EQ(make_plan(h100, graph, {.most_workspace = 0}).plan->choice().workspace, 0U);
}

TEST(Graph, WithAWrongOutputShapeIsRefusedNamingTheCondition) {
  const Target h100(properties_of("h100"));
  for (ConvolutionGraph graph : graphs_of(plain_convolution(), true)) {
    ++graph.y.extents[3];
    graph.y.strides[0] += graph.y.strides[3];
    EXPECT_THAT(error_of<DeviceError>([&] { make_plan(h100, graph, {}); }),
                testing::AllOf(HasSubstr("[32, 97, 128]"), HasSubstr("ySpatialDim")));
  }
}

TEST(Graph, WithWeightsThatOverlapIsRefusedNamingTheCondition) {
  const Target h100(properties_of("h100"));
  for (ConvolutionGraph graph : graphs_of(plain_convolution(), false)) {
    graph.w.strides[0] -= 1;
    EXPECT_THAT(error_of<DeviceError>([&] { make_plan(h100, graph, {}); }),
                HasSubstr("getNumElementsWithStride"));
  }
}

class Verdicts : public testing::TestWithParam<GraphVerdict> {};

/// tests/emulation/tests/cudnn_test.cpp asks the stand-in the same.
TEST_P(Verdicts, AreTheRealLibrarys) {
  const Target h100(properties_of("h100"));
  for (ConvolutionGraph graph : graphs_of(plain_convolution(), false)) {
    GetParam().change(graph);
    bool taken = false;
    const std::string why =
        error_of<DeviceError>([&] { taken = make_plan(h100, graph, {}).plan != nullptr; });
    EXPECT_EQ(taken, GetParam().taken) << to_string(graph) << ": " << why;
  }
}

INSTANTIATE_TEST_SUITE_P(Cudnn, Verdicts, testing::ValuesIn(graph_verdicts()),
                         [](const auto& test) { return test.param.name; });

TEST(Graph, OfMoreNumbersThan32BitsCountHasNoPlan) {
  const Target h100(properties_of("h100"));
  Convolution c = plain_convolution();
  c.batch = 1 << 18;
  EXPECT_THAT(make_plan(h100, graph_of(Pass::backward_data, c, false, 16), {}).refusal,
              HasSubstr("2^31"));
}

TEST(Graph, OnPointersOfAnyAlignmentHasPlans) {
  const Target h100(properties_of("h100"));
  for (ConvolutionGraph graph : graphs_of(plain_convolution(), true)) {
    graph.alignment = 4;
    EXPECT_NE(make_plan(h100, graph, {}).plan, nullptr);
  }
}

TEST(Target, WantsEveryPropertyOfAGpu) {
  std::string text = properties_of("h100");
  text.replace(text.find("multiProcessorCount"), 5, "other");
  EXPECT_THAT(error_of<DeviceError>([&] { const Target target(text); }),
              HasSubstr("reading a GPU's properties"));
}

INSTANTIATE_TEST_SUITE_P(Cudnn, ShippedConfigs,
                         testing::Combine(testing::ValuesIn(gpus),
                                          testing::ValuesIn(shipped_configs())),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) + "_" +
                                  std::get<1>(test.param);
                         });
INSTANTIATE_TEST_SUITE_P(
    Cudnn, EveryForm,
    testing::Combine(testing::ValuesIn(gpus),
                     testing::Values(Form{"odd_channels", 61, form(33, 5, Padding::same, 1, 1, 1)},
                                     Form{"one_channel", 1, form(64, 5, Padding::same, 1, 1, 1)},
                                     Form{"even_kernel", 48, form(96, 4, Padding::same, 1, 1, 1)},
                                     Form{"no_padding", 48, form(96, 5, Padding::valid, 1, 1, 1)},
                                     Form{"causal", 48, form(96, 3, Padding::causal, 1, 4, 1)},
                                     Form{"stride", 48, form(96, 3, Padding::same, 2, 1, 1)},
                                     Form{"projection", 48, form(96, 1, Padding::same, 3, 1, 1)},
                                     Form{"dilation", 48, form(96, 3, Padding::same, 1, 4, 1)},
                                     Form{"groups", 64, form(64, 3, Padding::same, 1, 1, 4)},
                                     Form{"depthwise", 64, form(64, 9, Padding::same, 1, 1, 64)})),
    [](const auto& test) {
      return std::string(std::get<0>(test.param)) + "_" + std::get<1>(test.param).name;
    });

}  // namespace
}  // namespace serenade::test
