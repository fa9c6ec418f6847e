#include "pipeline/training/scaler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/error.h"

namespace serenade {
namespace {

Tensor<const float> matrix(const FeatureSource& features, std::size_t utterance, Index dims) {
  const Tensor<const float> x = features(utterance);
  if (x.rank() != 2 || (dims >= 0 && x.extent(1) != dims)) {
    throw ShapeError(fmt::format("utterance {}: features are {} but must be [frames, {}]",
                                 utterance, to_string(x.shape()),
                                 dims >= 0 ? std::to_string(dims) : "dims"));
  }
  return x;
}

}  // namespace

StandardScaler fit_scaler(const TrainingRows& rows, const FeatureSource& features) {
  std::vector<double> mean;
  Index dims = -1;
  Index frames = 0;
  for (const std::size_t utterance : rows.indices()) {
    const auto x = matrix(features, utterance, dims);
    dims = x.extent(1);
    frames += x.extent(0);
    mean.resize(static_cast<std::size_t>(dims), 0.0);
    const float* value = x.data();
    for (Index frame = 0; frame < x.extent(0); ++frame) {
      for (double& sum : mean) {
        if (!std::isfinite(*value)) {
          throw DataError(fmt::format("utterance {}: frame {} of its features holds {}", utterance,
                                      frame, *value));
        }
        sum += static_cast<double>(*value++);
      }
    }
  }
  if (frames == 0 || dims == 0) {
    throw DataError("the scaler has nothing to be fitted on: the training part has no frames");
  }
  const auto n = static_cast<double>(frames);
  for (double& sum : mean) sum /= n;

  std::vector<double> variance(mean.size(), 0.0);
  for (const std::size_t utterance : rows.indices()) {
    const auto x = matrix(features, utterance, dims);
    const float* value = x.data();
    for (Index frame = 0; frame < x.extent(0); ++frame) {
      for (std::size_t d = 0; d < mean.size(); ++d) {
        const double deviation = static_cast<double>(*value++) - mean[d];
        variance[d] += deviation * deviation;
      }
    }
  }
  StandardScaler scaler{mean, {}};
  for (std::size_t d = 0; d < mean.size(); ++d) {
    const double v = variance[d] / n;
    constexpr double eps = std::numeric_limits<double>::epsilon();
    const double rounding = n * mean[d] * eps;
    const bool constant = v <= n * eps * v + rounding * rounding;
    scaler.scale.push_back(constant ? 1.0 : std::sqrt(v));
  }
  return scaler;
}

Index choose_frames(const TrainingRows& rows, const FeatureSource& features) {
  std::vector<Index> lengths;
  for (const std::size_t utterance : rows.indices()) {
    lengths.push_back(matrix(features, utterance, -1).extent(0));
  }
  if (lengths.empty()) throw DataError("the training part has no clips to choose a length from");
  std::sort(lengths.begin(), lengths.end());
  const std::size_t covered = (lengths.size() * 95 + 99) / 100;
  return lengths[covered - 1];
}

}  // namespace serenade
