#include "kernels/dsp/fft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/dsp/lanes.h"

namespace serenade::cpu {
namespace {

namespace hn = simd::hn;

constexpr simd::Doubles tag;
using Vec = hn::Vec<simd::Doubles>;
constexpr hn::Rebind<float, simd::Doubles> float_tag;  // as many lanes
constexpr Index width = hn::MaxLanes(tag);
constexpr Index point_size = 2 * width;  // real vector, imaginary vector

struct Complex {
  Vec re, im;
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
  const Vec re = hn::Set(tag, factor[0]);
  const Vec im = hn::Set(tag, factor[1]);
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.im, re, hn::Mul(a.re, im))};
}
HWY_INLINE Complex load(const double* point) {
  return {hn::Load(tag, point), hn::Load(tag, point + width)};
}
HWY_INLINE void store(const Complex& a, double* point) {
  hn::Store(a.re, tag, point);
  hn::Store(a.im, tag, point + width);
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
  const Vec r = hn::Set(tag, std::numbers::sqrt2 / 2);
  const Complex e0 = v[0];
  const Complex e1 = v[2];
  const Complex e2 = v[4];
  const Complex e3 = v[6];
  const Complex o0 = v[1];
  const Vec sum1 = hn::Add(v[3].re, v[3].im);
  const Vec difference1 = hn::Sub(v[3].im, v[3].re);
  const Complex o2 = v[5];
  const Vec sum3 = hn::Add(v[7].re, v[7].im);
  const Vec difference3 = hn::Sub(v[7].im, v[7].re);
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
HWY_INLINE void run_pass(const FftPlan::Pass& pass, double* points, const Fetch& fetch) {
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
void run_pass(const FftPlan::Pass& pass, double* points, const Fetch& fetch) {
  if (pass.radix == 8) {
    run_pass<8>(pass, points, fetch);
  } else {
    run_pass<4>(pass, points, fetch);
  }
}

/// The complex transform of `width` frames, whose samples lie at blocks + sample_offset.
void transform_frames(const FftPlan& plan, const float* blocks, double* work) {
  const double* window = plan.window();
  const std::int32_t* offset = plan.sample_offset();
  const auto windowed = [&](Index sample) HWY_ATTR {
    const Vec x = hn::PromoteTo(tag, hn::LoadU(float_tag, blocks + offset[sample]));
    return hn::Mul(x, hn::Set(tag, window[sample]));
  };
  const auto& passes = plan.passes();
  run_pass(passes.front(), work, [&](Index n) HWY_ATTR {
    return Complex{windowed(2 * n), windowed(2 * n + 1)};
  });
  const Index part = passes[1].length;
  for (double* begin = work; begin < work + plan.points() * point_size;
       begin += part * point_size) {
    for (std::size_t p = 1; p < passes.size(); ++p) {
      for (double* block = begin; block < begin + part * point_size;
           block += passes[p].length * point_size) {
        run_pass(passes[p], block, [&](Index n) HWY_ATTR { return load(block + n * point_size); });
      }
    }
  }
}

/// Calls sink(bin, value) for every bin of the real transform, from the halved complex one.
template <class Sink>
void untangle(const FftPlan& plan, const double* work, const Sink& sink) {
  const Index points = plan.points();
  const std::int32_t* position = plan.position();
  const auto at = [&](Index f) HWY_ATTR { return load(work + position[f] * point_size); };
  const auto twice = [](Vec v) HWY_ATTR { return hn::Add(v, v); };
  const Complex first = at(0);
  sink(0, Complex{twice(hn::Add(first.re, first.im)), hn::Zero(tag)});
  sink(points, Complex{twice(hn::Sub(first.re, first.im)), hn::Zero(tag)});
  const Complex middle = at(points / 2);
  sink(points / 2, Complex{twice(middle.re), hn::Neg(twice(middle.im))});
  for (Index f = 1; f < points / 2; ++f) {
    const Complex a = at(f);
    const Complex b = at(points - f);
    // Spectra of the even and of the odd samples; X[f] = even + turned, X[M - f] = its mirror.
    const Complex even = {hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
    const Complex odd = {hn::Add(a.im, b.im), hn::Sub(b.re, a.re)};
    const Complex turned = multiply(odd, plan.untangling() + 2 * f);
    sink(f, add(even, turned));
    sink(points - f, Complex{hn::Sub(even.re, turned.re), hn::Sub(turned.im, even.im)});
  }
}

template <class Sink>
void transform_tile(const FftPlan& plan, const float* blocks, double* work, const Sink& sink) {
  for (Index lane = 0; lane < simd::lanes; lane += width) {
    transform_frames(plan, blocks + lane, work);
    untangle(plan, work, [&](Index bin, const Complex& value) HWY_ATTR { sink(lane, bin, value); });
  }
}

/// `width` numbers, rounded, to 16-lane rows.
HWY_INLINE void store_rounded(Vec value, float* to) {
  hn::StoreU(hn::DemoteTo(float_tag, value), float_tag, to);
}

double turn(double part) { return 2 * std::numbers::pi * part; }

}  // namespace

const Index FftPlan::simd_width = width;

FftPlan::FftPlan(const StftOptions& options) : n_fft_(options.n_fft) {
  const Index n = n_fft_;
  const Index hop = options.hop_length;
  block_rows_ = std::min(hop, n);
  blocks_ = simd::lanes + (n - 1) / hop;
  block_lanes_ = (blocks_ + 7) / 8 * 8;
  for (Index s = 0; s < n; ++s) {
    sample_offset_.push_back(static_cast<std::int32_t>(s % hop * block_lanes_ + s / hop));
    const double phase = turn(static_cast<double>(s) / static_cast<double>(n));
    window_.push_back(0.5 * (0.5 - 0.5 * std::cos(phase)));
  }
  // Radix 8 as often as can be, and 4 once or twice for what is left.
  Index length = points();
  std::vector<Index> radices;
  while (length > 1) {
    const bool eight = length == 8 || length >= 32;
    radices.push_back(eight ? 8 : 4);
    length /= radices.back();
  }
  length = points();
  for (const Index radix : radices) {
    Pass pass{radix, length, {}};
    for (Index j = 0; j < length / radix && length > radix; ++j) {
      for (Index k = 1; k < radix; ++k) {
        const double phase = turn(static_cast<double>(j * k) / static_cast<double>(length));
        pass.twiddles.push_back(std::cos(phase));
        pass.twiddles.push_back(-std::sin(phase));
      }
    }
    length /= radix;
    passes_.push_back(std::move(pass));
  }
  for (Index f = 0; f < points(); ++f) {
    Index rest = f;
    Index place = 0;
    for (const Pass& pass : passes_) {
      place += rest % pass.radix * (pass.length / pass.radix);
      rest /= pass.radix;
    }
    position_.push_back(static_cast<std::int32_t>(place));
  }
  for (Index f = 0; f < points() / 2; ++f) {
    const double phase = turn(static_cast<double>(f) / static_cast<double>(n));
    untangling_.push_back(std::cos(phase));
    untangling_.push_back(-std::sin(phase));
  }
}

void load_frames(const FftPlan& plan, int hop_length, const float* x, Index length, Index start,
                 float* blocks) {
  const Index needed = (plan.blocks() - 1) * hop_length + plan.block_rows();
  const float* from = nullptr;
  if (start >= 0 && start + needed <= length) {
    from = x + start;
  } else {
    float* copy = scratch(3, needed);
    const Index begin = std::clamp<Index>(-start, 0, needed);
    const Index end = std::clamp<Index>(length - start, begin, needed);
    std::fill(copy, copy + begin, 0.0F);
    std::copy(x + (start + begin), x + (start + end), copy + begin);
    std::fill(copy + end, copy + needed, 0.0F);
    from = copy;
  }
  load_lanes(from, hop_length, plan.blocks(), plan.block_rows(), plan.block_lanes(), blocks);
}

void fft_power_tile(const FftPlan& plan, const float* blocks, double* work, float* power) {
  transform_tile(plan, blocks, work, [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    store_rounded(hn::MulAdd(x.re, x.re, hn::Mul(x.im, x.im)), power + bin * simd::lanes + lane);
  });
}

void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum) {
  transform_tile(plan, blocks, work, [&](Index lane, Index bin, const Complex& x) HWY_ATTR {
    store_rounded(x.re, spectrum + 2 * bin * simd::lanes + lane);
    store_rounded(x.im, spectrum + (2 * bin + 1) * simd::lanes + lane);
  });
}

}  // namespace serenade::cpu
