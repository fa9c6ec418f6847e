#pragma once

#include <string>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/tensor.h"

namespace serenade {

/// Throws ShapeError "mel_power: power is [3, 5] but must be [3, 1025]" when shapes differ.
inline void expect_shape(std::string_view operation, std::string_view name, const Shape& found,
                         const Shape& wanted) {
  if (found == wanted) return;
  throw ShapeError(std::string(operation) + ": " + std::string(name) + " is " + to_string(found) +
                   " but must be " + to_string(wanted));
}

/// Throws ShapeError "conv1d: x is [3, 5] but must be [batch, time, channels]" where `found` has
/// another number of axes than `rank`; `wanted` names them.
inline void expect_rank(std::string_view operation, std::string_view name, const Shape& found,
                        int rank, std::string_view wanted) {
  if (found.rank() == rank) return;
  throw ShapeError(std::string(operation) + ": " + std::string(name) + " is " + to_string(found) +
                   " but must be " + std::string(wanted));
}

/// Throws ShapeError unless every tensor lives on the context's device.
template <class... Tensors>
void expect_on_device(std::string_view operation, const Context& context,
                      const Tensors&... tensors) {
  const auto check = [&](Device device) {
    if (device == context.device()) return;
    throw ShapeError(std::string(operation) + ": a tensor lives on " +
                     std::string(to_string(device)) + " but the context is " +
                     std::string(to_string(context.device())));
  };
  (check(tensors.device()), ...);
}

}  // namespace serenade
