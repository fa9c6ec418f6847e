#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/device/tensor.h"

namespace serenade::test {

/// How far numbers are from the ones they should be.
struct Deviation {
  double largest = 0;            // of |found - wanted|
  double normalized_square = 0;  // mean square of the difference over mean square of `wanted`
  Index where = -1;              // of the largest
  double found = 0, wanted = 0;  // there
};

/// Of two spans or vectors of one size. `counts(i)` says whether element i is judged. NaN anywhere
/// that counts is an infinite deviation.
template <class Found, class Wanted, class Counts>
Deviation deviation(const Found& found, const Wanted& wanted, const Counts& counts) {
  Deviation result;
  double difference_square = 0;
  double wanted_square = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!counts(i)) continue;
    const auto a = static_cast<double>(found[i]);
    const auto b = static_cast<double>(wanted[i]);
    double distance = std::abs(a - b);
    if (std::isnan(distance)) distance = std::numeric_limits<double>::infinity();
    if (result.where < 0 || distance > result.largest) {
      result = {distance, 0, static_cast<Index>(i), a, b};
    }
    difference_square += distance * distance;
    wanted_square += b * b;
  }
  if (difference_square > 0) result.normalized_square = difference_square / wanted_square;
  return result;
}

template <class Found, class Wanted>
Deviation deviation(const Found& found, const Wanted& wanted) {
  return deviation(found, wanted, [](std::size_t) { return true; });
}

inline std::string to_string(const Deviation& d) {
  return "largest difference " + std::to_string(d.largest) + " at element " +
         std::to_string(d.where) + ": " + std::to_string(d.found) + " instead of " +
         std::to_string(d.wanted) + ", normalised square " + std::to_string(d.normalized_square);
}

}  // namespace serenade::test
