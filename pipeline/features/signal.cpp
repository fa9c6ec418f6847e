#include "pipeline/features/signal.h"

#include <span>

#include "kernels/device/context.h"

namespace serenade {

std::vector<float> condition_signal(const FeatureSpec& spec, std::vector<float> signal) {
  Context context(1);
  const auto extent_of = [](const std::vector<float>& one) {
    const auto size = static_cast<Index>(one.size());
    return Ragged(std::span<const Index>(&size, 1));
  };
  const auto tensor_of = [](std::vector<float>& one) {
    return Tensor<float>(one.data(), {static_cast<Index>(one.size())});
  };
  if (spec.trim) {
    const Extent kept = trim(context, tensor_of(signal), extent_of(signal), *spec.trim).front();
    signal.erase(signal.begin() + kept.end, signal.end());
    signal.erase(signal.begin(), signal.begin() + kept.begin);
  }
  if (spec.normalise != Normalise::none) {
    normalise(context, tensor_of(signal), extent_of(signal), spec.normalise, tensor_of(signal));
  }
  return signal;
}

}  // namespace serenade
