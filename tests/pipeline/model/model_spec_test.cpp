#include "pipeline/model/model_spec.h"
#include "tests/support/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace serenade::test {
namespace {

ModelSpec read(const std::string& text) {
  ModelSpec spec;
  read_options(ConfigNode::parse(text, "model.yaml"), spec);
  return spec;
}

const char* const text = R"(
frames: 200
layers:
  - conv1d: {filters: 64, kernel_size: 5, padding: valid}
  - batch_norm
  - batch_norm: {momentum: 0.9}
  - relu
  - max_pool: {pool_size: 3}
  - max_pool: {pool_size: 3, stride: 2}
  - dropout: {rate: 0.25}
  - global_average_pool
  - global_max_pool
  - flatten
  - dense: {units: 12, use_bias: false}
  - residual: {layers: [{dense: {units: 3}}, relu, {residual: {layers: [gelu]}}], shortcut: projection}
)";

TEST(ModelSpec, ReadsALayerList) {
  const ModelSpec spec = read(text);
  EXPECT_EQ(spec.frames, 200);
  std::vector<std::string_view> names;
  for (const LayerSpec& layer : spec.layers) names.push_back(layer.name());
  EXPECT_THAT(names, testing::ElementsAre("conv1d", "batch_norm", "batch_norm", "relu", "max_pool",
                                          "max_pool", "dropout", "global_average_pool",
                                          "global_max_pool", "flatten", "dense", "residual"));
  const auto& residual = std::get<ResidualOptions>(spec.layers[11].options);
  EXPECT_EQ(residual.shortcut, Shortcut::projection);
  ASSERT_EQ(residual.layers.size(), 3U);
  EXPECT_EQ(std::get<DenseOptions>(residual.layers[0].options).units, 3);
  const auto& convolution = std::get<Conv1dOptions>(spec.layers[0].options);
  EXPECT_EQ(convolution.filters, 64);
  EXPECT_EQ(convolution.padding, Padding::valid);
  EXPECT_TRUE(convolution.use_bias);
  EXPECT_EQ(std::get<BatchNormOptions>(spec.layers[2].options).momentum, 0.9);
  EXPECT_FALSE(std::get<DenseOptions>(spec.layers[10].options).use_bias);
}

TEST(ModelSpec, PrintsCanonicallyAndReadsThatBack) {
  const ModelSpec spec = read(text);
  const std::string canonical = canonical_text(spec);
  EXPECT_THAT(
      canonical,
      testing::StartsWith("{frames: 200, normalisation: global, masked: false, layers: [{conv1d: "
                          "{filters: 64, kernel_size: 5, padding: valid, use_bias: true, stride: "
                          "1, dilation: 1, groups: 1}}, "
                          "{batch_norm: {momentum: 0.99, epsilon: 0.001}}, "));
  EXPECT_THAT(canonical, testing::HasSubstr("relu, {max_pool: {pool_size: 3, stride: null}}"));
  EXPECT_EQ(canonical_text(read(canonical)), canonical);
  EXPECT_EQ(canonical_text(read(to_yaml(canonical))), canonical);
  EXPECT_THAT(canonical,
              testing::EndsWith("{residual: {layers: [{dense: {units: 3, use_bias: true}}, relu, "
                                "{residual: {layers: [gelu], shortcut: auto}}], shortcut: "
                                "projection}}]}"));
  EXPECT_EQ(canonical_text(read("{}")),
            "{frames: null, normalisation: global, masked: false, layers: []}");
}

/// Model texts come out of files: nesting must not take the stack.
TEST(ModelSpec, RefusesBottomlessNesting) {
  std::string deep = "layers: [", end = "]";
  for (int i = 0; i < 20000; ++i) {
    deep += "{residual: {layers: [";
    end = "]}}" + end;
  }
  EXPECT_THROW(read(deep + "relu" + end), ConfigError);
}

std::string complaint(const std::string& layers) {
  return test::error_of<ConfigError>([&] { read("layers: " + layers); });
}

TEST(ModelSpec, NamesWhatIsWrong) {
  EXPECT_THAT(complaint("[relu, conv_1d]"),
              testing::AllOf(testing::StartsWith("model.yaml:1: layers.1"),
                             testing::HasSubstr("no layer 'conv_1d' (did you mean 'conv1d'?)")));
  EXPECT_THAT(complaint("[{conv1d: {filter: 3}}]"),
              testing::AllOf(testing::HasSubstr("layers.0.conv1d"), testing::HasSubstr("filters")));
  EXPECT_THAT(complaint("[{dropout: {rate: 1.5}}]"), testing::HasSubstr("dropout.rate"));
  EXPECT_THAT(complaint("[{max_pool: {stride: 0}}]"), testing::HasSubstr("max_pool.stride"));
  EXPECT_THAT(complaint("[{relu: {slope: 1}}]"), testing::HasSubstr("slope"));
  EXPECT_THAT(complaint("[{residual: {layers: [{dropout: {rate: 2}}]}}]"),
              testing::HasSubstr("layers.0.residual.layers.0.dropout.rate"));
}

}  // namespace
}  // namespace serenade::test
