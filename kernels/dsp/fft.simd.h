// Vector code of fft.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>
#include <numbers>

#include "kernels/device/simd.h"
#include "kernels/dsp/fft.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

using cpu::FftPlan;

constexpr Doubles tag;
using DoubleVec = hn::Vec<Doubles>;
constexpr hn::Rebind<float, Doubles> float_tag;  // as many lanes
constexpr Index frames = hn::MaxLanes(tag);      // transformed at a time
static_assert(frames <= FftPlan::most_frames);
constexpr Index point_size = 2 * frames;  // real vector, imaginary vector

struct Complex {
  DoubleVec re, im;
};

HWY_INLINE Complex add(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
HWY_INLINE Complex sub(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
// a - i b, a + i b
HWY_INLINE Complex sub_i(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
HWY_INLINE Complex add_i(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
HWY_INLINE Complex multiply(const Complex& a, const double* factor) {
  const DoubleVec re = hn::Set(tag, factor[0]);
  const DoubleVec im = hn::Set(tag, factor[1]);
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.im, re, hn::Mul(a.re, im))};
}
HWY_INLINE Complex load(const double* point) {
  return {hn::Load(tag, point), hn::Load(tag, point + frames)};
}
HWY_INLINE void store(const Complex& a, double* point) {
  hn::Store(a.re, tag, point);
  hn::Store(a.im, tag, point + frames);
}

// Transforms of 4 and 8 points: v[k] becomes sum over n of v[n] e^(-2 pi i n k / radix).
HWY_INLINE void transform4(Complex& v0, Complex& v1, Complex& v2, Complex& v3) {
  const Complex sum02 = add(v0, v2);
  const Complex difference02 = sub(v0, v2);
  const Complex sum13 = add(v1, v3);
  const Complex difference13 = sub(v1, v3);
  v0 = add(sum02, sum13);
  v1 = sub_i(difference02, difference13);
  v2 = sub(sum02, sum13);
  v3 = add_i(difference02, difference13);
}

HWY_INLINE void transform(std::array<Complex, 4>& v) { transform4(v[0], v[1], v[2], v[3]); }

HWY_INLINE void transform(std::array<Complex, 8>& v) {
  transform4(v[0], v[2], v[4], v[6]);
  transform4(v[1], v[3], v[5], v[7]);
  // Even frequencies now lie in v[0], v[2], v[4], v[6], odd in the others; the latter are turned
  // by eighths of a circle: (1 - i) / sqrt 2, -i, (-1 - i) / sqrt 2.
  const DoubleVec r = hn::Set(tag, std::numbers::sqrt2 / 2);
  const Complex e0 = v[0];
  const Complex e1 = v[2];
  const Complex e2 = v[4];
  const Complex e3 = v[6];
  const Complex o0 = v[1];
  const DoubleVec sum1 = hn::Add(v[3].re, v[3].im);
  const DoubleVec difference1 = hn::Sub(v[3].im, v[3].re);
  const Complex o2 = v[5];
  const DoubleVec sum3 = hn::Add(v[7].re, v[7].im);
  const DoubleVec difference3 = hn::Sub(v[7].im, v[7].re);
  v[0] = add(e0, o0);
  v[4] = sub(e0, o0);
  v[1] = {hn::MulAdd(r, sum1, e1.re), hn::MulAdd(r, difference1, e1.im)};
  v[5] = {hn::NegMulAdd(r, sum1, e1.re), hn::NegMulAdd(r, difference1, e1.im)};
  v[2] = sub_i(e2, o2);
  v[6] = add_i(e2, o2);
  v[3] = {hn::MulAdd(r, difference3, e3.re), hn::NegMulAdd(r, sum3, e3.im)};
  v[7] = {hn::NegMulAdd(r, difference3, e3.re), hn::MulAdd(r, sum3, e3.im)};
}

/// One pass over one block of pass.length points; `fetch(n)` gives point n.
template <std::size_t Radix, class Fetch>
HWY_INLINE void run_pass(const FftPlan::Pass& pass, double* points, Fetch fetch) {
  const Index stride = pass.length / static_cast<Index>(Radix);
  const double* twiddle = pass.twiddles.data();
  for (Index j = 0; j < stride; ++j) {
    std::array<Complex, Radix> v;
    for (std::size_t k = 0; k < Radix; ++k) v[k] = fetch(j + static_cast<Index>(k) * stride);
    transform(v);
    store(v[0], points + j * point_size);
    for (std::size_t k = 1; k < Radix; ++k) {
      double* to = points + (j + static_cast<Index>(k) * stride) * point_size;
      if (stride == 1) {
        store(v[k], to);
      } else {
        store(multiply(v[k], twiddle), to);
        twiddle += 2;
      }
    }
  }
}

template <class Fetch>
void run_pass(const FftPlan::Pass& pass, double* points, Fetch fetch) {
  if (pass.radix == 8) {
    run_pass<8>(pass, points, fetch);
  } else {
    run_pass<4>(pass, points, fetch);
  }
}

/// All passes, in place; `fetch(n)` gives point n to the first. Then each of its parts is finished
/// before the next is begun.
template <class Fetch>
HWY_INLINE void run_passes(const FftPlan& plan, double* work, Fetch fetch) {
  const auto& passes = plan.passes();
  run_pass(passes.front(), work, fetch);
  const Index part = passes[1].length;
  for (double* begin = work; begin < work + plan.points() * point_size;
       begin += part * point_size) {
    for (std::size_t p = 1; p < passes.size(); ++p) {
      for (double* block = begin; block < begin + part * point_size;
           block += passes[p].length * point_size) {
        run_pass(passes[p], block, [=](Index n) HWY_ATTR { return load(block + n * point_size); });
      }
    }
  }
}

/// The complex transform of `frames` frames, whose samples lie at blocks + sample_offset.
void transform_frames(const FftPlan& plan, const float* blocks, double* work) {
  const double* window = plan.window();
  const std::int32_t* offset = plan.sample_offset();
  const auto windowed = [=](Index sample) HWY_ATTR {
    const DoubleVec x = hn::PromoteTo(tag, hn::LoadU(float_tag, blocks + offset[sample]));
    return hn::Mul(x, hn::Set(tag, window[sample]));
  };
  run_passes(plan, work, [=](Index n) HWY_ATTR {
    return Complex{windowed(2 * n), windowed(2 * n + 1)};
  });
}

/// Bins f and points - f of the real transform, 0 < f < points / 2, from the halved complex one.
struct BinPair {
  Complex low, high;
};
HWY_INLINE BinPair untangled(const FftPlan& plan, const double* work, Index f) {
  const std::int32_t* position = plan.position();
  const Complex a = load(work + position[f] * point_size);
  const Complex b = load(work + position[plan.points() - f] * point_size);
  // Spectra of the even and of the odd samples; X[f] = even + turned, X[M - f] = its mirror.
  const Complex even = {hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
  const Complex odd = {hn::Add(a.im, b.im), hn::Sub(b.re, a.re)};
  const Complex turned = multiply(odd, plan.untangling() + 2 * f);
  return {add(even, turned), {hn::Sub(even.re, turned.re), hn::Sub(turned.im, even.im)}};
}

/// Calls sink(bin, value) for bins [first, last) of the real transform.
template <class Sink>
void untangle(const FftPlan& plan, const double* work, Index first, Index last, const Sink& sink) {
  const Index points = plan.points(), half = points / 2;
  const auto at = [&](Index f) HWY_ATTR { return load(work + plan.position()[f] * point_size); };
  const auto twice = [](DoubleVec v) HWY_ATTR { return hn::Add(v, v); };
  const auto is_wanted = [&](Index bin) { return first <= bin && bin < last; };
  const Complex lowest = at(0);
  if (is_wanted(0)) sink(0, Complex{twice(hn::Add(lowest.re, lowest.im)), hn::Zero(tag)});
  if (is_wanted(points)) {
    sink(points, Complex{twice(hn::Sub(lowest.re, lowest.im)), hn::Zero(tag)});
  }
  const Complex middle = at(half);
  if (is_wanted(half)) sink(half, Complex{twice(middle.re), hn::Neg(twice(middle.im))});
  if (first == 0 && last == points + 1) {
    for (Index f = 1; f < half; ++f) {
      const BinPair pair = untangled(plan, work, f);
      sink(f, pair.low);
      sink(points - f, pair.high);
    }
    return;
  }
  for (Index f = std::max<Index>(first, 1); f < std::min(last, half); ++f) {
    sink(f, untangled(plan, work, f).low);
  }
  for (Index bin = std::max(first, half + 1); bin < std::min(last, points); ++bin) {
    sink(bin, untangled(plan, work, points - bin).high);
  }
}

template <class Sink>
void transform_tile(const FftPlan& plan, const float* blocks, double* work, Index first, Index last,
                    const Sink& sink) {
  for (Index lane = 0; lane < lanes; lane += frames) {
    transform_frames(plan, blocks + lane, work);
    untangle(plan, work, first, last,
             [&](Index bin, const Complex& value) HWY_ATTR { sink(lane, bin, value); });
  }
}
template <class Sink>
void transform_tile(const FftPlan& plan, const float* blocks, double* work, const Sink& sink) {
  transform_tile(plan, blocks, work, 0, plan.bins(), sink);
}

/// The halved complex spectrum of `frames` frames, in its natural order and with real and imaginary
/// parts in each other's place, from the real one, of which bin(f) gives bin f: untangle()
/// backwards. The passes then give the inverse transform, its parts in each other's place as well.
template <class Bin>
void tangle(const FftPlan& plan, const Bin& bin, double* work) {
  const Index points = plan.points();
  const auto put = [&](Index f, const Complex& value) HWY_ATTR {
    store({value.im, value.re}, work + f * point_size);
  };
  const DoubleVec half = hn::Set(tag, 0.5);
  const auto halved = [&](const Complex& value) HWY_ATTR {
    return Complex{hn::Mul(value.re, half), hn::Mul(value.im, half)};
  };
  // Imaginary parts of the first and the last bin count for nothing, as in numpy.fft.irfft.
  const DoubleVec lowest = bin(0).re;
  const DoubleVec highest = bin(points).re;
  put(0, halved({hn::Add(lowest, highest), hn::Sub(lowest, highest)}));
  const Complex middle = bin(points / 2);
  put(points / 2, {middle.re, hn::Neg(middle.im)});
  for (Index f = 1; f < points / 2; ++f) {
    const Complex a = bin(f);
    const Complex b = bin(points - f);
    const Complex even = halved({hn::Add(a.re, b.re), hn::Sub(a.im, b.im)});
    const Complex turned = halved({hn::Sub(a.re, b.re), hn::Add(a.im, b.im)});
    // Times e^(2 pi i f / n_fft), whose conjugate the table holds.
    const double* factor = plan.untangling() + 2 * f;
    const std::array<double, 2> conjugate{factor[0], -factor[1]};
    const Complex odd = multiply(turned, conjugate.data());
    put(f, add_i(even, odd));
    const Complex mirrored = sub_i(even, odd);
    put(points - f, {mirrored.re, hn::Neg(mirrored.im)});
  }
}

/// `frames` numbers, rounded, to 16-lane rows.
HWY_INLINE void store_rounded(DoubleVec value, float* to) {
  hn::StoreU(hn::DemoteTo(float_tag, value), float_tag, to);
}

HWY_INLINE DoubleVec power_of(const Complex& x) {
  return hn::MulAdd(x.re, x.re, hn::Mul(x.im, x.im));
}

void fft_power_tile(const FftPlan& plan, const float* blocks, double* work, float* power) {
  transform_tile(plan, blocks, work, [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    store_rounded(power_of(x), power + bin * lanes + lane);
  });
}

void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, Index first,
                       Index last, float* spectrum) {
  const auto sink = [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    store_rounded(x.re, spectrum + 2 * bin * lanes + lane);
    store_rounded(x.im, spectrum + (2 * bin + 1) * lanes + lane);
  };
  transform_tile(plan, blocks, work, first, last, sink);
}

void fft_magnitude_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum,
                        float* magnitude, float* power) {
  const auto sink = [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    const auto re = hn::DemoteTo(float_tag, x.re);
    const auto im = hn::DemoteTo(float_tag, x.im);
    hn::StoreU(re, float_tag, spectrum + 2 * bin * lanes + lane);
    hn::StoreU(im, float_tag, spectrum + (2 * bin + 1) * lanes + lane);
    const auto root = hn::Sqrt(hn::MulAdd(re, re, hn::Mul(im, im)));
    hn::StoreU(root, float_tag, magnitude + bin * lanes + lane);
  };
  if (power == nullptr) return transform_tile(plan, blocks, work, sink);
  transform_tile(plan, blocks, work, [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    sink(lane, bin, x);
    store_rounded(power_of(x), power + bin * lanes + lane);
  });
}

void fft_inverse_tile(const FftPlan& plan, const float* spectrum, const float* mask, double* work,
                      float* samples) {
  const double* window = plan.window();
  const std::int32_t* position = plan.position();
  // The table's window is half the window; the inverse of so many points is divided by their
  // number.
  const double scale = 2.0 / static_cast<double>(plan.points());
  for (Index lane = 0; lane < lanes; lane += frames) {
    const auto row = [&](Index i)
                         HWY_ATTR { return hn::LoadU(float_tag, spectrum + i * lanes + lane); };
    if (mask == nullptr) {
      tangle(
          plan,
          [&](Index f) HWY_ATTR {
            return Complex{hn::PromoteTo(tag, row(2 * f)), hn::PromoteTo(tag, row(2 * f + 1))};
          },
          work);
    } else {
      tangle(
          plan,
          [&](Index f) HWY_ATTR {
            const auto share = hn::LoadU(float_tag, mask + f * lanes + lane);
            return Complex{hn::PromoteTo(tag, hn::Mul(row(2 * f), share)),
                           hn::PromoteTo(tag, hn::Mul(row(2 * f + 1), share))};
          },
          work);
    }
    run_passes(plan, work, [=](Index n) HWY_ATTR { return load(work + n * point_size); });
    for (Index n = 0; n < plan.points(); ++n) {
      const Complex swapped = load(work + position[n] * point_size);
      float* to = samples + 2 * n * lanes + lane;
      store_rounded(hn::Mul(swapped.im, hn::Set(tag, scale * window[2 * n])), to);
      store_rounded(hn::Mul(swapped.re, hn::Set(tag, scale * window[2 * n + 1])), to + lanes);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
