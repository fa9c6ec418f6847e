#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/mixup.h"
#include "kernels/nn/spec_augment.h"
#include "tests/kernels/nn/run_operation.h"
#include "tests/reference/augmentation.h"

// What is done to training batches, on the CPU: against the definitions, and as statistics.
// training_operation.cpp compares the devices.
namespace serenade::test {
namespace {

using reference::Doubles;
using reference::DrawnClip;

constexpr std::uint64_t seed = 5;
constexpr std::uint32_t step = 77;

/// Rows of these clips, of numbers without zeros.
struct SomeBatch {
  SomeBatch(std::vector<std::uint32_t> clips, Index frames, Index dims)
      : numbers(std::move(clips)), x({static_cast<Index>(numbers.size()), frames, dims}) {
    const StepScalars scalars{step};
    steps.assign(context, {&scalars, 1});
    for (Index i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 0.7F) + 2;
  }
  AugmentationKey key() const { return {seed, steps.now()}; }
  Tensor<const std::uint32_t> clips() const {
    return {numbers.data(), Shape{static_cast<Index>(numbers.size())}};
  }
  Doubles row(Index i) const {
    const auto numbers_of_row = x.view().row(i).span();
    return {numbers_of_row.begin(), numbers_of_row.end()};
  }
  Context context{2};
  std::vector<std::uint32_t> numbers;
  Array<float> x;
  Steps steps;
};

void expect_equal(const Doubles& wanted, std::span<const float> found) {
  ASSERT_EQ(wanted.size(), found.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(double{found[i]}, wanted[i]) << i;
}

TEST(SpecAugment, IsItsDefinition) {
  const std::vector<std::uint32_t> clips{9, 4000000000U, 1, 2, 3};
  for (const SpecAugmentOptions& o :
       {SpecAugmentOptions{}, SpecAugmentOptions{3, 400, 1, 100}, SpecAugmentOptions{0, 5, 4, 3},
        SpecAugmentOptions{1, 0, 0, 0}}) {
    SomeBatch batch(clips, 33, 17);
    std::vector<Doubles> wanted;
    for (std::size_t i = 0; i < clips.size(); ++i) {
      wanted.push_back(reference::spec_augment(batch.row(static_cast<Index>(i)), 33, 17,
                                               o.time_masks, o.time_width, o.feature_masks,
                                               o.feature_width, {seed, clips[i], step}));
    }
    spec_augment(batch.context, o, batch.key(), batch.clips(), batch.x.view());
    for (std::size_t i = 0; i < clips.size(); ++i) {
      expect_equal(wanted[i], batch.x.view().row(static_cast<Index>(i)).span());
    }
  }
}

/// Ten thousand clips of 50 frames, one mask of up to 20: widths are uniform over 0 .. 20, and a
/// frame is as often hidden as its place allows.
TEST(SpecAugment, DrawsWidthsAndPlacesUniformly) {
  constexpr int clips = 10000, width = 20, extent = 50;
  const Philox philox(3);
  std::vector<int> widths(width + 1), hidden(extent);
  for (std::uint32_t clip = 0; clip < clips; ++clip) {
    const Mask mask = drawn_mask(philox, MaskAxis::time, 1, clip, 5, width, extent);
    ASSERT_GE(mask.begin, 0);
    ASSERT_LE(mask.end, extent);
    ++widths[static_cast<std::size_t>(mask.end - mask.begin)];
    for (Index t = mask.begin; t < mask.end; ++t) ++hidden[static_cast<std::size_t>(t)];
  }
  // five standard deviations of a binomial count
  const auto expect_count = [&](int found, double p) {
    EXPECT_NEAR(found, clips * p, 5 * std::sqrt(clips * p * (1 - p))) << p;
  };
  for (const int found : widths) expect_count(found, 1.0 / (width + 1));
  for (int t = 0; t < extent; ++t) {
    double p = 0;
    for (int w = 1; w <= width; ++w) {
      const int first = std::max(t - w + 1, 0), last = std::min(t, extent - w);
      p += (last - first + 1) / (extent - w + 1.0) / (width + 1);
    }
    expect_count(hidden[static_cast<std::size_t>(t)], p);
  }
}

TEST(SpecAugment, DrawsAnewForEveryMaskAxisStepSeedAndClip) {
  const auto draw = [](std::uint64_t of_seed, MaskAxis axis, int m, std::uint32_t clip,
                       std::uint32_t at) {
    const Mask mask = drawn_mask(Philox(of_seed), axis, m, clip, at, 100000, 1000000);
    return std::pair(mask.begin, mask.end);
  };
  const std::set<std::pair<Index, Index>> drawn{
      draw(1, MaskAxis::time, 0, 7, 9),     draw(2, MaskAxis::time, 0, 7, 9),
      draw(1, MaskAxis::features, 0, 7, 9), draw(1, MaskAxis::time, 1, 7, 9),
      draw(1, MaskAxis::time, 0, 8, 9),     draw(1, MaskAxis::time, 0, 7, 10)};
  EXPECT_EQ(drawn.size(), 6U);
}

TEST(FrequencyShift, IsItsDefinition) {
  const std::vector<std::uint32_t> clips{9, 4000000000U, 1, 2, 3, 4, 5, 6};
  for (const FrequencyShift& how :
       {FrequencyShift{2, 0, 17}, FrequencyShift{0, 0, 17}, FrequencyShift{40, 3, 5},
        FrequencyShift{1, 16, 1}, FrequencyShift{3, 17, 0}}) {
    SomeBatch batch(clips, 5, 17);
    Array<float> y(batch.x.shape());
    frequency_shift(batch.context, how, batch.key(), batch.clips(), batch.x.view(), y.view());
    for (std::size_t i = 0; i < clips.size(); ++i) {
      const auto row = static_cast<Index>(i);
      expect_equal(
          reference::frequency_shift(batch.row(row), 5, 17, how.bands, static_cast<int>(how.first),
                                     static_cast<int>(how.count), {seed, clips[i], step}),
          y.view().row(row).span());
    }
  }
}

TEST(FrequencyShift, MovesUpAndDownAlike) {
  constexpr int clips = 10000, bands = 3;
  std::vector<int> shifts(2 * bands + 1);
  for (std::uint32_t clip = 0; clip < clips; ++clip) {
    ++shifts.at(static_cast<std::size_t>(drawn_shift(Philox(4), clip, 9, bands) + bands));
  }
  for (const int found : shifts) {
    // five standard deviations of a binomial count
    EXPECT_NEAR(found, clips / 7.0, 5 * std::sqrt(clips * 6.0 / 49));
  }
  // A clip that moves up has its lower bands higher.
  EXPECT_EQ(shifted_column(5, 2, 0, 10), 3);
  EXPECT_EQ(shifted_column(1, 2, 0, 10), 0);
  EXPECT_EQ(shifted_column(9, -2, 0, 10), 9);
  EXPECT_EQ(shifted_column(1, 5, 2, 6), 1);
}

TEST(Mixup, IsItsDefinition) {
  for (const std::size_t rows : {1U, 2U, 5U}) {
    std::vector<std::uint32_t> clips{9, 4000000000U, 1, 2, 3};
    clips.resize(rows);
    SomeBatch batch(clips, 3, 7);
    // The second batch of four rows each: five shares before it.
    std::vector<float> shares(5, 99);
    Doubles wide;
    Doubles x;
    for (std::size_t i = 0; i < rows; ++i) {
      shares.push_back(mixup_share(0.2, seed, clips[i], step));
      wide.push_back(double{shares.back()});
      const Doubles row = batch.row(static_cast<Index>(i));
      x.insert(x.end(), row.begin(), row.end());
      // rounded once
      EXPECT_NEAR(shares.back(), reference::mixup_share(0.2, {seed, clips[i], step}), 1e-7);
    }
    const std::uint32_t second = 1;
    const MixupShares how{
        {shares.data(), Shape{static_cast<Index>(shares.size())}}, 5, {&second, Shape{1}}};
    Array<float> y(batch.x.shape());
    mixup(batch.context, how, batch.x.view(), y.view());
    const Doubles wanted = reference::mixup(x, static_cast<int>(rows), wide);
    // numbers up to 3, two roundings
    for (Index i = 0; i < y.size(); ++i) {
      EXPECT_NEAR(y[i], wanted[static_cast<std::size_t>(i)], 5e-7);
    }
  }
  EXPECT_EQ(mixed(1, 0.3F, 7), 0.3F);
  EXPECT_EQ(mixed(0, 0.3F, 7), 7.0F);
}

/// Kolmogorov and Smirnov: the largest distance of 20,000 draws from the distribution is below
/// 1.95 / sqrt(20000) but once in a thousand times; these are always the same draws.
TEST(Mixup, SharesAreOfBeta) {
  constexpr int draws = 20000;
  for (const double alpha : {0.05, 0.2, 0.5, 1.0, 4.0, 30.0}) {
    std::vector<double> shares;
    for (std::uint32_t clip = 0; clip < draws; ++clip) {
      shares.push_back(double{mixup_share(alpha, 8, clip, 3)});
    }
    std::ranges::sort(shares);
    ASSERT_GE(shares.front(), 0);
    ASSERT_LE(shares.back(), 1);
    double largest = 0;
    for (int percent = 1; percent < 100; ++percent) {
      const double x = percent / 100.0;
      const auto below = std::ranges::upper_bound(shares, x) - shares.begin();
      const double found = static_cast<double>(below) / draws;
      largest = std::max(largest, std::abs(found - reference::beta_distribution(alpha, x)));
    }
    EXPECT_LT(largest, 1.95 / std::sqrt(draws)) << alpha;
  }
  // The distribution itself, of alpha 1 and 2, and of 1/2, the arcsine's.
  EXPECT_NEAR(reference::beta_distribution(1, 0.3), 0.3, 1e-9);
  EXPECT_NEAR(reference::beta_distribution(2, 0.7), 0.49 * (3 - 1.4), 1e-9);
  EXPECT_NEAR(reference::beta_distribution(0.5, 0.25), 1.0 / 3, 1e-9);
  EXPECT_NE(mixup_share(0.2, 8, 1, 3), mixup_share(0.2, 8, 1, 4));
  EXPECT_NE(mixup_share(0.2, 8, 1, 3), mixup_share(0.2, 9, 1, 3));
  // Next to nothing and next to all: still numbers.
  for (const double alpha : {1e-300, 1e-9, 1e9}) {
    const float share = mixup_share(alpha, 8, 1, 3);
    EXPECT_TRUE(share >= 0 && share <= 1) << alpha;
  }
}

TEST(Augmentation, RefusesWhatDoesNotFit) {
  SomeBatch batch({1, 2}, 3, 4);
  Array<float> y(batch.x.shape()), other(Shape{2, 3, 5});
  const auto shift = [&](const FrequencyShift& how, Tensor<float> to) {
    frequency_shift(batch.context, how, batch.key(), batch.clips(), batch.x.view(), to);
  };
  EXPECT_NO_THROW(shift({1, 0, 4}, y.view()));
  EXPECT_THROW(shift({1, 1, 4}, y.view()), ShapeError);
  EXPECT_THROW(shift({-1, 0, 4}, y.view()), ShapeError);
  EXPECT_THROW(shift({1, 0, 4}, batch.x.view()), ShapeError);
  EXPECT_THROW(shift({1, 0, 4}, other.view()), ShapeError);
  const auto augment = [&](const SpecAugmentOptions& options, Tensor<float> x) {
    spec_augment(batch.context, options, batch.key(), batch.clips(), x);
  };
  EXPECT_THROW(augment({-1, 2, 2, 2}, y.view()), ConfigError);
  EXPECT_THROW(augment({}, y.view().reshape({6, 4})), ShapeError);
  EXPECT_THROW(augment({}, y.view().reshape({1, 6, 4})), ShapeError);
  const std::vector<float> shares{0.5F, 0.5F};
  const std::uint32_t first = 0;
  const auto mix = [&](Index size, Index shown, Tensor<float> to) {
    mixup(batch.context, {{shares.data(), Shape{shown}}, size, {&first, Shape{1}}}, batch.x.view(),
          to);
  };
  EXPECT_NO_THROW(mix(2, 2, y.view()));
  EXPECT_THROW(mix(1, 2, y.view()), ShapeError);
  EXPECT_THROW(mix(2, 1, y.view()), ShapeError);
  EXPECT_THROW(mix(2, 2, batch.x.view()), ShapeError);
  EXPECT_THROW(mix(2, 2, other.view()), ShapeError);
}

}  // namespace
}  // namespace serenade::test
