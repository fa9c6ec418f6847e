// Vector code of spectral_shape.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

// Sums run in float64 over the bins of a frame: one order, and good to the last place of float32.
constexpr Doubles d64;
constexpr hn::Rebind<float, Doubles> half;  // as many floats as a register holds doubles
constexpr Index doubles = hn::MaxLanes(d64);

HWY_INLINE hn::Vec<Doubles> at(const float* tile, Index bin, Index lane) {
  return hn::PromoteTo(d64, hn::LoadU(half, tile + bin * lanes + lane));
}

HWY_INLINE void put(hn::Vec<Doubles> value, float* to) {
  hn::StoreU(hn::DemoteTo(half, value), half, to);
}

/// The frame's sum; 1 for a sum that is no normal float32, as librosa.util.normalize takes it.
HWY_INLINE hn::Vec<Doubles> divisor(hn::Vec<Doubles> sum) {
  const auto tiny =
      hn::Lt(sum, hn::Set(d64, static_cast<double>(std::numeric_limits<float>::min())));
  return hn::IfThenElse(tiny, hn::Set(d64, 1.0), sum);
}

/// tile [bins, lanes] -> centroid [lanes], Hz, and for what follows sums [2, lanes]: the sum of the
/// bins and the centroid in bins.
void centroids(const float* tile, Index bins, double hz_per_bin, double* sums, float* centroid) {
  for (Index lane = 0; lane < lanes; lane += doubles) {
    auto sum = hn::Zero(d64);
    auto moment = hn::Zero(d64);
    for (Index bin = 0; bin < bins; ++bin) {
      const auto x = at(tile, bin, lane);
      sum = hn::Add(sum, x);
      moment = hn::MulAdd(hn::Set(d64, static_cast<double>(bin)), x, moment);
    }
    const auto centre = hn::Div(moment, divisor(sum));
    hn::StoreU(sum, d64, sums + lane);
    hn::StoreU(centre, d64, sums + lanes + lane);
    put(hn::Mul(centre, hn::Set(d64, hz_per_bin)), centroid + lane);
  }
}

/// x^p of numbers that are not negative.
HWY_INLINE Vec power(Vec x, float p) { return exp(hn::Mul(hn::Set(Floats(), p), log(x))); }

/// |bin - centre|^p in float32.
void distances(double bin, const double* centre, float p, float* out) {
  alignas(64) std::array<float, lanes> away{};
  for (Index lane = 0; lane < lanes; lane += doubles) {
    put(hn::Abs(hn::Sub(hn::Set(d64, bin), hn::LoadU(d64, centre + lane))), away.data() + lane);
  }
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    hn::Store(power(hn::Load(d, away.data() + lane), p), d, out + lane);
  }
}

/// The bandwidths [lanes], Hz, from the sums that centroids() gave.
void bandwidths(const float* tile, Index bins, double hz_per_bin, double p, const double* sums,
                float* bandwidth) {
  alignas(64) std::array<double, lanes> spread{};
  alignas(64) std::array<float, lanes> away{};
  const bool squares = p == 2;
  for (Index bin = 0; bin < bins; ++bin) {
    if (!squares) {
      distances(static_cast<double>(bin), sums + lanes, static_cast<float>(p), away.data());
    }
    for (Index lane = 0; lane < lanes; lane += doubles) {
      auto weight = hn::Zero(d64);
      if (squares) {
        const auto distance =
            hn::Sub(hn::Set(d64, static_cast<double>(bin)), hn::LoadU(d64, sums + lanes + lane));
        weight = hn::Mul(distance, distance);
      } else {
        weight = hn::PromoteTo(d64, hn::LoadU(half, away.data() + lane));
      }
      double* to = spread.data() + lane;
      hn::StoreU(hn::MulAdd(weight, at(tile, bin, lane), hn::LoadU(d64, to)), d64, to);
    }
  }
  const auto hz = hn::Set(d64, hz_per_bin);
  for (Index lane = 0; lane < lanes; lane += doubles) {
    const auto mean =
        hn::Div(hn::LoadU(d64, spread.data() + lane), divisor(hn::LoadU(d64, sums + lane)));
    put(squares ? hn::Mul(hn::Sqrt(mean), hz) : mean, bandwidth + lane);
  }
  if (squares) return;
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    const Vec root = power(hn::LoadU(d, bandwidth + lane), static_cast<float>(1 / p));
    hn::StoreU(hn::Mul(root, hn::Set(d, static_cast<float>(hz_per_bin))), d, bandwidth + lane);
  }
}

