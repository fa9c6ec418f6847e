#pragma once

#include <cstdint>

#include "kernels/device/tensor.h"

namespace serenade {

/// Uniform in [-limit, limit) with limit = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, the
/// default of Keras for kernels). Element e is word e % 4 of
/// Philox(seed)(e / 4, 0, 0, purpose_of(Purpose::initial_weights, layer)). Host memory: the draw is
/// made once and copied to a device.
/// For a dense kernel fan_in and fan_out are its sides; for a convolution kernel they are
/// kernel_size x in_channels / groups and kernel_size x filters.
void glorot_uniform(std::uint64_t seed, std::uint32_t layer, Index fan_in, Index fan_out,
                    Tensor<float> kernel);

}  // namespace serenade
