// Layers made of others, against PyTorch; the data is made by tools/golden/torch_nn.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/model/layer_stack.h"
#include "pipeline/model/model_spec.h"
#include "tests/support/golden.h"

namespace serenade::test {
namespace {

Array<float> array_of(const GoldenArray& golden) {
  const auto& s = golden.shape;
  Array<float> array(s.size() == 1   ? Shape{s[0]}
                     : s.size() == 2 ? Shape{s[0], s[1]}
                                     : Shape{s[0], s[1], s[2]});
  std::ranges::copy(golden.floats(), array.data());
  return array;
}

/// Chains of at most 48 products and a handful of functions in float32, against float64.
void expect_near(Tensor<const float> got, const GoldenArray& want, const std::string& what,
                 double tolerance) {
  ASSERT_EQ(got.size(), static_cast<Index>(want.values.size())) << what;
  double scale = 1;
  for (const double value : want.values) scale = std::max(scale, std::abs(value));
  for (Index i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got.data()[i], want.values[static_cast<std::size_t>(i)], tolerance * scale)
        << what << ", element " << i;
  }
}

/// `names` of the golden group, in the order of the layer's parameters.
void expect_torch(const std::string& group, const std::string& layers,
                  const std::vector<std::string>& names, double tolerance = 1e-6) {
  SCOPED_TRACE(group);
  const Golden golden("torch.h5");
  ModelSpec spec;
  read_options(ConfigNode::parse("layers: [" + layers + "]", "model"), spec);
  const auto x = array_of(golden[group + "/x"]), dy = array_of(golden[group + "/dy"]);
  LayerSite site;
  site.input = Shape{x.shape()[1], x.shape()[2]};
  site.inner = 1;
  LayerStack stack(site);
  stack.add(spec.layers[0], "layer", 0);
  const auto parameters = stack.parameters();
  ASSERT_EQ(parameters.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto value = golden[group + "/" + names[i]].floats();
    ASSERT_EQ(static_cast<Index>(value.size()), parameters[i].value.size()) << names[i];
    std::ranges::copy(value, parameters[i].value.data());
  }
  Context context(2);
  Array<float> dx(x.shape());
  const auto y = stack.forward(context, {}, {}, x.view());
  expect_near(y, golden[group + "/y"], "y", tolerance);
  stack.backward(context, {}, x.view(), dy.view(), dx.view());
  expect_near(dx.view(), golden[group + "/dx"], "dx", tolerance);
  for (std::size_t i = 0; i < names.size(); ++i) {
    expect_near(parameters[i].gradient, golden[group + "/d" + names[i]], names[i], tolerance);
  }
}

TEST(TorchLayers, SqueezeExcitation) {
  expect_torch("squeeze_excitation", "{squeeze_excitation: {reduction: 4}}",
               {"reduce_kernel", "reduce_bias", "expand_kernel", "expand_bias"});
}

/// Scores reach 5, where a float's last place is 5e-7: by so much a share may be off, relatively.
TEST(TorchLayers, Attention) {
  constexpr double tolerance = 2e-6;
  const std::vector<std::string> names{"hidden_kernel", "hidden_bias", "scores_kernel"};
  expect_torch("attention_pool", "{attention_pool: {units: 5}}", names, tolerance);
  expect_torch("attentive_statistics_pool", "{attentive_statistics_pool: {units: 5, heads: 2}}",
               names, tolerance);
  expect_torch("attentive_statistics_pool_by_channel",
               "{attentive_statistics_pool: {units: 5, heads: null}}", names, tolerance);
}

TEST(TorchLayers, Residual) {
  expect_torch("residual",
               "{residual: {layers: [{conv1d: {filters: 8, kernel_size: 3, stride: 2}}, silu, "
               "{conv1d: {filters: 8, kernel_size: 3}}]}}",
               {"first_kernel", "first_bias", "second_kernel", "second_bias", "shortcut_kernel"});
}

}  // namespace
}  // namespace serenade::test
