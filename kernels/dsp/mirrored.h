#pragma once

#include "kernels/device/tensor.h"

namespace serenade {

/// Where number `at` of a row of `length` continued beyond both ends lies: each end mirrored
/// between its last number and the next one, which is the same number again.
constexpr Index mirrored(Index at, Index length) {
  const Index place = (at % (2 * length) + 2 * length) % (2 * length);
  return place < length ? place : 2 * length - 1 - place;
}

}  // namespace serenade
