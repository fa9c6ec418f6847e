#include "kernels/nn/mixup.h"

#include <algorithm>
#include <numbers>
#include <string>

#include "kernels/device/checks.h"
#include "kernels/device/philox.h"

namespace serenade {
namespace {

/// Uniform in (0, 1), in the middle of one of 2^52 steps: never 0, never 1.
double open_uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = ((std::uint64_t{high} << 32U) | low) >> 12U;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

}  // namespace

float mixup_share(double alpha, std::uint64_t seed, std::uint32_t utterance, std::uint32_t step) {
  const auto words = Philox(seed)({0, utterance, step, purpose_of(Purpose::mixup)});
  const double spread = std::expm1(-std::log(open_uniform(words[0], words[1])) / alpha);
  const double cosine = std::cos(2 * std::numbers::pi * open_uniform(words[2], words[3]));
  const double away = 0.5 / std::sqrt(1 + 1 / (spread * cosine * cosine));
  return static_cast<float>(0.5 + std::copysign(away, cosine));
}

void mixup(Context& context, const MixupShares& how, Tensor<const float> x, Tensor<float> y) {
  constexpr std::string_view operation = "mixup";
  if (x.rank() < 1) throw ShapeError("mixup: x has no rows");
  expect_shape(operation, "y", y.shape(), x.shape());
  expect_rank(operation, "shares", how.shares.shape(), 1, "[clips]");
  expect_shape(operation, "index", how.index.shape(), Shape{1});
  if (x.extent(0) > how.batch_size || x.extent(0) > how.shares.size()) {
    throw ShapeError("mixup: " + std::to_string(x.extent(0)) + " rows of batches of " +
                     std::to_string(how.batch_size) + " out of " +
                     std::to_string(how.shares.size()) + " clips");
  }
  if (x.size() > 0 && x.data() == y.data()) throw ShapeError("mixup: y is x");
  expect_on_device(operation, context, how.shares, how.index, x, y);
  if (x.size() == 0) return;
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::mixup(context, how, x, y);
  }
  cpu::mixup(context, how, x, y);
}

void mixup_lengths(Context& context, Tensor<const std::int32_t> x, Tensor<std::int32_t> y) {
  constexpr std::string_view operation = "mixup_lengths";
  expect_rank(operation, "x", x.shape(), 1, "[rows]");
  expect_shape(operation, "y", y.shape(), x.shape());
  if (x.size() > 0 && x.data() == y.data()) throw ShapeError("mixup_lengths: y is x");
  expect_on_device(operation, context, x, y);
  if (x.size() == 0) return;
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::mixup_lengths(context, x, y);
  }
  cpu::mixup_lengths(context, x, y);
}

namespace cpu {

void mixup_lengths(Context&, Tensor<const std::int32_t> x, Tensor<std::int32_t> y) {
  const Index rows = x.size();
  for (Index row = 0; row < rows; ++row) {
    y.data()[row] = std::max(x.data()[row], x.data()[(row + 1) % rows]);
  }
}

void mixup(Context& context, const MixupShares& how, Tensor<const float> x, Tensor<float> y) {
  const Index rows = x.extent(0), size = x.size() / rows;
  const float* shares =
      how.shares.data() + static_cast<Index>(how.index.data()[0]) * how.batch_size;
  context.parallel(rows, [&](Index row) {
    const float share = shares[row];
    const float* own = x.data() + row * size;
    const float* other = x.data() + (row + 1) % rows * size;
    float* to = y.data() + row * size;
    for (Index i = 0; i < size; ++i) to[i] = mixed(share, own[i], other[i]);
  });
}

}  // namespace cpu
}  // namespace serenade
