#include "kernels/dsp/delta.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/device/checks.h"

namespace serenade {

std::vector<float> delta_weights(const DeltaOptions& options) {
  const int half = options.width / 2;
  const auto points = static_cast<std::size_t>(options.width);
  std::vector<double> before(points, 0.0);
  std::vector<double> current(points, 1.0);
  const auto norm = [](const std::vector<double>& p) {
    double sum = 0;
    for (const double value : p) sum += value * value;
    return sum;
  };
  double factorial = 1;
  for (int degree = 1; degree <= options.order; ++degree) {
    factorial *= degree;
    const double ratio = degree > 1 ? norm(current) / norm(before) : 0.0;
    for (std::size_t i = 0; i < points; ++i) {
      const double next = (static_cast<int>(i) - half) * current[i] - ratio * before[i];
      before[i] = current[i];
      current[i] = next;
    }
  }
  const double scale = factorial / norm(current);
  std::vector<float> weights;
  for (std::size_t k = static_cast<std::size_t>(half); k < points; ++k) {
    weights.push_back(static_cast<float>(current[k] * scale));
  }
  return weights;
}

void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out) {
  check_ranges(options);
  if (options.width % 2 == 0 || options.order >= options.width) {
    throw ConfigError("delta: width is " + std::to_string(options.width) + " and order " +
                      std::to_string(options.order) +
                      ", but width must be odd and more than order");
  }
  const Index dims = features.rank() == 2 ? features.extent(1) : 0;
  expect_shape("delta", "features", features.shape(), Shape{frames.total(), dims});
  expect_shape("delta", "out", out.shape(), features.shape());
  expect_on_device("delta", context, features, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::delta(context, features, frames, options, out);
    }
  }
  cpu::delta(context, features, frames, options, out);
}

namespace cpu {

void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out) {
  const Index dims = features.extent(1);
  const Index half = options.width / 2;
  const bool odd = options.order % 2 != 0;
  const std::vector<float> weights = delta_weights(options);
  context.parallel(frames.clips(), [&](Index clip) {
    const Index length = frames.length(clip);
    const float* first = features.data() + frames.begin(clip) * dims;
    float* to = out.data() + frames.begin(clip) * dims;
    for (Index t = 0; t < length; ++t, to += dims) {
      std::fill_n(to, dims, 0.0F);
      // The derivative of this order is the same all along one polynomial, so a frame near an end
      // has that of the nearest whole window. A clip too short for one repeats its end frames.
      const Index centre = length >= options.width ? std::clamp(t, half, length - 1 - half) : t;
      const float* middle = first + centre * dims;
      for (Index k = 1; k <= half; ++k) {
        const float weight = weights[static_cast<std::size_t>(k)];
        const float* later = first + std::min(centre + k, length - 1) * dims;
        const float* earlier = first + std::max<Index>(centre - k, 0) * dims;
        if (odd) {
          for (Index i = 0; i < dims; ++i) {
            to[i] = std::fma(weight, later[i] - earlier[i], to[i]);
          }
        } else {
          for (Index i = 0; i < dims; ++i) {
            to[i] = std::fma(weight, (later[i] - middle[i]) + (earlier[i] - middle[i]), to[i]);
          }
        }
      }
    }
  });
}

}  // namespace cpu
}  // namespace serenade
