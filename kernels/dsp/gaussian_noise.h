#pragma once

#include <cstdint>

#include "kernels/device/context.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int gaussian_noise_revision = 1;

/// White noise, normally distributed with mean 0 and variance 1, by Box and Muller's transform of
/// Philox(key) at the counters (element / 4, stream, 0, 0): a number depends on key, stream and
/// its place, and on nothing else. 24 bits are drawn for a radius, so that none is beyond 5.8.
/// out  [n]  float32, any n
/// On the CPU only: a GPU's noise is made here and copied.
namespace cpu {
void gaussian_noise(Context& context, std::uint64_t key, std::uint32_t stream, Tensor<float> out);
}  // namespace cpu

}  // namespace serenade
