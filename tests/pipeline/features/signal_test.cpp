#include "pipeline/features/signal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/features/cache.h"
#include "tests/support/golden.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

std::vector<float> golden_signal() {
  return test::Golden("librosa_trim.h5")["between_zeros/samples"].floats();
}

std::vector<float> condition_signal(const FeatureSpec& spec, const std::vector<float>& signal) {
  Context context;
  Signals signals{context.lend({static_cast<Index>(signal.size())}), {}};
  signals.samples.append(static_cast<Index>(signal.size()));
  std::copy(signal.begin(), signal.end(), signals.view().data());
  const Signals conditioned = condition(context, spec, std::move(signals));
  const auto values = conditioned.view().span();
  return {values.begin(), values.end()};
}

TEST(ConditionSignal, TrimsThenNormalises) {
  const auto signal = golden_signal();
  FeatureSpec spec;
  EXPECT_EQ(condition_signal(spec, signal), signal);
  spec.trim = TrimOptions{};
  // librosa.effects.trim keeps 6144 to 14848.
  const std::vector<float> kept(signal.begin() + 6144, signal.begin() + 14848);
  EXPECT_EQ(condition_signal(spec, signal), kept);
  spec.normalise = Normalise::rms;
  const auto both = condition_signal(spec, signal);
  ASSERT_EQ(both.size(), kept.size());
  double square = 0;
  for (const float x : both) square += double{x} * x;
  // Of what is left, not of the pauses that were cut off.
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(both.size())), 0.1, 1e-8);
}

TEST(ConditionSignal, SilenceIsKeptWhole) {
  FeatureSpec spec;
  spec.trim = TrimOptions{};
  for (const Normalise how : {Normalise::none, Normalise::peak, Normalise::rms}) {
    spec.normalise = how;
    EXPECT_EQ(condition_signal(spec, std::vector<float>(5000)), std::vector<float>(5000));
  }
}

}  // namespace
}  // namespace serenade
