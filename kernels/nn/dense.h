#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

struct DenseOptions {
  int units = 64;
  bool use_bias = true;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("units", self.units, Range{1, 65536}, "outputs");
    visit("use_bias", self.use_bias, Range{}, "add a trained constant to each unit");
  }
};

/// y = x weights + bias; every output sums its features in ascending order.
/// x [batch, features], weights [features, units], bias [units] or an empty view, y [batch, units].
/// Throws ShapeError where these do not fit together.
void dense(Context&, Tensor<const float> x, Tensor<const float> weights, Tensor<const float> bias,
           Tensor<float> y);

/// dx [batch, features] = dy weights^T, overwritten.
void dense_backward_data(Context&, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx);

/// dweights [features, units] = x^T dy and dbias [units] (may be empty) = column sums of dy,
/// overwritten.
void dense_backward_weights(Context&, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias);

namespace cpu {
void dense(Context&, Tensor<const float> x, Tensor<const float> weights, Tensor<const float> bias,
           Tensor<float> y);
void dense_backward_data(Context&, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx);
void dense_backward_weights(Context&, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias);
}  // namespace cpu

namespace cuda {
void dense(Context&, Tensor<const float> x, Tensor<const float> weights, Tensor<const float> bias,
           Tensor<float> y);
void dense_backward_data(Context&, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx);
void dense_backward_weights(Context&, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias);
namespace plain {  // by own kernels alone
void dense(Context&, Tensor<const float> x, Tensor<const float> weights, Tensor<const float> bias,
           Tensor<float> y);
void dense_backward_data(Context&, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx);
void dense_backward_weights(Context&, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias);
}  // namespace plain
}  // namespace cuda

}  // namespace serenade
