// Vector code of mel.cpp; compiled once for each path (kernels/device/each_path.h).
#include "kernels/device/simd.h"
#include "kernels/dsp/mel.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

void mel_power_tile(const MelBank& bank, const float* power, float* mel) {
  const Floats d;
  for (Index m = 0; m < bank.n_mels(); ++m) {
    const MelBank::Filter filter = bank.filter(m);
    for (Index lane = 0; lane < lanes; lane += width) {
      const float* from = power + filter.first_bin * lanes + lane;
      auto sum = hn::Zero(d);
      for (const float weight : filter.weights) {
        sum = hn::MulAdd(hn::Set(d, weight), hn::Load(d, from), sum);
        from += lanes;
      }
      hn::Store(sum, d, mel + m * lanes + lane);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
