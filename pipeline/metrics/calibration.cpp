#include "pipeline/metrics/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/error.h"

namespace serenade {

Calibration calibration(std::span<const float> confidence, const std::vector<bool>& right,
                        int bins) {
  if (confidence.size() != right.size() || bins < 1) {
    throw ShapeError(fmt::format("calibration: {} confidences and {} outcomes in {} bins",
                                 confidence.size(), right.size(), bins));
  }
  Calibration result;
  result.bins.resize(static_cast<std::size_t>(bins));
  for (int k = 0; k < bins; ++k) {
    CalibrationBin& bin = result.bins[static_cast<std::size_t>(k)];
    bin.low = static_cast<double>(k) / bins;
    bin.high = static_cast<double>(k + 1) / bins;
  }
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const auto value = static_cast<double>(confidence[i]);
    if (!std::isfinite(value)) continue;
    // A softmax may round to a little more than 1.
    const double place = std::clamp(std::ceil(value * bins) - 1, 0.0, bins - 1.0);
    CalibrationBin& bin = result.bins[static_cast<std::size_t>(place)];
    ++bin.clips;
    ++result.clips;
    bin.confidence += value;
    bin.accuracy += right[i] ? 1 : 0;
  }
  for (CalibrationBin& bin : result.bins) {
    if (bin.clips == 0) continue;
    const auto clips = static_cast<double>(bin.clips);
    bin.confidence /= clips;
    bin.accuracy /= clips;
    result.expected_error +=
        clips / static_cast<double>(result.clips) * std::abs(bin.accuracy - bin.confidence);
  }
  return result;
}

}  // namespace serenade
