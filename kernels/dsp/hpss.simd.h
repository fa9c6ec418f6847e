// Vector code of hpss.cpp; compiled once for each path (kernels/device/each_path.h).
#include <array>
#include <cstddef>
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/mirrored.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

// Medians of neighbouring rows share most of their 31. The 16 rows that 16 outputs have in common
// are sorted once. Each half of the outputs has 8 more in common, of which and the 16 only the 8 in
// the middle can be one of its medians: 8 are dropped at either end. And so on, until there is one
// output and one number. 36 minima and maxima an output, where a network that sorts 31 takes 300.

constexpr std::size_t together = 16;
template <std::size_t N>
using Vecs = std::array<Vec, N>;

HWY_INLINE void exchange(Vec& low, Vec& high) {
  const Vec lower = hn::Min(low, high);
  high = hn::Max(low, high);
  low = lower;
}

/// x[first, first + N), which ascend and then descend or the other way round, in ascending order.
template <std::size_t first, std::size_t N, std::size_t size>
HWY_INLINE void sort_bitonic(Vecs<size>& x) {
  if constexpr (N > 1) {
    for (std::size_t i = first; i < first + N / 2; ++i) exchange(x[i], x[i + N / 2]);
    sort_bitonic<first, N / 2>(x);
    sort_bitonic<first + N / 2, N / 2>(x);
  }
}

template <std::size_t first, std::size_t N, std::size_t size>
HWY_INLINE void sort(Vecs<size>& x) {
  if constexpr (N > 1) {
    sort<first, N / 2>(x);
    sort<first + N / 2, N / 2>(x);
    for (std::size_t i = 0; i < N / 2; ++i) exchange(x[first + i], x[first + N - 1 - i]);
    sort_bitonic<first, N / 2>(x);
    sort_bitonic<first + N / 2, N / 2>(x);
  }
}

/// Of 2N numbers and N more, both sorted: the N in the middle, sorted.
template <std::size_t N>
HWY_INLINE Vecs<N> middle_of(const Vecs<2 * N>& numbers, const Vecs<N>& more) {
  Vecs<N> kept;
  for (std::size_t i = 0; i < N; ++i) kept[i] = hn::Max(numbers[i], more[N - 1 - i]);
  sort_bitonic<0, N>(kept);
  for (std::size_t i = 0; i < N; ++i) kept[i] = hn::Min(kept[i], numbers[2 * N - 1 - i]);
  sort_bitonic<0, N>(kept);
  return kept;
}

/// Output i has rows i to i + 30. `common`: those in the middle of the rows that outputs [first,
/// first + N) share, N of them, sorted.
template <std::size_t first, std::size_t N, class Load, class Store>
HWY_INLINE void medians(const Vecs<N>& common, const Load& load, const Store& store) {
  if constexpr (N == 1) {
    store(first, common[0]);
  } else {
    constexpr std::size_t half = N / 2;
    Vecs<half> left;
    Vecs<half> right;
    for (std::size_t i = 0; i < half; ++i) left[i] = load(first + half - 1 + i);
    for (std::size_t i = 0; i < half; ++i) right[i] = load(first + hpss_window + i);
    sort<0, half>(left);
    sort<0, half>(right);
    medians<first, half>(middle_of<half>(common, left), load, store);
    medians<first + half, half>(middle_of<half>(common, right), load, store);
  }
}

/// 16 medians of 31 rows each, of `width` columns, to rows `stride` apart; row(i) is where they are
/// in row i.
template <class Row>
HWY_INLINE void sixteen_medians(const Row& row, float* out, Index stride) {
  const Floats d;
  const auto load = [&](std::size_t i) HWY_ATTR { return hn::Load(d, row(i)); };
  const auto store = [&](std::size_t i, Vec x)
                         HWY_ATTR { hn::Store(x, d, out + static_cast<Index>(i) * stride); };
  Vecs<together> common;
  for (std::size_t i = 0; i < together; ++i) common[i] = load(together - 1 + i);
  sort<0, together>(common);
  medians<0, together>(common, load, store);
}

/// Each row of rows [count, lanes] becomes the median of the 15 before it, itself and the 15 behind
/// it, mirrored at both ends. out: as many rows, and room for up to a multiple of 16.
void median_rows(const float* rows, Index count, float* out) {
  constexpr Index reach = hpss_window / 2;
  constexpr auto outputs = static_cast<Index>(together);
  std::array<const float*, together + hpss_window - 1> mirror{};
  for (Index first = 0; first < count; first += outputs) {
    const bool is_inside = first >= reach && first + outputs + reach <= count;
    const float* begin = is_inside ? rows + (first - reach) * lanes : nullptr;
    for (std::size_t i = 0; !is_inside && i < mirror.size(); ++i) {
      mirror[i] = rows + mirrored(first + static_cast<Index>(i) - reach, count) * lanes;
    }
    for (Index lane = 0; lane < lanes; lane += width) {
      float* to = out + first * lanes + lane;
      const auto inside = [&](std::size_t i) {
        return begin + static_cast<Index>(i) * lanes + lane;
      };
      const auto at_edge = [&](std::size_t i) { return mirror[i] + lane; };
      if (is_inside) {
        sixteen_medians(inside, to, lanes);
      } else {
        sixteen_medians(at_edge, to, lanes);
      }
    }
  }
}

/// Row i of out [16, columns] becomes the median of rows i to i + 30; columns: a multiple of 16.
void median_of_rows(const float* const* rows, Index columns, float* out) {
  for (Index column = 0; column < columns; column += width) {
    const auto row = [&](std::size_t i) { return rows[i] + column; };
    sixteen_medians(row, out + column, columns);
  }
}

/// x^p of 0 <= x <= 1.
HWY_INLINE Vec raised(Vec x, float p) {
  const Floats d;
  if (p == 2) return hn::Mul(x, x);
  if (p == 1) return x;
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, exp(hn::Mul(hn::Set(d, p), log(x))));
}

/// librosa.util.softmask(x, margin * other) of `size` numbers; power 0: all or nothing.
void soft_mask(const float* x, const float* other, Index size, float margin, float power,
               float of_zeros, float* out) {
  const Floats d;
  const Vec one = hn::Set(d, 1.0F);
  for (Index i = 0; i < size; i += width) {
    const Vec mine = hn::Load(d, x + i);
    const Vec theirs = hn::Mul(hn::Load(d, other + i), hn::Set(d, margin));
    if (power == 0) {
      hn::Store(hn::IfThenElse(hn::Gt(mine, theirs), one, hn::Zero(d)), d, out + i);
      continue;
    }
    const Vec larger = hn::Max(mine, theirs);
    const auto is_zero = hn::Lt(larger, hn::Set(d, std::numeric_limits<float>::min()));
    const Vec divisor = hn::IfThenElse(is_zero, one, larger);
    // The larger one divided by itself is 1.
    const Vec smaller = hn::Div(hn::Min(mine, theirs), divisor);
    const Vec a = raised(hn::IfThenElse(hn::Ge(mine, theirs), one, smaller), power);
    const Vec b = raised(hn::IfThenElse(hn::Ge(theirs, mine), one, smaller), power);
    const Vec sum = hn::IfThenElse(is_zero, one, hn::Add(a, b));
    const Vec share = hn::Div(a, sum);
    hn::Store(hn::IfThenElse(is_zero, hn::Set(d, of_zeros), share), d, out + i);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
