// PCEN at the ends of its options' ranges, where float32 ends before the numbers do.
#include "kernels/dsp/pcen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/reference/kaldi.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;
constexpr Index bands = 21;
constexpr Index silent = 474;  // 11 s
constexpr Index frames = silent + 43;

/// Long silence, then a second of noise.
std::vector<float> noise_after_silence() {
  std::mt19937 random(1);
  std::exponential_distribution<float> noise(1.0F);
  std::vector<float> all(static_cast<std::size_t>(frames * bands));
  for (auto i = static_cast<std::size_t>(silent * bands); i < all.size(); ++i) {
    all[i] = noise(random);
  }
  return all;
}

std::vector<float> pcen_of(Context& context, const std::vector<float>& in,
                           const PcenOptions& options) {
  const Ragged rows(std::vector<Index>{static_cast<Index>(in.size()) / bands});
  const Tensor<const float> host(in.data(), Shape{rows.total(), bands});
  test::Rows spectrogram = test::make_rows(context, rows, bands);
  test::Rows result = test::make_rows(context, rows, bands);
  copy(context, host, spectrogram.values.view());
  pcen(context, std::as_const(spectrogram.values).view(), rows, sample_rate, 512, options,
       result.values.view());
  result = test::on_host(context, std::move(result));
  return {result.values.span().begin(), result.values.span().end()};
}

std::vector<PcenOptions> extremes() {
  std::vector<PcenOptions> all;
  for (const double gain : {0.0, 1.0}) {
    for (const double bias : {0.0, 1e-200, 1e-30, 1e-10, 1e6}) {
      for (const double power : {0.0, 1e-50, 1e-6, 1.0}) {
        for (const double time_constant : {1e-12, 0.001, 1000.0}) {
          for (const double eps : {1e-30, 1e6}) {
            for (const double scale : {1e-12, 1e12}) {
              all.push_back({gain, bias, power, time_constant, eps, scale});
            }
          }
        }
      }
    }
  }
  return all;
}

class Pcen : public testing::TestWithParam<Device> {
 protected:
  Context context_ = test::context_on(GetParam(), 1);
};

TEST_P(Pcen, EqualsItsDefinitionForOptionsAtTheEndsOfTheirRanges) {
  const std::vector<float> in = noise_after_silence();
  reference::Matrix rows;
  for (Index t = 0; t < frames; ++t) {
    rows.emplace_back(in.begin() + t * bands, in.begin() + (t + 1) * bands);
  }
  for (const PcenOptions& options : extremes()) {
    if (options.power == 1e-50) continue;  // 0 in float32
    const auto wanted =
        reference::pcen(rows, sample_rate, 512, options.gain, options.bias, options.power,
                        options.time_constant, options.eps, options.scale);
    const std::vector<float> found = pcen_of(context_, in, options);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double value = wanted[i / bands][i % bands];
      // Logarithms up to 90 are good to 90 x 6e-8, of which three are added; and a running mean of
      // 1000 s in float32, as on a GPU, is good to 3e-5. What is below float32 is 0.
      ASSERT_NEAR(static_cast<double>(found[i]), value, 1e-4 * std::abs(value) + 1e-37)
          << canonical_text(options) << ", frame " << i / bands;
    }
  }
}

TEST_P(Pcen, IsFiniteWhateverIsInRange) {
  const float largest = std::numeric_limits<float>::max();
  std::vector<float> in(6 * bands, largest);
  std::fill_n(in.begin() + 2 * bands, 2 * bands, 0.0F);
  std::fill_n(in.begin() + 4 * bands, bands, 1e-38F);
  in.back() = std::numeric_limits<float>::infinity();
  const std::vector<float> noise = noise_after_silence();
  for (const PcenOptions& options : extremes()) {
    for (const auto& spectrogram : {in, noise}) {
      const std::vector<float> found = pcen_of(context_, spectrogram, options);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(std::isfinite(found[i])) << canonical_text(options) << ", number " << i;
        ASSERT_TRUE(spectrogram[i] != 0 || found[i] == 0) << canonical_text(options);
      }
    }
  }
}

// A gain above 1 makes what is louder fainter, and numbers without bound of what follows silence.
TEST_P(Pcen, RefusesWhatGrowsWithoutBound) {
  const std::vector<float> in(bands, 1.0F);
  EXPECT_THROW(pcen_of(context_, in, {.gain = 7}), ConfigError);
  EXPECT_THROW(pcen_of(context_, in, {.power = 10}), ConfigError);
  EXPECT_NO_THROW(pcen_of(context_, in, {.gain = 1, .power = 1}));
}

INSTANTIATE_TEST_SUITE_P(Devices, Pcen, testing::ValuesIn(test::devices()),
                         [](const auto& device) { return std::string(to_string(device.param)); });

}  // namespace
}  // namespace serenade
