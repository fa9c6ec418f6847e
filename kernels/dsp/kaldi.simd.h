// Vector code of kaldi.cpp; compiled once for each path (kernels/device/each_path.h).
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

constexpr Doubles d64;
constexpr hn::Rebind<float, Doubles> half;  // as many floats as a register holds doubles
constexpr Index doubles = hn::MaxLanes(d64);

/// tile [length, lanes], samples of frames, made ready for the window: scaled, each lane's mean
/// taken off, then of each sample a share of the one before (of the first, of itself). energy
/// [lanes]: the sum of squares before that last step.
void prepare_windows(float* tile, Index length, bool remove_mean, float scale, float preemphasis,
                     float* energy) {
  for (Index lane = 0; lane < lanes; lane += doubles) {
    const auto at = [&](Index i) { return tile + i * lanes + lane; };
    const auto factor = hn::Set(d64, static_cast<double>(scale));
    const auto sample = [&](Index i) HWY_ATTR {
      return hn::Mul(hn::PromoteTo(d64, hn::LoadU(half, at(i))), factor);
    };
    auto mean = hn::Zero(d64);
    if (remove_mean) {
      for (Index i = 0; i < length; ++i) mean = hn::Add(mean, sample(i));
      mean = hn::Div(mean, hn::Set(d64, static_cast<double>(length)));
    }
    const auto share = hn::Set(d64, static_cast<double>(preemphasis));
    auto squares = hn::Zero(d64);
    auto before = hn::Sub(sample(0), mean);
    for (Index i = 0; i < length; ++i) {
      const auto x = hn::Sub(sample(i), mean);
      squares = hn::MulAdd(x, x, squares);
      hn::StoreU(hn::DemoteTo(half, hn::NegMulAdd(share, before, x)), half, at(i));
      before = x;
    }
    hn::StoreU(hn::DemoteTo(half, squares), half, energy + lane);
  }
}

/// Natural logarithms of tile [rows, lanes], of at least 2^-23.
void logarithms(float* tile, Index rows) {
  const Floats d;
  const Vec least = hn::Set(d, std::numeric_limits<float>::epsilon());
  for (Index i = 0; i < rows * lanes; i += width) {
    hn::Store(log(hn::Max(hn::Load(d, tile + i), least)), d, tile + i);
  }
}

/// The same of energies [lanes], and of at least `floor`.
void log_energies(const float* energy, float floor, float* out) {
  const Floats d;
  const Vec least = hn::Set(d, std::numeric_limits<float>::epsilon());
  for (Index lane = 0; lane < lanes; lane += width) {
    const Vec x = hn::Max(hn::Load(d, energy + lane), least);
    hn::Store(log(hn::Max(x, hn::Set(d, floor))), d, out + lane);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
