#include "kernels/dsp/mfcc.h"

#include <cmath>
#include <numbers>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/mfcc.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

namespace {

/// The weight of input i in coefficient k of n.
double dct_weight(const DctOptions& options, Index n, Index k, Index i) {
  const auto size = static_cast<double>(n);
  // Angles are reduced in integers to less than a turn, which keeps them exact.
  const auto cosine = [](Index step, Index half_turn) {
    return std::cos(std::numbers::pi * static_cast<double>(step % (2 * half_turn)) /
                    static_cast<double>(half_turn));
  };
  const bool ortho = options.norm == DctNorm::ortho;
  if (options.type == 2) {
    const double scale = ortho ? std::sqrt((k == 0 ? 1.0 : 2.0) / size) : 2.0;
    return scale * cosine(k * (2 * i + 1), 2 * n);
  }
  if (options.type == 3) {
    const double scale = ortho ? std::sqrt((i == 0 ? 1.0 : 2.0) / size) : (i == 0 ? 1.0 : 2.0);
    return scale * cosine((2 * k + 1) * i, 2 * n);
  }
  const auto at_end = [n](Index index) { return index == 0 || index + 1 == n; };
  double scale = at_end(i) ? 1.0 : 2.0;
  if (ortho) {
    scale *= (at_end(i) ? std::numbers::sqrt2 : 1.0) * 0.5 *
             std::sqrt((at_end(k) ? 1.0 : 2.0) / (size - 1));
  }
  return scale * cosine(k * i, n - 1);
}

}  // namespace

DctBasis::DctBasis(Index inputs, const DctOptions& options)
    : inputs_(inputs), coefficients_(options.coefficients) {
  constexpr Index most = 1 << 16;
  if (coefficients_ < 1 || coefficients_ > inputs || inputs > most) {
    throw ConfigError("dct: " + std::to_string(coefficients_) + " coefficients of " +
                      std::to_string(inputs) +
                      " inputs asked, but there must be at least 1 and no more than inputs");
  }
  if (options.type == 1 && inputs < 2) {
    throw ConfigError("dct: type 1 is asked of a single input, but takes at least 2");
  }
  auto basis = std::make_shared<std::vector<float>>();
  basis->reserve(static_cast<std::size_t>(inputs * coefficients_));
  for (Index k = 0; k < coefficients_; ++k) {
    double lift = 1;
    if (options.lifter > 0) {
      const auto from = static_cast<double>(k + options.lifter_from);
      lift += options.lifter / 2 * std::sin(std::numbers::pi * from / options.lifter);
    }
    for (Index i = 0; i < inputs; ++i) {
      basis->push_back(static_cast<float>(lift * dct_weight(options, inputs, k, i)));
    }
  }
  basis_ = std::move(basis);
}

void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out) {
  const Index frames = log_mel.rank() == 2 ? log_mel.extent(0) : 0;
  expect_shape("dct", "log_mel", log_mel.shape(), Shape{frames, basis.inputs()});
  expect_shape("dct", "out", out.shape(), Shape{frames, basis.coefficients()});
  expect_on_device("dct", context, log_mel, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::dct(context, log_mel, basis, out);
  }
  cpu::dct(context, log_mel, basis, out);
}

namespace cpu {

void dct_tile(const DctBasis& basis, const float* in, float* out) {
  ON_VECTOR_PATH(dct_tile)(basis, in, out);
}

void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out) {
  for_each_tile(context, log_mel, out,
                [&](const float* in, float* coefficients) { dct_tile(basis, in, coefficients); });
}

}  // namespace cpu
}  // namespace serenade
