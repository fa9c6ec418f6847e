#include "kernels/dsp/normalise.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/dsp/frames.h"

namespace serenade {

void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out) {
  expect_signal("normalise", signal, samples);
  expect_shape("normalise", "out", out.shape(), signal.shape());
  expect_on_device("normalise", context, signal, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::normalise(context, signal, samples, how, out);
    }
  }
  cpu::normalise(context, signal, samples, how, out);
}

namespace cpu {
namespace {

/// The number that a clip is as loud as, in float64.
double level(const float* x, Index size, Normalise how) {
  double sum = 0;
  float peak = 0;
  for (Index i = 0; i < size; ++i) {
    const auto value = static_cast<double>(x[i]);
    sum = std::fma(value, value, sum);
    peak = std::max(peak, std::abs(x[i]));
  }
  return how == Normalise::peak ? peak : std::sqrt(sum / static_cast<double>(size));
}

}  // namespace

void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out) {
  constexpr double wanted_rms = 0.1;
  const double wanted = how == Normalise::peak ? 1 : wanted_rms;
  context.parallel(samples.clips(), [&](Index clip) {
    const float* x = signal.data() + samples.begin(clip);
    float* to = out.data() + samples.begin(clip);
    const Index size = samples.length(clip);
    const double found = how == Normalise::none ? 0 : level(x, size, how);
    const double factor = found > 0 ? wanted / found : 1;
    for (Index i = 0; i < size; ++i) to[i] = static_cast<float>(factor * x[i]);
  });
}

}  // namespace cpu
}  // namespace serenade