/// The roll-offs [lanes], Hz, from the sums that centroids() gave. Bins are added up in the order
/// of those sums, so that what is compared ends at just the whole.
void rolloffs(const float* tile, Index bins, double hz_per_bin, double share, const double* sums,
              float* rolloff) {
  for (Index lane = 0; lane < lanes; lane += doubles) {
    const auto threshold = hn::Mul(hn::Set(d64, share), hn::LoadU(d64, sums + lane));
    auto sum = hn::Zero(d64);
    auto below = hn::Zero(d64);
    for (Index bin = 0; bin < bins; ++bin) {
      sum = hn::Add(sum, at(tile, bin, lane));
      below = hn::Add(below, hn::IfThenElseZero(hn::Lt(sum, threshold), hn::Set(d64, 1.0)));
    }
    put(hn::Mul(below, hn::Set(d64, hz_per_bin)), rolloff + lane);
  }
}

/// The flatnesses [lanes]; sums [2, lanes] is working memory.
void flatnesses(const float* tile, Index bins, float amin, double* sums, float* flatness) {
  const Floats d;
  alignas(64) std::array<float, 2 * lanes> part{};
  std::fill_n(sums, 2 * lanes, 0.0);
  for (Index bin = 0; bin < bins; ++bin) {
    for (Index lane = 0; lane < lanes; lane += width) {
      const Vec x = hn::Load(d, tile + bin * lanes + lane);
      const Vec y = hn::Max(hn::Mul(x, x), hn::Set(d, amin));
      hn::Store(log(y), d, part.data() + lane);
      hn::Store(y, d, part.data() + lanes + lane);
    }
    // In float32 a flat spectrum's roundings would all go the same way.
    for (Index lane = 0; lane < 2 * lanes; lane += doubles) {
      const auto more = hn::PromoteTo(d64, hn::LoadU(half, part.data() + lane));
      hn::StoreU(hn::Add(hn::LoadU(d64, sums + lane), more), d64, sums + lane);
    }
  }
  const auto count = hn::Set(d64, static_cast<double>(bins));
  for (Index lane = 0; lane < 2 * lanes; lane += doubles) {
    put(hn::Div(hn::LoadU(d64, sums + lane), count), part.data() + lane);
  }
  for (Index lane = 0; lane < lanes; lane += width) {
    const Vec geometric = exp(hn::Load(d, part.data() + lane));
    hn::StoreU(hn::Div(geometric, hn::Load(d, part.data() + lanes + lane)), d, flatness + lane);
  }
}

/// Mean over the bins of what row has above before. Bin i goes to sum i mod lanes; the sums are
/// added in one order.
float mean_increase(const float* row, const float* before, Index bins) {
  alignas(64) std::array<double, lanes> sums{};
  Index bin = 0;
  for (; bin + lanes <= bins; bin += lanes) {
    for (Index lane = 0; lane < lanes; lane += doubles) {
      const auto now = hn::PromoteTo(d64, hn::LoadU(half, row + bin + lane));
      const auto then = hn::PromoteTo(d64, hn::LoadU(half, before + bin + lane));
      const auto more = hn::Max(hn::Sub(now, then), hn::Zero(d64));
      hn::Store(hn::Add(hn::Load(d64, sums.data() + lane), more), d64, sums.data() + lane);
    }
  }
  for (; bin < bins; ++bin) {
    const double more = static_cast<double>(row[bin]) - static_cast<double>(before[bin]);
    sums[static_cast<std::size_t>(bin % lanes)] += more > 0 ? more : 0.0;
  }
  double sum = 0;
  for (const double one : sums) sum += one;
  return static_cast<float>(sum / static_cast<double>(bins));
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
