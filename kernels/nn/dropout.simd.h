// Vector code of dropout.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <cstdint>

#include "kernels/device/philox.h"
#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

using Words = hn::RebindToUnsigned<Floats>;
using Word = hn::Vec<Words>;

// Counters at a time, one a lane; on one lane as many as a tile has.
constexpr Index counters = width == 1 ? lanes : width;

#if HWY_TARGET != HWY_SCALAR

/// Upper and lower halves of the products of all lanes.
struct Product {
  Word upper, lower;
};

HWY_INLINE Product multiply(Word x, std::uint32_t by) {
  const Words d;
  const hn::RepartitionToWide<Words> wide;
  const Word factor = hn::Set(d, by);
  const auto even = hn::MulEven(x, factor);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), factor);
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
}

#endif

/// words [counters, 4] of the counters first, first + 1 and so on: the words of Philox
/// (kernels/device/philox.h), counter by counter.
void draw(std::uint64_t seed, std::uint32_t first, std::uint32_t c1, std::uint32_t c2,
          std::uint32_t c3, std::uint32_t* HWY_RESTRICT words) {
#if HWY_TARGET == HWY_SCALAR
  const Philox philox(seed);
  for (std::uint32_t i = 0; i < counters; ++i) {
    std::ranges::copy(philox({first + i, c1, c2, c3}), words + std::size_t{4} * i);
  }
#else
  const Words d;
  Word w0 = hn::Iota(d, first), w1 = hn::Set(d, c1), w2 = hn::Set(d, c2), w3 = hn::Set(d, c3);
  auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const Product p0 = multiply(w0, 0xD2511F53U), p1 = multiply(w2, 0xCD9E8D57U);
    w0 = hn::Xor(hn::Xor(p1.upper, w1), hn::Set(d, key0));
    w1 = p1.lower;
    w2 = hn::Xor(hn::Xor(p0.upper, w3), hn::Set(d, key1));
    w3 = p0.lower;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  hn::StoreInterleaved4(w0, w1, w2, w3, d, words);
#endif
}

/// to = from scale where the word of an element is kept, else 0, for elements [begin, end).
void drop(std::uint64_t seed, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
          std::uint32_t threshold, float scale, Index begin, Index end, const float* from,
          float* to) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const Words du;
  constexpr Index count = 4 * counters;
  alignas(64) std::uint32_t words[count];
  const Vec factor = hn::Set(d, scale);
  const auto least = hn::Set(di, static_cast<std::int32_t>(threshold));  // at most 2^24
  Index first = begin;
  for (; first < end; first += count) {
    draw(seed, static_cast<std::uint32_t>(first / 4), c1, c2, c3, words);
    const Index whole = std::min(count, end - first) / width * width;
    for (Index i = 0; i < whole; i += width) {
      const auto word = hn::BitCast(di, hn::ShiftRight<8>(hn::Load(du, words + i)));
      const Vec scaled = hn::Mul(hn::LoadU(d, from + first + i), factor);
      const auto dropped = hn::RebindMask(d, hn::Lt(word, least));
      hn::StoreU(hn::IfThenZeroElse(dropped, scaled), d, to + first + i);
    }
    for (Index i = whole; i < std::min(count, end - first); ++i) {
      to[first + i] = words[i] >> 8U >= threshold ? from[first + i] * scale : 0.0F;
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
