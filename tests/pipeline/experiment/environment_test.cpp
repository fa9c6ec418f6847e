#include "pipeline/experiment/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/device/copy.h"
#include "kernels/device/memory.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/conv1d_cudnn.h"

namespace serenade::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST(Environment, NamesTheVersionOfCudnn) {
  const Context context;
  for (const auto& [what, value] : environment(context, Device::cpu)) {
    if (what != "cudnn") continue;
    EXPECT_THAT(value, MatchesRegex(cuda::has_cudnn ? "9\\.[0-9]+\\.[0-9]+" : "not in this build"));
    return;
  }
  FAIL() << "no line for cudnn";
}

TEST(Environment, SaysHowConvolutionsWereDone) {
  Context cpu;
  EXPECT_THAT(convolution_plans(cpu), IsEmpty());
  if constexpr (cuda::has_cudnn) {
    if (cuda::devices().empty()) GTEST_SKIP() << "no GPU here";
    Context gpu(Device::cuda);
    EXPECT_THAT(convolution_plans(gpu), IsEmpty());
    const Array<float> zeros(Shape{1000});
    Array<float> x(Shape{2, 9, 4}, Device::cuda), w(Shape{3, 4, 8}, Device::cuda);
    Array<float> y(Shape{2, 9, 8}, Device::cuda);
    for (Array<float>* one : {&x, &w}) {
      copy(gpu, Tensor<const float>(zeros.data(), one->shape()), one->view());
    }
    conv1d(gpu, {.filters = 8, .kernel_size = 3, .use_bias = false}, x.view(), w.view(), {},
           y.view());
    gpu.synchronize();
    EXPECT_THAT(convolution_plans(gpu),
                ElementsAre(StartsWith("conv1d [2, 9, 4] to [2, 9, 8], kernel 3: cuDNN engine ")));
  }
}

}  // namespace
}  // namespace serenade::test
