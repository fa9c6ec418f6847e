#include "kernels/dsp/mfcc.h"

#include <cmath>
#include <numbers>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/mfcc.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

DctBasis::DctBasis(Index inputs, Index coefficients)
    : inputs_(inputs), coefficients_(coefficients) {
  constexpr Index most = 1 << 16;
  if (coefficients < 1 || coefficients > inputs || inputs > most) {
    throw ConfigError("dct: " + std::to_string(coefficients) + " coefficients of " +
                      std::to_string(inputs) +
                      " inputs asked, but there must be at least 1 and no more than inputs");
  }
  auto basis = std::make_shared<std::vector<float>>();
  basis->reserve(static_cast<std::size_t>(inputs * coefficients));
  const auto n = static_cast<double>(inputs);
  for (Index k = 0; k < coefficients; ++k) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / n);
    for (Index i = 0; i < inputs; ++i) {
      // The cosine's period is 4n steps: reducing in integers keeps the angle exact.
      const auto step = static_cast<double>(k * (2 * i + 1) % (4 * inputs));
      basis->push_back(static_cast<float>(scale * std::cos(std::numbers::pi * step / (2.0 * n))));
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
