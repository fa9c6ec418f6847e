#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "kernels/device/philox.h"
#include "kernels/device/tensor.h"

namespace serenade {

/// The smallest word >> 8 of which uniform(word) is at least `rate`: compared with it, draws stay
/// whole numbers.
inline std::uint32_t dropout_threshold(double rate) {
  return static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
}

/// Uniform among 0 .. count - 1, for counts up to 2^32: whole numbers all the way, so that it is
/// the same everywhere. No value is likelier than another by more than 2^-32.
constexpr Index uniform_below(std::uint32_t word, Index count) {
  return static_cast<Index>((std::uint64_t{word} * static_cast<std::uint64_t>(count)) >> 32U);
}

/// Calls body(e, word) for e in [begin, end): word e % 4 of philox((e / 4, c1, c2, c3)). Counters
/// are computed sixteen at a time so that the compiler turns the rounds into vector code. begin
/// must be divisible by 4, and end at most 2^34.
template <class Body>
void for_each_word(const Philox& philox, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                   Index begin, Index end, const Body& body) {
  constexpr Index counters = 16;
  std::array<std::uint32_t, 4 * counters> words;
  for (Index first = begin; first < end; first += 4 * counters) {
    const auto counter = static_cast<std::uint32_t>(first / 4);
    for (std::uint32_t i = 0; i < counters; ++i) {
      const Philox::Counter four = philox({counter + i, c1, c2, c3});
      for (std::size_t w = 0; w < 4; ++w) words[4 * i + w] = four[w];
    }
    const Index count = std::min(end - first, 4 * counters);
    for (Index i = 0; i < count; ++i) body(first + i, words[static_cast<std::size_t>(i)]);
  }
}

}  // namespace serenade
