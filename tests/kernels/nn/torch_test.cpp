// Layers and optimizers against PyTorch; the data is made by tools/golden/torch_nn.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/nn/activation.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/dense.h"
#include "kernels/nn/gradients.h"
#include "kernels/nn/layer_norm.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "kernels/nn/pool.h"
#include "kernels/nn/statistics_pool.h"
#include "tests/support/golden.h"

namespace serenade::test {
namespace {

/// One group of the golden file.
class Group {
 public:
  explicit Group(std::string name) : file_("torch.h5"), name_(std::move(name)) {}

  Array<float> operator[](const std::string& key) const {
    const GoldenArray golden = file_[name_ + "/" + key];
    Array<float> array(shape(golden));
    std::ranges::copy(golden.floats(), array.data());
    return array;
  }
  /// Sums of up to 57 (a bias gradient) or 90 (a convolution) products in float32, against float64
  /// stored as float32: sqrt(90) half-units of the last place are 6e-7 of the largest value.
  void expect(const std::string& key, const Array<float>& got) const {
    const GoldenArray golden = file_[name_ + "/" + key];
    ASSERT_EQ(to_string(got.shape()), to_string(shape(golden))) << name_ << "/" << key;
    double scale = 1;
    for (const double value : golden.values) scale = std::max(scale, std::abs(value));
    for (Index i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], golden.values[static_cast<std::size_t>(i)], 1e-6 * scale)
          << name_ << "/" << key << ", element " << i;
    }
  }

 private:
  static Shape shape(const GoldenArray& golden) {
    const auto& s = golden.shape;
    if (s.size() == 1) return {s[0]};
    if (s.size() == 2) return {s[0], s[1]};
    return {s.at(0), s.at(1), s.at(2)};
  }

  Golden file_;
  std::string name_;
};

void expect_convolution(const std::string& name, Padding padding, int stride = 1, int dilation = 1,
                        int groups = 1) {
  const Group group(name);
  Context context;
  const auto x = group["x"], kernel = group["kernel"], bias = group["bias"], dy = group["dy"];
  const Conv1dOptions options{static_cast<int>(bias.size()),
                              static_cast<int>(kernel.shape()[0]),
                              padding,
                              true,
                              stride,
                              dilation,
                              groups};
  Array<float> y(dy.shape()), dx(x.shape()), dkernel(kernel.shape()), dbias(bias.shape());
  conv1d(context, options, x.view(), kernel.view(), bias.view(), y.view());
  conv1d_backward_data(context, options, kernel.view(), dy.view(), dx.view());
  conv1d_backward_weights(context, options, x.view(), dy.view(), dkernel.view(), dbias.view());
  group.expect("y", y);
  group.expect("dx", dx);
  group.expect("dkernel", dkernel);
  group.expect("dbias", dbias);
}

TEST(Torch, Conv1dSame) { expect_convolution("conv1d_same", Padding::same); }
TEST(Torch, Conv1dSameOfEvenSize) { expect_convolution("conv1d_same_even", Padding::same); }
TEST(Torch, Conv1dValid) { expect_convolution("conv1d_valid", Padding::valid); }

TEST(Torch, Conv1dCausal) { expect_convolution("conv1d_causal", Padding::causal); }
TEST(Torch, Conv1dStrided) { expect_convolution("conv1d_strided", Padding::same, 2); }
TEST(Torch, Conv1dDilated) { expect_convolution("conv1d_dilated", Padding::same, 1, 4); }
TEST(Torch, Conv1dGrouped) { expect_convolution("conv1d_grouped", Padding::valid, 2, 2, 3); }
TEST(Torch, Conv1dDepthwise) { expect_convolution("conv1d_depthwise", Padding::same, 1, 1, 37); }

TEST(Torch, BatchNorm) {
  const Group group("batch_norm");
  Context context;
  const auto x = group["x"], gamma = group["gamma"], beta = group["beta"], dy = group["dy"];
  Array<float> y(x.shape()), dx(x.shape()), dgamma(gamma.shape()), dbeta(gamma.shape());
  Array<float> kept(Shape{4, gamma.size()});
  const BatchNormStatistics statistics{kept.view().row(0), kept.view().row(1), kept.view().row(2),
                                       kept.view().row(3)};
  batch_norm(context, {}, x.view(), gamma.view(), beta.view(), statistics, y.view());
  batch_norm_backward(context, x.view(), gamma.view(), statistics, dy.view(), dx.view(),
                      dgamma.view(), dbeta.view());
  group.expect("y", y);
  group.expect("dx", dx);
  group.expect("dgamma", dgamma);
  group.expect("dbeta", dbeta);
}

