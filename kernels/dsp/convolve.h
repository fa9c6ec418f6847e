#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int convolve_revision = 1;

/// The beginning of the convolution of two signals: out[i] is the sum over k of
/// filter[k] * signal[i - k], for i less than the signal's length. Blocks of the filter are
/// transformed and multiplied one by one with those of the signal (overlap-save), in an order that
/// hangs on the lengths alone. Made on the CPU only.
/// signal [n], filter [m], out [n]; any n and m
/// Throws ShapeError when out does not fit.
void convolve(Context& context, Tensor<const float> signal, Tensor<const float> filter,
              Tensor<float> out);

namespace cpu {
void convolve(Context& context, Tensor<const float> signal, Tensor<const float> filter,
              Tensor<float> out);
}  // namespace cpu

}  // namespace serenade
