#pragma once

#include <array>
#include <cstdint>

namespace serenade {

/// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a pure
/// function from counter and key to four random words, so that a draw depends on what it is for
/// and on nothing that happened before it.
class Philox {
 public:
  using Counter = std::array<std::uint32_t, 4>;

  explicit constexpr Philox(std::uint64_t seed)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)} {}

  constexpr Counter operator()(Counter c) const {
    auto key = key_;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c[2];
      c = {static_cast<std::uint32_t>(p1 >> 32U) ^ c[1] ^ key[0], static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32U) ^ c[3] ^ key[1], static_cast<std::uint32_t>(p0)};
      key[0] += 0x9E3779B9U;
      key[1] += 0xBB67AE85U;
    }
    return c;
  }

 private:
  std::array<std::uint32_t, 2> key_;
};

/// What a draw is for: the last word of the counter, so that no two uses share numbers.
/// Layers add their index in the upper bits: `purpose_of(Purpose::dropout, layer)`.
enum class Purpose : std::uint32_t {
  initial_weights = 1,
  dropout = 2,
  shuffle = 3,
  split = 4,
  bootstrap = 5,
  demo_corpus = 6,
  crop = 10,
  frequency_shift = 11,
  spec_augment = 12,
  mixup = 13,
  test = 255
};

constexpr std::uint32_t purpose_of(Purpose purpose, std::uint32_t layer = 0) {
  return static_cast<std::uint32_t>(purpose) | (layer << 8U);
}

/// Uniform in [0, 1), 24 bits, exactly representable.
constexpr float uniform(std::uint32_t word) { return static_cast<float>(word >> 8U) * 0x1p-24F; }

}  // namespace serenade
