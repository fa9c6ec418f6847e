#include "kernels/nn/dense.h"

#include "kernels/device/session.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/convolution.h"

namespace serenade::cuda {
namespace {

/// A convolution of one tap whose steps are the rows. They are one item, so that the gradient of
/// the weights is one sum, as the CPU's.
Convolution convolution_of(Index batch, Index features, Index units) {
  return {.batch = 1,
          .time = batch,
          .in = features,
          .out_time = batch,
          .out = units,
          .kernel = 1,
          .stride = 1,
          .dilation = 1,
          .groups = 1,
          .left = 0};
}

}  // namespace

namespace plain {

void dense(Context& context, Tensor<const float> x, Tensor<const float> weights,
           Tensor<const float> bias, Tensor<float> y) {
  convolve(context.session(), convolution_of(x.extent(0), x.extent(1), y.extent(1)), x.data(),
           weights.data(), bias.data(), y.data());
}

void dense_backward_data(Context& context, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx) {
  convolve_backward_data(context.session(),
                         convolution_of(dx.extent(0), dx.extent(1), dy.extent(1)), weights.data(),
                         dy.data(), dx.data());
}

void dense_backward_weights(Context& context, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias) {
  Session& session = context.session();
  const Index batch = x.extent(0);
  const Index units = dy.extent(1);
  convolve_backward_weights(session, convolution_of(batch, x.extent(1), units), x.data(), dy.data(),
                            dweights.data());
  if (dbias.data() != nullptr) column_sums(session, dy.data(), batch, units, dbias.data());
}

}  // namespace plain

void dense(Context& context, Tensor<const float> x, Tensor<const float> weights,
           Tensor<const float> bias, Tensor<float> y) {
  plain::dense(context, x, weights, bias, y);
}

void dense_backward_data(Context& context, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx) {
  plain::dense_backward_data(context, weights, dy, dx);
}

void dense_backward_weights(Context& context, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias) {
  plain::dense_backward_weights(context, x, dy, dweights, dbias);
}

}  // namespace serenade::cuda