TEST(Torch, BatchNormInference) {
  const Group group("batch_norm_inference");
  Context context;
  const auto x = group["x"], gamma = group["gamma"], beta = group["beta"];
  const auto mean = group["mean"], variance = group["variance"];
  Array<float> y(x.shape());
  batch_norm_inference(context, {}, x.view(), gamma.view(), beta.view(), mean.view(),
                       variance.view(), y.view());
  group.expect("y", y);
}

TEST(Torch, Relu) {
  const Group group("relu");
  Context context;
  const auto x = group["x"], dy = group["dy"];
  Array<float> y(x.shape()), dx(x.shape());
  relu(context, x.view(), y.view());
  relu_backward(context, y.view(), dy.view(), dx.view());
  group.expect("y", y);
  group.expect("dx", dx);
}

void expect_max_pool(const std::string& name, const MaxPoolOptions& options) {
  const Group group(name);
  Context context;
  const auto x = group["x"], dy = group["dy"];
  Array<float> y(dy.shape()), dx(x.shape());
  max_pool(context, options, x.view(), y.view());
  max_pool_backward(context, options, x.view(), dy.view(), dx.view());
  group.expect("y", y);
  group.expect("dx", dx);
}

TEST(Torch, MaxPool) { expect_max_pool("max_pool", {{2, {}}}); }
TEST(Torch, MaxPoolOverlapping) { expect_max_pool("max_pool_overlapping", {{3, 2}}); }

TEST(Torch, AveragePool) {
  const Group group("average_pool");
  Context context;
  const auto x = group["x"], dy = group["dy"];
  Array<float> y(dy.shape()), dx(x.shape());
  average_pool(context, {{3, 2}}, x.view(), y.view());
  average_pool_backward(context, {{3, 2}}, dy.view(), dx.view());
  group.expect("y", y);
  group.expect("dx", dx);
}

TEST(Torch, StatisticsPool) {
  const Group group("statistics_pool");
  Context context;
  const auto x = group["x"], dy = group["dy"];
  Array<float> y(dy.shape()), dx(x.shape());
  statistics_pool(context, {}, x.view(), y.view());
  statistics_pool_backward(context, x.view(), y.view(), dy.view(), dx.view());
  group.expect("y", y);
  group.expect("dx", dx);
}

TEST(Torch, Activations) {
  Context context;
  const std::vector<std::pair<std::string, ActivationOptions>> all{
      {"leaky_relu", LeakyReluOptions{0.2}},
      {"elu", EluOptions{1.5}},
      {"gelu", GeluOptions{}},
      {"silu", SiluOptions{}}};
  for (const auto& [name, options] : all) {
    const Group group(name);
    const auto x = group["x"], dy = group["dy"];
    Array<float> y(x.shape()), dx(x.shape());
    activation(context, options, x.view(), y.view());
    activation_backward(context, options, x.view(), dy.view(), dx.view());
    group.expect("y", y);
    group.expect("dx", dx);
  }
}

TEST(Torch, LayerNorm) {
  const Group group("layer_norm");
  Context context;
  const auto x = group["x"], gamma = group["gamma"], beta = group["beta"], dy = group["dy"];
  Array<float> y(x.shape()), dx(x.shape()), dgamma(gamma.shape()), dbeta(gamma.shape());
  layer_norm(context, {}, x.view(), gamma.view(), beta.view(), y.view());
  layer_norm_backward(context, {}, x.view(), gamma.view(), dy.view(), dx.view(), dgamma.view(),
                      dbeta.view());
  group.expect("y", y);
  group.expect("dx", dx);
  group.expect("dgamma", dgamma);
  group.expect("dbeta", dbeta);
}

TEST(Torch, GlobalPools) {
  Context context;
  const Group average("global_average_pool"), largest("global_max_pool");
  const auto x = average["x"], dy = average["dy"];
  Array<float> y(dy.shape()), dx(x.shape());
  global_average_pool(context, x.view(), y.view());
  global_average_pool_backward(context, dy.view(), dx.view());
  average.expect("y", y);
  average.expect("dx", dx);
  const auto max_x = largest["x"], max_dy = largest["dy"];
  global_max_pool(context, max_x.view(), y.view());
  global_max_pool_backward(context, max_x.view(), max_dy.view(), dx.view());
  largest.expect("y", y);
  largest.expect("dx", dx);
}

