#include "kernels/nn/dense.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/gemm.h"

namespace serenade {
namespace {

void check(std::string_view operation, const Shape& x, const Shape& weights, const Shape& y) {
  expect_rank(operation, "x", x, 2, "[batch, features]");
  expect_rank(operation, "weights", weights, 2, "[features, units]");
  expect_shape(operation, "weights", weights, Shape{x[1], weights[1]});
  expect_shape(operation, "y", y, Shape{x[0], weights[1]});
}

}  // namespace

void dense(Context& context, Tensor<const float> x, Tensor<const float> weights,
           Tensor<const float> bias, Tensor<float> y) {
  check("dense", x.shape(), weights.shape(), y.shape());
  if (bias.data() != nullptr) {
    expect_shape("dense", "bias", bias.shape(), Shape{weights.extent(1)});
  }
  expect_on_device("dense", context, x, weights, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::dense(context, x, weights, bias, y);
  }
  cpu::dense(context, x, weights, bias, y);
}

void dense_backward_data(Context& context, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx) {
  check("dense_backward_data", dx.shape(), weights.shape(), dy.shape());
  expect_on_device("dense_backward_data", context, weights, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::dense_backward_data(context, weights, dy, dx);
    }
  }
  cpu::dense_backward_data(context, weights, dy, dx);
}

void dense_backward_weights(Context& context, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias) {
  check("dense_backward_weights", x.shape(), dweights.shape(), dy.shape());
  if (dbias.data() != nullptr) {
    expect_shape("dense_backward_weights", "dbias", dbias.shape(), Shape{dy.extent(1)});
  }
  expect_on_device("dense_backward_weights", context, x, dy, dweights);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::dense_backward_weights(context, x, dy, dweights, dbias);
    }
  }
  cpu::dense_backward_weights(context, x, dy, dweights, dbias);
}

namespace cpu {
namespace {

/// C [rows, columns] = bias + A B, one chunk two panels of B and a block of rows.
void product(Context& context, const gemm::Strided& a, Index rows, Index depth,
             const gemm::Strided& b, Index columns, const float* bias, float* c) {
  constexpr Index block = 96;
  const Index panels = gemm::panels(columns), blocks = (rows + block - 1) / block;
  const Index panel_size = depth * gemm::panel_width;
  float* packed = context.scratch(panels * panel_size).data();
  context.parallel(panels, [&](Index panel) {
    gemm::pack(b, depth, columns, panel, packed + panel * panel_size);
  });
  const auto start = bias != nullptr ? gemm::Start::row(bias) : gemm::Start::zeros();
  context.parallel((panels + 1) / 2 * blocks, [&](Index chunk) {
    const Index first = chunk / blocks * 2, begin = chunk % blocks * block;
    gemm::multiply({a.data + begin * a.row_stride, a.row_stride, a.column_stride},
                   std::min(block, rows - begin), depth,
                   {packed + first * panel_size, panel_size, first, std::min(panels, first + 2)},
                   columns, start, c + begin * columns, columns);
  });
}

}  // namespace

void dense(Context& context, Tensor<const float> x, Tensor<const float> weights,
           Tensor<const float> bias, Tensor<float> y) {
  const Index features = x.extent(1), units = y.extent(1);
  product(context, {x.data(), features, 1}, x.extent(0), features, {weights.data(), units, 1},
          units, bias.data(), y.data());
}

void dense_backward_data(Context& context, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx) {
  const Index features = dx.extent(1), units = dy.extent(1);
  product(context, {dy.data(), units, 1}, dy.extent(0), units, {weights.data(), 1, units}, features,
          nullptr, dx.data());
}

void dense_backward_weights(Context& context, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias) {
  const Index batch = x.extent(0), features = x.extent(1), units = dy.extent(1);
  product(context, {x.data(), 1, features}, features, batch, {dy.data(), units, 1}, units, nullptr,
          dweights.data());
  if (dbias.data() != nullptr) column_sums(context, dy.data(), batch, units, dbias.data());
}

}  // namespace cpu
}  // namespace serenade
