#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/device/session.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/cudnn_convolution.h"
#include "tests/cudnn/graph_verdicts.h"
#include "tests/emulation/cudnn.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"
#include "tests/kernels/nn/matrix_cases.h"
#include "tests/kernels/nn/on_device.h"
#include "tests/support/error_of.h"

namespace serenade::test {
namespace {

namespace cudnn = cuda::cudnn;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OnCudnn : public ::testing::Test {
 protected:
  void TearDown() override {
    emulation::use_order(emulation::Order::forward);
    emulation::use_all_cudnn_engines();
    EXPECT_EQ(emulation::take_faults(), "");
  }
};

Context with_backend(const BackendOptions& options) {
  Context context(Device::cuda);
  use_backend(context, options);
  return context;
}

Context with_rules(const cudnn::Rules& rules) {
  Context context(Device::cuda);
  cudnn::rules(context.session()) = rules;
  return context;
}

/// Largest difference over the largest wanted number, or over 1 where all are smaller than that.
double largest_error(const Numbers& got, const Numbers& want) {
  double error = 0, scale = 1;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i]) || !std::isfinite(want[i])) {
      return std::numeric_limits<double>::infinity();
    }
    error = std::max(error, std::abs(double{got[i]} - double{want[i]}));
    scale = std::max(scale, std::abs(double{want[i]}));
  }
  return error / scale;
}

double largest_error(const Computed& got, const Computed& want) {
  double error = largest_error(got.output, want.output);
  for (std::size_t i = 0; i < want.gradients.size(); ++i) {
    error = std::max(error, largest_error(got.gradients[i], want.gradients[i]));
  }
  return error;
}

/// Both add up the same terms in float32, in different orders: each strays by about sqrt(terms)
/// half-units of the last place (6e-8); four times that of both, and some roundings besides.
double tolerance(const OperationCase& operation) {
  return 6e-8 * (8 + 8 * std::sqrt(static_cast<double>(operation.terms)));
}

std::vector<OperationCase> convolutions() {
  std::vector<OperationCase> cases = matrix_cases();
  std::erase_if(cases, [](const OperationCase& c) { return !c.name.starts_with("conv1d"); });
  return cases;
}

class EveryConvolutionOnCudnn : public OnCudnn,
                                public ::testing::WithParamInterface<OperationCase> {};