TEST(Torch, Dense) {
  const Group group("dense");
  Context context;
  const auto x = group["x"], kernel = group["kernel"], bias = group["bias"], dy = group["dy"];
  Array<float> y(dy.shape()), dx(x.shape()), dkernel(kernel.shape()), dbias(bias.shape());
  dense(context, x.view(), kernel.view(), bias.view(), y.view());
  dense_backward_data(context, kernel.view(), dy.view(), dx.view());
  dense_backward_weights(context, x.view(), dy.view(), dkernel.view(), dbias.view());
  group.expect("y", y);
  group.expect("dx", dx);
  group.expect("dkernel", dkernel);
  group.expect("dbias", dbias);
}

TEST(Torch, SoftmaxCrossEntropy) {
  const Group group("softmax_cross_entropy");
  Context context;
  const auto logits = group["x"], targets = group["targets"];
  Array<float> losses(Shape{logits.shape()[0]}), dx(logits.shape());
  softmax_cross_entropy(context, logits.view(), targets.view(), {}, losses.view(), dx.view());
  group.expect("y", losses);
  group.expect("dx", dx);
}

/// Smoothed labels, and rows that weigh what their class does.
TEST(Torch, LossOptions) {
  Context context;
  for (const std::string name : {"label_smoothing", "class_weights"}) {
    const Group group(name);
    const auto logits = group["x"], labels = group["labels"];
    const std::vector<std::int32_t> classes(labels.span().begin(), labels.span().end());
    Array<float> targets(logits.shape()), losses(labels.shape()), dx(logits.shape());
    one_hot(classes, targets.view());
    if (name == "label_smoothing") {
      smooth_labels(0.1, targets.view());
      softmax_cross_entropy(context, logits.view(), targets.view(), {}, losses.view(), dx.view());
    } else {
      const auto weights = group["weights"];
      Array<float> rows(labels.shape());
      for (Index b = 0; b < rows.size(); ++b) {
        rows[b] = weights[classes[static_cast<std::size_t>(b)]];
      }
      softmax_cross_entropy(context, logits.view(), targets.view(), rows.view(), losses.view(),
                            dx.view());
    }
    group.expect("dx", dx);
  }
}

TEST(Torch, ClipByGlobalNorm) {
  const Group group("clip");
  Context context;
  auto a = group["a"], b = group["b"];
  const std::vector<Tensor<float>> gradients{a.view(), b.view()};
  EXPECT_NEAR(clip_by_global_norm(context, 1.5, gradients), double{group["norm"][0]}, 1e-6);
  // PyTorch divides by norm + 1e-6: 2e-7 of a norm of 5
  group.expect("clipped_a", a);
  group.expect("clipped_b", b);
}

void expect_sgd(const std::string& name, const SgdOptions& options) {
  const Group group(name);
  Context context;
  auto value = group["start"];
  const auto gradients = group["gradients"];
  Array<float> velocity(value.shape()), values(gradients.shape());
  for (Index step = 0; step < gradients.shape()[0]; ++step) {
    const std::vector<OptimizerSlot> slots{
        {value.view(), gradients.view().row(step), velocity.view(), {}, true}};
    sgd(context, options, 0.1, slots);
    std::ranges::copy(value.span(), values.view().row(step).data());
  }
  group.expect("values", values);
}

TEST(Torch, Sgd) { expect_sgd("sgd", {}); }
TEST(Torch, SgdWithMomentum) { expect_sgd("sgd_momentum", {0.9, false}); }
TEST(Torch, SgdWithNesterov) { expect_sgd("sgd_nesterov", {0.9, true}); }

void expect_optimizer(const std::string& name, const AdamwOptions& options) {
  const Group group(name);
  Context context;
  auto value = group["start"];
  const auto gradients = group["gradients"];
  Array<float> m(value.shape()), v(value.shape()), values(gradients.shape());
  for (Index step = 1; step <= gradients.shape()[0]; ++step) {
    const std::vector<OptimizerSlot> slots{
        {value.view(), gradients.view().row(step - 1), m.view(), v.view(), true}};
    adamw(context, options, 0.01, step, slots);
    std::ranges::copy(value.span(), values.view().row(step - 1).data());
  }
  group.expect("values", values);
}

TEST(Torch, Adam) { expect_optimizer("adam", {{}, 0.0}); }
TEST(Torch, Adamw) { expect_optimizer("adamw", {{}, 0.1}); }

}  // namespace
}  // namespace serenade::test
