#include "kernels/dsp/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "tests/kernels/dsp/operations.h"

namespace serenade::test {
namespace {

using Rates = std::pair<int, int>;

/// Rates of the corpora and others: periods of one output and of many, heads of none and of a
/// hundred outputs.
const std::vector<Rates> measurable = {{48000, 22050}, {44100, 22050}, {16000, 22050},
                                       {8000, 22050},  {96000, 22050}, {88200, 22050},
                                       {22050, 16000}, {48000, 16000}, {11025, 22050}};

std::vector<double> by_soxr(const std::vector<float>& signal, Rates rates) {
  const std::vector<double> wide(signal.begin(), signal.end());
  std::vector<double> out(static_cast<std::size_t>(
      resampled_length(static_cast<Index>(signal.size()), rates.first, rates.second)));
  Soxr<double>(rates.first, rates.second)(wide, out);
  return out;
}

TEST(ResampleBank, GivesWhatLibsoxrGivesFromTheFirstSampleToTheLast) {
  for (const auto& rates : measurable) {
    const auto bank = ResampleBank::measure(rates.first, rates.second);
    ASSERT_TRUE(bank) << rates.first << " " << rates.second;
    const Signals batch({noise(20'000, 11, 0.9),
                         noise(1'500, 12, 0.9),
                         noise(150, 13, 0.9),
                         noise(3, 14, 0.9),
                         {},
                         noise(1, 15, 0.9),
                         noise(6'001, 16, 0.9)});
    const Ragged lengths = resampled(batch.clips, rates.first, rates.second);
    for (const Device device : devices()) {
      Context context = context_on(device, 2);
      Array<float> there(Shape{lengths.total()}, device);
      resample(context, *bank, batch.view(context), batch.clips, there.view());
      Array<float> found(Shape{lengths.total()});
      copy(context, std::as_const(there).view(), found.view());
      for (Index clip = 0; clip < batch.clips.clips(); ++clip) {
        const auto wanted = by_soxr(batch.clip(clip), rates);
        ASSERT_EQ(lengths.length(clip), static_cast<Index>(wanted.size()));
        for (Index n = 0; n < lengths.length(clip); ++n) {
          // libsoxr's own float32 differs from its float64 by as much, on such noise.
          ASSERT_NEAR(found.data()[lengths.begin(clip) + n], wanted[static_cast<std::size_t>(n)],
                      6e-7)
              << rates.first << " to " << rates.second << " on " << to_string(device) << ", clip "
              << clip << ", output " << n;
        }
      }
    }
  }
}

TEST(ResampleBank, IsLeftToLibsoxrWhereTheFilterDoesNotRepeat) {
  EXPECT_FALSE(ResampleBank::measure(22050, 22050));
  EXPECT_FALSE(ResampleBank::measure(24414, 22050));
  EXPECT_FALSE(ResampleBank::measure(44099, 22050));
  EXPECT_FALSE(ResampleBank::measure(1'536'000, 1'000));
  EXPECT_FALSE(ResampleBank::measure(1, 10'000'000));
  EXPECT_THROW(ResampleBank::measure(0, 22050), ConfigError);
  EXPECT_THROW(ResampleBank::measure(48000, 10'000'001), ConfigError);
}

TEST(ResampleBank, HoldsAFilterOfGainOne) {
  const auto bank = ResampleBank::measure(48000, 22050).value();
  EXPECT_EQ(bank.period_in(), 320);
  EXPECT_EQ(bank.period_out(), 147);
  for (Index phase = 0; phase < bank.period_out(); ++phase) {
    double sum = 0;
    for (const float weight : bank.weights(phase)) sum += static_cast<double>(weight);
    EXPECT_NEAR(sum, 1, 1e-6) << phase;
  }
}

TEST(Soxr, GivesAsManyOutputsAsIsSaid) {
  for (const auto& [in_rate, out_rate] : measurable) {
    const Soxr<float> soxr(in_rate, out_rate);
    for (Index length = 1; length < 700; ++length) {
      const std::vector<float> signal(static_cast<std::size_t>(length), 1.0F);
      // Never is an output of ones exactly 0, but for those that are appended.
      std::vector<float> out(static_cast<std::size_t>(resampled_length(length, in_rate, out_rate)));
      soxr(signal, out);
      const auto given = std::find_if(out.rbegin(), out.rend(), [](float x) { return x != 0; });
      ASSERT_EQ(soxr_length(length, in_rate, out_rate), out.rend() - given)
          << in_rate << " to " << out_rate << ", " << length << " samples";
    }
  }
}

TEST(Resample, RefusesWhatDoesNotFit) {
  const auto bank = ResampleBank::measure(48000, 16000).value();
  Context context(1);
  const Signals batch({noise(30, 1)});
  Array<float> out(Shape{11});
  EXPECT_THROW(resample(context, bank, batch.view(), batch.clips, out.view()), ShapeError);
  EXPECT_THROW(resample(context, bank, batch.view(), Ragged(), out.view()), ShapeError);
}

TEST(Resample, GivesTheSameBitsOnEveryDevice) {
  const Signals batch({noise(9'000, 21, 0.9), noise(7, 22, 0.9), {}, noise(1'234, 23, 0.9)});
  for (const auto& [in_rate, out_rate] : measurable) {
    const auto bank = ResampleBank::measure(in_rate, out_rate).value();
    const Ragged lengths = resampled(batch.clips, in_rate, out_rate);
    const auto on = [&](Device device) {
      Context context = context_on(device, 1);
      Rows rows = make_rows(context, lengths, 1);
      resample(context, bank, batch.view(context), batch.clips,
               rows.values.view().reshape({lengths.total()}));
      return on_host(context, std::move(rows));
    };
    const Rows wanted = on(Device::cpu);
    for (const Device device : devices()) {
      const Rows found = on(device);
      for (Index i = 0; i < lengths.total(); ++i) {
        ASSERT_EQ(found.values[i], wanted.values[i]) << in_rate << " to " << out_rate << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace serenade::test
