#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/nn/activation.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/dropout.h"
#include "kernels/nn/initialization.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "tests/reference/nn.h"

namespace serenade::test {
namespace {

/// A step by itself.
Steps step_of(Context& context, std::uint32_t step) {
  const StepScalars scalars{step};
  return {context, {&scalars, 1}};
}

Array<float> numbers(Shape shape, float scale = 1, float shift = 0) {
  Array<float> array(shape);
  for (Index i = 0; i < array.size(); ++i) {
    array[i] = shift + scale * std::sin(1.7F * static_cast<float>(i) + 0.3F);
  }
  return array;
}

TEST(BatchNorm, FollowsTheBatchesAsKerasDoes) {
  constexpr int rows = 6, channels = 3;
  Context context;
  const auto x = numbers({rows, channels});
  Array<float> gamma(Shape{channels}), beta(Shape{channels}), y(x.shape()),
      kept(Shape{4, channels});
  gamma.fill(1);
  const BatchNormStatistics statistics{kept.view().row(0), kept.view().row(1), kept.view().row(2),
                                       kept.view().row(3)};
  for (float& variance : statistics.running_variance.span()) variance = 1;
  for (int step = 0; step < 2; ++step) {
    batch_norm(context, {0.9, 1e-3}, x.view(), gamma.view(), beta.view(), statistics, y.view());
  }
  const reference::Doubles wide(x.span().begin(), x.span().end());
  const auto moments = reference::column_moments(wide, rows, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    // start 0 and 1; after two equal batches 0.81 of the start and 0.19 of the batch remain
    EXPECT_NEAR(statistics.running_mean.span()[c], 0.19 * moments.mean[c], 1e-7);
    EXPECT_NEAR(statistics.running_variance.span()[c], 0.81 + 0.19 * moments.variance[c], 1e-7);
  }
}

TEST(BatchNorm, KeepsItsPrecisionFarFromZero) {
  // Mean 1000, deviation 0.01: the naive mean of squares would leave nothing of the variance.
  constexpr Index rows = 1000;
  Context context;
  Array<float> x(Shape{rows, 1}), gamma(Shape{1}), beta(Shape{1}), y(x.shape()), kept(Shape{4, 1});
  for (Index r = 0; r < rows; ++r) x[r] = r % 2 == 0 ? 1000.0F : 1000.0F + 0x1p-6F;
  gamma.fill(1);
  batch_norm(context, {0.99, 1e-9}, x.view(), gamma.view(), beta.view(),
             {kept.view().row(0), kept.view().row(1), kept.view().row(2), kept.view().row(3)},
             y.view());
  for (Index r = 0; r < rows; ++r) {
    // the mean itself is rounded to float32: 6e-5 against a deviation of 8e-3
    EXPECT_NEAR(y[r], r % 2 == 0 ? -1 : 1, 8e-3);
  }
}

TEST(InPlace, OperationsThatAllowItGiveTheSame) {
  Context context(2);
  const auto x = numbers({3, 5, 7});
  const auto twice = [&](const auto& operation) {
    Array<float> apart(x.shape()), same(x.shape());
    std::copy_n(x.data(), x.size(), same.data());
    operation(x.view(), apart.view());
    operation(Tensor<const float>(same.view()), same.view());
    EXPECT_TRUE(std::equal(apart.data(), apart.data() + apart.size(), same.data()));
  };
  Array<float> gamma(Shape{7}), beta(Shape{7}), kept(Shape{4, 7});
  gamma.fill(0.5F);
  const std::vector<std::uint32_t> utterances{5, 6, 7};
  using View = Tensor<const float>;
  twice([&](View from, Tensor<float> to) { relu(context, from, to); });
  twice([&](View from, Tensor<float> to) {
    const Steps steps = step_of(context, 0);
    dropout(context, {0.5}, {0, steps.now()}, {utterances.data(), Shape{3}}, from, to);
  });
  twice([&](View from, Tensor<float> to) {
    batch_norm(context, {}, from, gamma.view(), beta.view(),
               {kept.view().row(0), kept.view().row(1), kept.view().row(2), kept.view().row(3)},
               to);
  });
  twice([&](View from, Tensor<float> to) {
    softmax(context, from.reshape({3, 35}), to.reshape({3, 35}));
  });
}

TEST(Dropout, KeepsTheShareAndTheMean) {
  Context context;
  Array<float> x(Shape{1, 40000}), y(x.shape());
  x.fill(1);
  const std::uint32_t utterance = 9;
  const Steps steps = step_of(context, 2);
  dropout(context, {0.3}, {1, steps.now(), 3}, {&utterance, Shape{1}}, x.view(), y.view());
  double sum = 0;
  for (const float value : y.span()) {
    EXPECT_TRUE(value == 0.0F || value == static_cast<float>(1 / 0.7));
    sum += double{value};
  }
  // standard deviation of the mean: sqrt(0.3 / 0.7 / 40000) = 0.0033; four of them
  EXPECT_NEAR(sum / 40000, 1, 0.013);
}

TEST(Dropout, DrawsAnewForEveryStepLayerSeedAndUtterance) {
  Context context;
  Array<float> x(Shape{1, 64});
  x.fill(1);
  const auto mask = [&](std::array<std::uint32_t, 3> key, std::uint32_t utterance) {
    Array<float> y(x.shape());
    const auto [seed, step, layer] = key;
    const Steps steps = step_of(context, step);
    dropout(context, {0.5}, {seed, steps.now(), layer}, {&utterance, Shape{1}}, x.view(), y.view());
    return std::vector<float>(y.span().begin(), y.span().end());
  };
  const auto first = mask({1, 2, 3}, 4);
  EXPECT_EQ(first, mask({1, 2, 3}, 4));
  EXPECT_NE(first, mask({2, 2, 3}, 4));
  EXPECT_NE(first, mask({1, 3, 3}, 4));
  EXPECT_NE(first, mask({1, 2, 4}, 4));
  EXPECT_NE(first, mask({1, 2, 3}, 5));
}

TEST(GlorotUniform, IsTheDrawItStates) {
  Array<float> kernel(Shape{5, 40, 64});
  glorot_uniform(77, 2, 5 * 40, 5 * 64, kernel.view());
  const double limit = std::sqrt(6.0 / (5 * 40 + 5 * 64));
  double sum = 0, squares = 0;
  for (Index i = 0; i < kernel.size(); ++i) {
    const auto word = Philox(77)(
        {static_cast<std::uint32_t>(i / 4), 0, 0, purpose_of(Purpose::initial_weights, 2)})[i % 4];
    EXPECT_FLOAT_EQ(kernel[i], static_cast<float>((2 * double{uniform(word)} - 1) * limit));
    sum += double{kernel[i]};
    squares += double{kernel[i]} * double{kernel[i]};
  }
  const auto n = static_cast<double>(kernel.size());
  // 12,800 draws of variance limit^2 / 3: four standard deviations of mean and of variance
  EXPECT_NEAR(sum / n, 0, 4 * limit / std::sqrt(3 * n));
  EXPECT_NEAR(squares / n, limit * limit / 3, 4 * limit * limit * std::sqrt(4.0 / 45 / n));
}

TEST(Loss, IsStableAndReturnsEveryRow) {
  Context context;
  const std::vector<float> logits{1000, -1000, 0, 0};
  Array<float> targets(Shape{2, 2}), losses(Shape{2}), gradient(Shape{2, 2});
  const std::vector<std::int32_t> labels{1, 0};
  one_hot(labels, targets.view());
  const double mean = softmax_cross_entropy(context, {logits.data(), Shape{2, 2}}, targets.view(),
                                            {}, losses.view(), gradient.view());
  EXPECT_FLOAT_EQ(losses[0], 2000);
  EXPECT_FLOAT_EQ(losses[1], std::log(2.0F));
  EXPECT_DOUBLE_EQ(mean, (2000 + std::log(2.0)) / 2);
  EXPECT_FLOAT_EQ(gradient[0], 0.5F);
  EXPECT_FLOAT_EQ(gradient[2], -0.25F);
}

TEST(Loss, IgnoresRowsOfWeightZeroWhateverTheyHold) {
  Context context;
  const float nan = std::nanf("");
  const std::vector<float> logits{nan, nan, 0, 0}, weights{0, 2};
  Array<float> targets(Shape{2, 2}), losses(Shape{2}), gradient(Shape{2, 2});
  one_hot(std::vector<std::int32_t>{0, 1}, targets.view());
  const double mean =
      softmax_cross_entropy(context, {logits.data(), Shape{2, 2}}, targets.view(),
                            {weights.data(), Shape{2}}, losses.view(), gradient.view());
  EXPECT_DOUBLE_EQ(mean, std::log(2.0));
  EXPECT_EQ(gradient[0], 0.0F);
  EXPECT_EQ(gradient[1], 0.0F);
  EXPECT_FLOAT_EQ(gradient[2], 0.5F);
}

TEST(Loss, RefusesALabelThatIsNoClass) {
  Array<float> targets(Shape{1, 3});
  EXPECT_THROW(one_hot(std::vector<std::int32_t>{3}, targets.view()), ShapeError);
  EXPECT_THROW(one_hot(std::vector<std::int32_t>{-1}, targets.view()), ShapeError);
  EXPECT_THROW(one_hot(std::vector<std::int32_t>{0, 1}, targets.view()), ShapeError);
}

TEST(Adamw, FollowsItsDefinition) {
  constexpr int size = 7;
  Context context(2);
  auto decayed = numbers({size}), free = numbers({size});
  Array<float> gradient(Shape{size}), m(Shape{2, size}), v(Shape{2, size});
  const AdamwOptions options{{0.8, 0.9, 1e-5}, 0.1};
  std::vector<reference::Adam> with(size, {0.8, 0.9, 1e-5, 0.1}),
      without(size, {0.8, 0.9, 1e-5, 0});
  std::vector<double> want_decayed(decayed.data(), decayed.data() + size), want_free = want_decayed;
  for (int step = 1; step <= 6; ++step) {
    for (Index i = 0; i < size; ++i) {
      gradient[i] = std::cos(static_cast<float>(step * 3 + i)) * 0.1F;
      if (i == 0) gradient[i] = 0;  // epsilon alone keeps this from 0 / 0
      const auto k = static_cast<std::size_t>(i);
      want_decayed[k] = with[k].step(want_decayed[k], double{gradient[i]}, 0.01, step);
      want_free[k] = without[k].step(want_free[k], double{gradient[i]}, 0.01, step);
    }
    const std::vector<OptimizerSlot> slots{
        {decayed.view(), gradient.view(), m.view().row(0), v.view().row(0), true},
        {free.view(), gradient.view(), m.view().row(1), v.view().row(1), false}};
    adamw(context, options, 0.01, step, slots);
  }
  for (Index i = 0; i < size; ++i) {
    // six steps of a handful of float32 roundings each
    EXPECT_NEAR(decayed[i], want_decayed[static_cast<std::size_t>(i)], 1e-6);
    EXPECT_NEAR(free[i], want_free[static_cast<std::size_t>(i)], 1e-6);
  }
}

TEST(Adam, CountsStepsFromOne) {
  Context context;
  EXPECT_THROW(adam(context, {}, 0.01, 0, {}), ShapeError);
  Array<float> value(Shape{2}), gradient(Shape{3});
  const std::vector<OptimizerSlot> slots{
      {value.view(), gradient.view(), value.view(), value.view(), false}};
  EXPECT_THROW(adam(context, {}, 0.01, 1, slots), ShapeError);
}

}  // namespace
}  // namespace serenade::test