TEST_P(EveryConvolutionOnCudnn, GivesTheCpusAndTheOwnKernelsNumbers) {
  const OperationCase& operation = GetParam();
  Context cpu(1);
  const Computed expected = compute(cpu, operation);
  Context plain = with_backend({.backend = Backend::plain});
  const Computed by_own_kernels = compute(plain, operation);
  for (const int threads : {32, 96, 256}) {
    emulation::use_order(threads == 96 ? emulation::Order::random : emulation::Order::reverse, 3);
    emulation::use_stream_seed(static_cast<std::uint64_t>(threads));
    Context gpu(Device::cuda);
    gpu.session().use_block_size(threads);
    const Computed found = compute(gpu, operation);
    EXPECT_LE(largest_error(found, expected), tolerance(operation)) << threads << " threads";
    EXPECT_LE(largest_error(found, by_own_kernels), tolerance(operation)) << threads << " threads";
    const std::vector<std::string> plans = cudnn::plans(gpu.session());
    EXPECT_THAT(plans, Each(HasSubstr("cuDNN engine 28, knobs 2=4, ")));
    EXPECT_EQ(plans.size(), expected.output.empty() ? 0U : 3U);
  }
  EXPECT_THAT(cudnn::plans(plain.session()), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Nn, EveryConvolutionOnCudnn, ::testing::ValuesIn(convolutions()),
                         [](const auto& test) { return test.param.name; });

TEST_F(OnCudnn, EveryShapeIsPlannedOnce) {
  const Conv1dOptions options{.filters = 5, .kernel_size = 3};
  Context gpu(Device::cuda);
  for (const Index batch : {3, 3, 2, 3}) compute(gpu, conv1d_case(batch, 11, 4, options));
  EXPECT_THAT(cudnn::plans(gpu.session()),
              ElementsAre(HasSubstr("conv1d [2, 11, 4] to [2, 11, 5], kernel 3, bias: cuDNN eng"),
                          HasSubstr("conv1d [3, "), HasSubstr("_data [2"), HasSubstr("_data [3"),
                          HasSubstr("_weights [2"), HasSubstr("_weights [3")));
}

TEST_F(OnCudnn, Float32MeansFloat32AndTf32IsASwitch) {
  const OperationCase operation = conv1d_case(3, 20, 8, {.filters = 6, .kernel_size = 3});
  Context cpu(1);
  const Computed expected = compute(cpu, operation);
  Context strict(Device::cuda);
  EXPECT_LE(largest_error(compute(strict, operation), expected), tolerance(operation));
  Context fast = with_backend({.tf32 = true});
  const double error = largest_error(compute(fast, operation), expected);
  // TF32 rounds by up to 2^-11 of a number.
  EXPECT_GT(error, 1e-5);
  EXPECT_LT(error, 1e-3);
  EXPECT_THAT(cudnn::plans(fast.session()), Each(HasSubstr("engine 67")));
  EXPECT_THAT(cudnn::plans(fast.session()), Each(HasSubstr("notes TENSOR_CORE")));
}

TEST_F(OnCudnn, TheSameBitsComeAgainUnlessTheyNeedNot) {
  const OperationCase operation = conv1d_case(5, 30, 12, {.filters = 6, .kernel_size = 5});
  const auto twice = [&](Context context) {
    const Computed first = compute(context, operation);
    return first.output == compute(context, operation).output;
  };
  EXPECT_TRUE(twice(Context(Device::cuda)));
  // Where this is no longer so the line above says nothing.
  emulation::use_cudnn_engines({emulation::drifting_engine});
  EXPECT_FALSE(twice(with_rules({.reproducible = false})));
}

TEST_F(OnCudnn, WhatHasNoPlanIsDoneByOwnKernelsAndSaysSo) {
  const OperationCase operation = conv1d_case(3, 20, 8, {.filters = 6, .kernel_size = 3});
  Context plain = with_backend({.backend = Backend::plain});
  const Computed expected = compute(plain, operation);
  emulation::use_cudnn_engines({emulation::tensor_core_engine, emulation::drifting_engine});
  Context gpu(Device::cuda);
  const Computed found = compute(gpu, operation);
  EXPECT_EQ(found.output, expected.output);
  EXPECT_EQ(found.gradients, expected.gradients);
  EXPECT_THAT(cudnn::plans(gpu.session()),
              ElementsAre(AllOf(HasSubstr("conv1d ["), HasSubstr("own kernel (no engine: 2 ref")),
                          AllOf(HasSubstr("_data ["), HasSubstr("own kernel (")),
                          AllOf(HasSubstr("_weights ["), HasSubstr("own kernel ("))));
}

TEST_F(OnCudnn, AnEngineWithTooLargeAWorkspaceIsNotTaken) {
  const OperationCase operation = conv1d_case(3, 20, 8, {.filters = 6, .kernel_size = 3});
  Context gpu = with_rules({.most_workspace = 100});
  compute(gpu, operation);
  EXPECT_THAT(cudnn::plans(gpu.session()), Each(HasSubstr("engine 0, ")));
  // A change of the rules holds from the next convolution on.
  cudnn::rules(gpu.session()) = {};
  compute(gpu, operation);
  EXPECT_THAT(cudnn::plans(gpu.session()), Each(HasSubstr("engine 28, ")));
}

/// One pass of a small convolution, run by hand so that it can be run wrongly.
class ByHand : public OnCudnn {
 protected:
  void SetUp() override {
    cudnn::check(cudnnCreate(&handle_), "beginning");
    cudnn::check(cudnnSetStream(handle_, context_.session().stream()), "choosing the stream");
  }
  void TearDown() override {
    cudnnDestroy(handle_);
    OnCudnn::TearDown();
  }

  static cudnn::ConvolutionGraph graph(cudnn::Pass pass) {
    return cudnn::graph_of(pass, convolution_of(options(), x_shape(), y_shape()), false, 16);
  }
  static Conv1dOptions options() { return {.filters = 6, .kernel_size = 3, .use_bias = false}; }
  static Shape x_shape() { return {3, 9, 4}; }
  static Shape w_shape() { return {6, 3, 4}; }  // as cuDNN gets them
  static Shape y_shape() { return {3, 9, 6}; }

  /// What the pass leaves in `result` of x, w, y when it is run on these pointers.
  Numbers run(const cudnn::ConvolutionGraph& graph, Array<float>& result,
              const cudnn::Plan::Pointers& pointers, Index missing_workspace = 0) {
    const cudnn::Planned planned = cudnn::make_plan(cudnn::Target(handle_), graph, {});
    const auto floats = static_cast<Index>(planned.plan->choice().workspace / sizeof(float));
    Array<float> workspace(Shape{floats - missing_workspace}, Device::cuda);
    planned.plan->execute(handle_, pointers, workspace.data());
    Numbers numbers(static_cast<std::size_t>(result.size()));
    copy(context_, result.view(), Tensor<float>(numbers.data(), result.shape()));
    return numbers;
  }

  Array<float> filled(const Shape& shape, std::uint32_t stream) {
    Array<float> array(shape, Device::cuda);
    const Numbers numbers = numbers_of_stream(shape.size(), stream);
    copy(context_, Tensor<const float>(numbers.data(), shape), array.view());
    return array;
  }

  Context context_{Device::cuda};
  cudnnHandle_t handle_ = nullptr;
  Array<float> x_ = filled(x_shape(), 1), w_ = filled(w_shape(), 2), y_ = filled(y_shape(), 3);
};

TEST_F(ByHand, RunsAsItShould) {
  // The same numbers as through conv1d, whose weights lie the other way around.
  Array<float> turned(Shape{3, 4, 6});
  Numbers weights = numbers_of_stream(w_shape().size(), 2);
  for (Index f = 0; f < 6; ++f) {
    for (Index i = 0; i < 12; ++i) {
      turned[i * 6 + f] = weights[static_cast<std::size_t>(f * 12 + i)];
    }
  }
  Context cpu(1);
  const Numbers x = numbers_of_stream(x_shape().size(), 1);
  Numbers y(static_cast<std::size_t>(y_shape().size()));
  conv1d(cpu, options(), {x.data(), x_shape()}, turned.view(), {}, {y.data(), y_shape()});
  const Numbers found = run(graph(cudnn::Pass::forward), y_, {x_.data(), w_.data(), y_.data()});
  EXPECT_LE(largest_error(found, y), 1e-6);
}

class Verdicts : public ByHand, public ::testing::WithParamInterface<GraphVerdict> {};

/// tests/cudnn/plans_test.cpp asks the real library the same.
TEST_P(Verdicts, AreTheRealLibrarys) {
  const Shape shape{32, 96, 128};
  const auto convolution = convolution_of({.filters = 128, .kernel_size = 5}, shape, shape);
  for (const auto pass :
       {cudnn::Pass::forward, cudnn::Pass::backward_data, cudnn::Pass::backward_weights}) {
    cudnn::ConvolutionGraph graph = cudnn::graph_of(pass, convolution, false, 16);
    GetParam().change(graph);
    bool taken = false;
    const std::string why = error_of<DeviceError>(
        [&] { taken = cudnn::make_plan(cudnn::Target(handle_), graph, {}).plan != nullptr; });
    EXPECT_EQ(taken, GetParam().taken) << to_string(graph) << ": " << why;
  }
}

INSTANTIATE_TEST_SUITE_P(Cudnn, Verdicts, ::testing::ValuesIn(graph_verdicts()),
                         [](const auto& test) { return test.param.name; });

TEST_F(ByHand, SwappedPointersOfDxAndDwAreCaught) {
  // dx is larger than dw, so that there is no room for it.
  Array<float> dx = filled(x_shape(), 4), dw = filled(w_shape(), 5);
  EXPECT_THAT(error_of<DeviceError>([&] {
                run(graph(cudnn::Pass::backward_data), dx, {dw.data(), w_.data(), y_.data()});
              }),
              HasSubstr("pointers"));
  EXPECT_THAT(emulation::take_faults(), HasSubstr("x takes 432 bytes, more than"));
  // dw has room where dx should be: the numbers tell.
  const auto pass = graph(cudnn::Pass::backward_weights);
  const Numbers right = run(pass, dw, {x_.data(), dw.data(), y_.data()});
  dw = filled(w_shape(), 5);
  EXPECT_GT(largest_error(run(pass, dw, {x_.data(), dx.data(), y_.data()}), right), 0.1);
  EXPECT_EQ(run(pass, dw, {x_.data(), dw.data(), y_.data()}), right);
}

TEST_F(ByHand, AWorkspaceThatIsTooSmallIsCaught) {
  for (const auto pass :
       {cudnn::Pass::forward, cudnn::Pass::backward_data, cudnn::Pass::backward_weights}) {
    EXPECT_THAT(error_of<DeviceError>([&] {
                  run(graph(pass), y_, {x_.data(), w_.data(), y_.data()}, 1);
                }),
                HasSubstr("workspace"));
    EXPECT_THAT(emulation::take_faults(), HasSubstr("workspace takes 432 bytes, more than"));
  }
}

TEST_F(ByHand, WrongStridesAreCaught) {
  const Numbers right = run(graph(cudnn::Pass::forward), y_, {x_.data(), w_.data(), y_.data()});
  // Channels first, which the numbers are not: the same extents, the same room.
  cudnn::ConvolutionGraph wrong = graph(cudnn::Pass::forward);
  wrong.x.strides = {36, 9, 9, 1};
  EXPECT_GT(largest_error(run(wrong, y_, {x_.data(), w_.data(), y_.data()}), right), 0.1);
  // An item too far apart.
  wrong = graph(cudnn::Pass::forward);
  wrong.x.strides[0] += 1;
  EXPECT_THAT(error_of<DeviceError>([&] {
                run(wrong, y_, {x_.data(), w_.data(), y_.data()});
              }),
              HasSubstr("pointers"));
  EXPECT_THAT(emulation::take_faults(), HasSubstr("x takes 440 bytes, more than"));
}

TEST_F(ByHand, APointerThatIsNotAlignedIsCaught) {
  Array<float> roomy = filled({109}, 4);
  EXPECT_THAT(error_of<DeviceError>([&] {
                run(graph(cudnn::Pass::forward), y_, {roomy.data() + 1, w_.data(), y_.data()});
              }),
              HasSubstr("pointers"));
  EXPECT_THAT(emulation::take_faults(), HasSubstr("aligned to the 16 bytes"));
}

TEST_F(ByHand, AWrongShapeIsRefusedNamingTheCondition) {
  cudnn::ConvolutionGraph wrong = graph(cudnn::Pass::forward);
  wrong.y.extents[3] += 1;
  EXPECT_THAT(error_of<DeviceError>([&] {
                run(wrong, y_, {x_.data(), w_.data(), y_.data()});
              }),
              HasSubstr("y.L == (x.L + left + right - span) / stride + 1"));
}

/// Rows out of the midst of a batch begin at any float: the plan then promises no more.
TEST_F(OnCudnn, NumbersAreTakenWhereverTheyLie) {
  const Conv1dOptions options{.filters = 5, .kernel_size = 3, .use_bias = false};
  const Shape x_shape{3, 11, 3}, w_shape{3, 3, 5}, y_shape{3, 11, 5};
  Context gpu(Device::cuda);
  const auto run = [&](Index offset) {
    const auto placed = [&](const Shape& shape, std::uint32_t stream) {
      const Numbers numbers = numbers_of_stream(shape.size(), stream);
      Array<float> memory(Shape{shape.size() + offset}, Device::cuda);
      const Tensor<float> view(memory.data() + offset, shape, Device::cuda);
      copy(gpu, Tensor<const float>(numbers.data(), shape), view);
      return std::pair(std::move(memory), view);
    };
    const auto x = placed(x_shape, 1), w = placed(w_shape, 2), y = placed(y_shape, 3);
    const auto dx = placed(x_shape, 4), dw = placed(w_shape, 5);
    conv1d(gpu, options, x.second, w.second, {}, y.second);
    conv1d_backward_data(gpu, options, w.second, y.second, dx.second);
    conv1d_backward_weights(gpu, options, x.second, y.second, dw.second, {});
    Numbers found;
    for (const Tensor<float>& one : {y.second, dx.second, dw.second}) {
      Numbers numbers(static_cast<std::size_t>(one.size()));
      copy(gpu, one, Tensor<float>(numbers.data(), one.shape()));
      found.insert(found.end(), numbers.begin(), numbers.end());
    }
    return found;
  };
  EXPECT_EQ(run(0), run(1));
}

}  // namespace
}  // namespace serenade::test
