// Against librosa.effects, waveform by waveform (tools/golden/librosa_effects.py).
#include <gtest/gtest.h>

#include <cmath>

#include "tests/pipeline/augmentation/copy_of.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

struct Difference {
  double largest = 0;  ///< of the peak
  double rms = 0;      ///< of the rms
};

Difference difference(const std::vector<float>& found, const std::vector<double>& wanted) {
  double peak = 0, largest = 0, squares = 0, power = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double error = found[i] - wanted[i];
    peak = std::max(peak, std::abs(wanted[i]));
    largest = std::max(largest, std::abs(error));
    squares += error * error;
    power += wanted[i] * wanted[i];
  }
  return {largest / peak, std::sqrt(squares / power)};
}

TEST(LibrosaEffects, AreTheCopies) {
  const test::Golden golden("librosa_effects.h5");
  for (const std::string& signal : golden.groups()) {
    const std::vector<float> x = golden[signal + "/samples"].floats();
    for (const char* setting :
         {"time_stretch 0.8", "time_stretch 1.1", "pitch_shift -3.5", "pitch_shift 2"}) {
      const std::vector<double> wanted = golden[signal + "/" + setting].values;
      std::string yaml = setting;
      yaml.replace(yaml.find(' '), 1, ": ");
      const std::vector<float> found = test::copy_of(yaml, x);
      ASSERT_EQ(found.size(), wanted.size()) << signal << " " << setting;
      const Difference d = difference(found, wanted);
      // Where two neighbouring floats are both the angle of a bin, librosa's and these may differ
      // by one of them. That is nothing by itself, but phases are summed up in float32 (librosa's
      // are): a sum that is rounded the other way is off by its last place, up to 0.004 rad after
      // half a second, in one bin of 1025 and from then on. Without such sums this is 3e-7.
      EXPECT_LT(d.largest, 2e-4) << signal << " " << setting;
      EXPECT_LT(d.rms, 2e-4) << signal << " " << setting;
    }
  }
}

}  // namespace
}  // namespace serenade
