#include "tests/reference/augmentation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/device/philox.h"

namespace serenade::reference {
namespace {

Philox::Counter words_of(const DrawnClip& clip, std::uint32_t element, std::uint32_t purpose) {
  return Philox(clip.seed)({element, clip.number, clip.step, purpose});
}

/// A word as a number in [0, 1), cut into so many equal parts: which of them it is in.
int part_of(std::uint32_t word, int parts) {
  return static_cast<int>(std::floor(word / 4294967296.0 * parts));
}

constexpr std::uint32_t purpose_over(Purpose purpose, std::uint32_t axis) {
  return static_cast<std::uint32_t>(purpose) + 256 * axis;
}

}  // namespace

Doubles spec_augment(const Doubles& x, int frames, int dims, int time_masks, int time_width,
                     int feature_masks, int feature_width, const DrawnClip& clip) {
  Doubles y = x;
  for (std::uint32_t axis = 0; axis < 2; ++axis) {
    const int masks = axis == 0 ? time_masks : feature_masks;
    const int extent = axis == 0 ? frames : dims;
    const int widest = std::min(axis == 0 ? time_width : feature_width, extent);
    for (int m = 0; m < masks; ++m) {
      const auto words =
          words_of(clip, static_cast<std::uint32_t>(m), purpose_over(Purpose::spec_augment, axis));
      const int width = part_of(words[0], widest + 1);
      const int begin = part_of(words[1], extent - width + 1);
      for (int t = 0; t < frames; ++t) {
        for (int d = 0; d < dims; ++d) {
          const int place = axis == 0 ? t : d;
          if (place >= begin && place < begin + width) {
            y[static_cast<std::size_t>(t * dims + d)] = 0;
          }
        }
      }
    }
  }
  return y;
}

Doubles frequency_shift(const Doubles& x, int frames, int dims, int bands, int first, int count,
                        const DrawnClip& clip) {
  const auto words = words_of(clip, 0, static_cast<std::uint32_t>(Purpose::frequency_shift));
  const int shift = part_of(words[0], 2 * bands + 1) - bands;
  Doubles y = x;
  for (int t = 0; t < frames; ++t) {
    for (int band = 0; band < count; ++band) {
      const int from = std::clamp(band - shift, 0, count - 1);
      y[static_cast<std::size_t>(t * dims + first + band)] =
          x[static_cast<std::size_t>(t * dims + first + from)];
    }
  }
  return y;
}

double mixup_share(double alpha, const DrawnClip& clip) {
  const auto words = words_of(clip, 0, static_cast<std::uint32_t>(Purpose::mixup));
  const auto uniform = [](std::uint32_t high, std::uint32_t low) {
    // 52 bits, and the middle between two neighbours
    return high / 4294967296.0 + std::floor(low / 4096.0) / 4503599627370496.0 + std::ldexp(1, -53);
  };
  const double n = 2 * alpha;
  const double u = uniform(words[0], words[1]), v = uniform(words[2], words[3]);
  const double t = std::sqrt(n * (std::pow(u, -2 / n) - 1)) * std::cos(2 * std::numbers::pi * v);
  return (1 + t / std::sqrt(n + t * t)) / 2;
}

Doubles mixup(const Doubles& x, int rows, const Doubles& shares) {
  Doubles y;
  const std::size_t size = x.size() / static_cast<std::size_t>(rows);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    const std::size_t next = row + 1 == static_cast<std::size_t>(rows) ? 0 : row + 1;
    for (std::size_t i = 0; i < size; ++i) {
      y.push_back(shares[row] * x[row * size + i] + (1 - shares[row]) * x[next * size + i]);
    }
  }
  return y;
}

double beta_distribution(double alpha, double x) {
  if (x > 0.5) return 1 - beta_distribution(alpha, 1 - x);
  const auto integral = [&](double end) {
    constexpr int steps = 2000;
    // x = s^(1/alpha) takes a pole at 0 away: dx x^(alpha - 1) = ds / alpha. The other one, at 1,
    // is far.
    const bool pole = alpha < 1;
    const double last = pole ? std::pow(end, alpha) : end;
    double sum = 0;
    for (int i = 0; i <= steps; ++i) {
      const double at = last * i / steps;
      const double density = pole ? std::pow(1 - std::pow(at, 1 / alpha), alpha - 1)
                                  : std::pow(at * (1 - at), alpha - 1);
      sum += (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2) * density;
    }
    return sum * last / steps;
  };
  return integral(x) / integral(0.5) / 2;
}

}  // namespace serenade::reference
