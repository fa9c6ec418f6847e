#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/nn/activation.h"
#include "kernels/nn/add.h"
#include "kernels/nn/attention_pool.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/channel_gate.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/dense.h"
#include "kernels/nn/dropout.h"
#include "kernels/nn/layer_norm.h"
#include "kernels/nn/lengths.h"
#include "kernels/nn/pool.h"
#include "kernels/nn/statistics_pool.h"
#include "tests/support/error_of.h"

namespace serenade::test {
namespace {

TEST(ShapeErrors, NameTheOperationTheTensorAndBothShapes) {
  Context context;
  Array<float> x(Shape{2, 5, 3}), y(Shape{2, 5, 4}), weights(Shape{3, 3, 4}), bias(Shape{4});
  const Conv1dOptions options{4, 3, Padding::same, true};
  conv1d(context, options, x.view(), weights.view(), bias.view(), y.view());
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv1d(context, {4, 3, Padding::valid, true}, x.view(), weights.view(), bias.view(),
                     y.view());
            }),
            "conv1d: y is [2, 5, 4] but must be [2, 3, 4]");
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv1d(context, {4, 5, Padding::same, true}, x.view(), weights.view(), bias.view(),
                     y.view());
            }),
            "conv1d: weights is [3, 3, 4] but must be [5, 3, 4]");
  EXPECT_EQ(error_of<ShapeError>(
                [&] { conv1d(context, options, x.view(), weights.view(), {}, y.view()); }),
            "conv1d: bias is [] but must be [4]");
  EXPECT_EQ(error_of<ShapeError>([&] { relu(context, x.view(), y.view()); }),
            "relu: y is [2, 5, 4] but must be [2, 5, 3]");
}

TEST(ShapeErrors, NameTheAxesWhereTheirNumberIsWrong) {
  Context context;
  Array<float> flat(Shape{5}), matrix(Shape{2, 5});
  EXPECT_EQ(error_of<ShapeError>([&] {
              max_pool(context, {{2, {}}}, matrix.view(), matrix.view());
            }),
            "max_pool: x is [2, 5] but must be [batch, time, channels]");
  EXPECT_EQ(
      error_of<ShapeError>([&] { dense(context, flat.view(), matrix.view(), {}, matrix.view()); }),
      "dense: x is [5] but must be [batch, features]");
  EXPECT_EQ(
      error_of<ShapeError>([&] { dense(context, matrix.view(), flat.view(), {}, matrix.view()); }),
      "dense: weights is [5] but must be [features, units]");
}

TEST(ShapeErrors, ComeFromEveryOperation) {
  Context context;
  Array<float> a(Shape{2, 5, 3}), b(Shape{2, 4, 3}), c(Shape{2, 6}), d(Shape{5});
  const std::vector<std::uint32_t> utterances{1, 2, 3};
  EXPECT_THROW(max_pool(context, {{2, {}}}, a.view(), a.view()), ShapeError);
  EXPECT_THROW(max_pool_backward(context, {{2, {}}}, a.view(), b.view(), a.view()), ShapeError);
  EXPECT_THROW(average_pool(context, {{2, {}}}, a.view(), a.view()), ShapeError);
  EXPECT_THROW(average_pool_backward(context, {{2, {}}}, a.view(), a.view()), ShapeError);
  EXPECT_THROW(statistics_pool(context, {}, a.view(), d.view()), ShapeError);
  EXPECT_THROW(statistics_pool_backward(context, a.view(), c.view(), c.view(), b.view()),
               ShapeError);
  EXPECT_THROW(attention_pool(context, 0, a.view(), a.view(), a.view(), d.view()), ShapeError);
  EXPECT_THROW(attention_pool(context, 0, a.view(), b.view(), a.view(), c.view()), ShapeError);
  EXPECT_THROW(attention_pool_backward(context, 0, a.view(), a.view(), c.view(), c.view(), b.view(),
                                       a.view()),
               ShapeError);
  EXPECT_THROW(layer_norm(context, {}, a.view(), d.view(), d.view(), a.view()), ShapeError);
  EXPECT_THROW(
      layer_norm_backward(context, {}, a.view(), d.view(), a.view(), a.view(), d.view(), d.view()),
      ShapeError);
  EXPECT_THROW(channel_gate(context, a.view(), c.view(), a.view()), ShapeError);
  EXPECT_THROW(channel_gate_backward(context, a.view(), c.view(), a.view(), a.view(), c.view()),
               ShapeError);
  EXPECT_THROW(add(context, a.view(), b.view(), a.view()), ShapeError);
  EXPECT_THROW(activation(context, SiluOptions{}, a.view(), b.view()), ShapeError);
  EXPECT_THROW(activation_backward(context, SiluOptions{}, a.view(), b.view(), a.view()),
               ShapeError);
  EXPECT_THROW(global_average_pool(context, a.view(), c.view()), ShapeError);
  EXPECT_THROW(global_average_pool_backward(context, c.view(), a.view()), ShapeError);
  EXPECT_THROW(global_max_pool(context, c.view(), c.view()), ShapeError);
  EXPECT_THROW(dense(context, c.view(), c.view(), {}, c.view()), ShapeError);
  EXPECT_THROW(dense(context, a.view(), c.view(), {}, c.view()), ShapeError);
  EXPECT_THROW(dense_backward_weights(context, c.view(), c.view(), c.view(), {}), ShapeError);
  EXPECT_THROW(dense_backward_data(context, c.view(), c.view(), a.view()), ShapeError);
  EXPECT_THROW(
      batch_norm_inference(context, {}, a.view(), d.view(), d.view(), d.view(), d.view(), a.view()),
      ShapeError);
  EXPECT_THROW(dropout(context, {}, {}, {utterances.data(), Shape{3}}, a.view(), a.view()),
               ShapeError);
  EXPECT_THROW(
      conv1d_backward_data(context, {4, 3, Padding::same, true}, a.view(), a.view(), a.view()),
      ShapeError);
  EXPECT_THROW(conv1d_backward_weights(context, {3, 3, Padding::valid, true}, a.view(), a.view(),
                                       a.view(), d.view()),
               ShapeError);
}

