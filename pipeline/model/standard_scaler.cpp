#include "pipeline/model/standard_scaler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "kernels/device/error.h"

namespace serenade {

Moments moments_of(Tensor<const float> features) {
  const Index frames = features.extent(0);
  Moments moments{
      frames, std::vector<double>(static_cast<std::size_t>(features.extent(1)), 0.0), {}};
  moments.squares = moments.mean;
  const auto n = static_cast<double>(frames);
  const float* value = features.data();
  for (Index frame = 0; frame < frames; ++frame) {
    for (double& sum : moments.mean) sum += static_cast<double>(*value++);
  }
  for (double& sum : moments.mean) sum /= n;
  value = features.data();
  for (Index frame = 0; frame < frames; ++frame) {
    for (std::size_t d = 0; d < moments.mean.size(); ++d) {
      const double deviation = static_cast<double>(*value++) - moments.mean[d];
      moments.squares[d] += deviation * deviation;
    }
  }
  return moments;
}

StandardScaler scaler_of(std::vector<Moments> clips) {
  if (clips.empty()) throw DataError("no clips are there to standardise by");
  const std::size_t dims = clips.front().mean.size();
  for (const Moments& clip : clips) {
    if (clip.mean.size() != dims) {
      throw ShapeError(
          fmt::format("clips of {} and of {} dimensions cannot be standardised together", dims,
                      clip.mean.size()));
    }
  }
  // What is equal in all of this adds the same numbers in either order.
  std::sort(clips.begin(), clips.end(), [](const Moments& a, const Moments& b) {
    return std::tie(a.frames, a.mean, a.squares) < std::tie(b.frames, b.mean, b.squares);
  });
  double n = 0;
  std::vector<double> mean(dims, 0.0), squares(dims, 0.0);
  for (const Moments& clip : clips) {
    const auto frames = static_cast<double>(clip.frames);
    n += frames;
    for (std::size_t d = 0; d < dims; ++d) mean[d] += frames * clip.mean[d];
  }
  for (double& sum : mean) sum /= n;
  for (const Moments& clip : clips) {
    const auto frames = static_cast<double>(clip.frames);
    for (std::size_t d = 0; d < dims; ++d) {
      const double apart = clip.mean[d] - mean[d];
      squares[d] += clip.squares[d] + frames * apart * apart;
    }
  }
  StandardScaler scaler{std::move(mean), {}};
  for (std::size_t d = 0; d < dims; ++d) {
    scaler.scale.push_back(scale_of(squares[d] / n, scaler.mean[d], n));
  }
  return scaler;
}

StandardScaler scaler_of(Tensor<const float> clip) {
  std::vector<Moments> one;
  one.push_back(moments_of(clip));
  return scaler_of(std::move(one));
}

double scale_of(double variance, double mean, double frames) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  const double rounding = frames * mean * eps;
  const bool constant = variance <= frames * eps * variance + rounding * rounding;
  return constant ? 1.0 : std::sqrt(variance);
}

}  // namespace serenade
