#include "pipeline/training/epoch_average.h"

#include <algorithm>
#include <cmath>

namespace serenade {

EpochAverage::EpochAverage(const SwaOptions& options, int epochs, const Network& network)
    // a product such as 0.29 x 100 may lie below the whole number that it means
    : first_(static_cast<int>(std::floor(options.start * epochs + 1e-6)) + 1) {
  first_ = std::min(first_, epochs);
  for (const Parameter& parameter : network.parameters()) {
    values_.emplace_back(parameter.value.shape()).fill(0);
  }
}

void EpochAverage::follow(int epoch, const Network& network) {
  if (epoch < first_) return;
  const double count = epoch - first_ + 1;
  for (std::size_t k = 0; k < values_.size(); ++k) {
    const auto now = network.parameters()[k].value.span();
    const auto mean = values_[k].span();
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double before = mean[i];
      mean[i] = static_cast<float>(before + (double{now[i]} - before) / count);
    }
  }
}

void EpochAverage::put_into(Network& network) const {
  for (std::size_t k = 0; k < values_.size(); ++k) {
    std::ranges::copy(values_[k].span(), network.parameters()[k].value.data());
  }
}

}  // namespace serenade