TEST(ShapeErrors, LengthsAreOneForEachRow) {
  Context context;
  Array<float> x(Shape{2, 5, 3}), y(Shape{2, 3}), wide(Shape{2, 6}), pooled(Shape{2, 2, 3});
  Array<float> scores(Shape{2, 5, 1}), channels(Shape{3});
  Array<std::int32_t> three(Shape{3});
  const Lengths lengths = three.view();
  const auto c = channels.view();
  EXPECT_EQ(
      error_of<ShapeError>([&] { global_average_pool(context, x.view(), y.view(), lengths); }),
      "global_average_pool: lengths is [3] but must be [2]");
  EXPECT_THROW(global_average_pool_backward(context, y.view(), x.view(), lengths), ShapeError);
  EXPECT_THROW(global_max_pool(context, x.view(), y.view(), lengths), ShapeError);
  EXPECT_THROW(max_pool(context, {{2, {}}}, x.view(), pooled.view(), lengths), ShapeError);
  EXPECT_THROW(average_pool(context, {{2, {}}}, x.view(), pooled.view(), lengths), ShapeError);
  EXPECT_THROW(average_pool_backward(context, {{2, {}}}, pooled.view(), x.view(), lengths),
               ShapeError);
  EXPECT_THROW(statistics_pool(context, {}, x.view(), wide.view(), lengths), ShapeError);
  EXPECT_THROW(
      attention_pool(context, 0, x.view(), scores.view(), scores.view(), y.view(), lengths),
      ShapeError);
  EXPECT_THROW(batch_norm(context, {}, x.view(), c, c, {c, c, c, c}, x.view(), lengths),
               ShapeError);
  EXPECT_THROW(clear_padding(context, lengths, x.view()), ShapeError);
  EXPECT_THROW(map_lengths(context, lengths, lengths, three.view().rows(0, 2)), ShapeError);
}

TEST(ShapeErrors, HeadsMustDivide) {
  Context context;
  Array<float> x(Shape{2, 5, 3}), scores(Shape{2, 5, 2}), y(Shape{2, 3});
  EXPECT_EQ(error_of<ShapeError>([&] {
              attention_pool(context, 0, x.view(), scores.view(), scores.view(), y.view());
            }),
            "attention_pool: 2 heads do not divide 3 channels");
}

TEST(ShapeErrors, GroupsMustDivide) {
  Context context;
  Array<float> x(Shape{2, 5, 3}), y(Shape{2, 5, 4}), weights(Shape{3, 1, 4});
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv1d(context, {4, 3, Padding::same, false, 1, 1, 2}, x.view(), weights.view(), {},
                     y.view());
            }),
            "conv1d: 3 channels and 4 filters cannot be cut into 2 equal groups");
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv1d(context, {4, 3, Padding::valid, false, 1, 3}, x.view(), weights.view(), {},
                     y.view());
            }),
            "conv1d: 5 time steps are fewer than the 7 that the kernel spans");
}

TEST(ShapeErrors, RangesOfOptionsAreChecked) {
  Context context;
  Array<float> a(Shape{2, 5, 3});
  EXPECT_THROW(max_pool(context, {{0, {}}}, a.view(), a.view()), ConfigError);
  EXPECT_THROW(max_pool(context, {{2, 0}}, a.view(), a.view()), ConfigError);
  EXPECT_THROW(activation(context, EluOptions{-1}, a.view(), a.view()), ConfigError);
  EXPECT_THROW(layer_norm(context, {0.0}, a.view(), a.view(), a.view(), a.view()), ConfigError);
  EXPECT_THROW(dropout(context, {1.0}, {}, {}, a.view(), a.view()), ConfigError);
}

}  // namespace
}  // namespace serenade::test
