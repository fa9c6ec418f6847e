#include "kernels/nn/dense.h"

#include "kernels/device/session.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/convolution.h"
#include "kernels/nn/cublaslt.h"

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

/// Libraries do not multiply what is empty.
bool by_library(Session& session, Index batch, Index features, Index units) {
  return backend(session).backend == Backend::library && batch > 0 && features > 0 && units > 0;
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
  Session& session = context.session();
  const Index batch = x.extent(0);
  const Index features = x.extent(1);
  const Index units = y.extent(1);
  if (by_library(session, batch, features, units) &&
      cublaslt::multiply(session,
                         {.rows = batch,
                          .columns = units,
                          .depth = features,
                          .a = {x.data(), features},
                          .b = {weights.data(), units},
                          .bias = bias.data(),
                          .c = y.data(),
                          .c_stride = units},
                         backend(session).tf32)) {
    return;
  }
  plain::dense(context, x, weights, bias, y);
}

void dense_backward_data(Context& context, Tensor<const float> weights, Tensor<const float> dy,
                         Tensor<float> dx) {
  Session& session = context.session();
  const Index batch = dx.extent(0);
  const Index features = dx.extent(1);
  const Index units = dy.extent(1);
  if (by_library(session, batch, features, units) &&
      cublaslt::multiply(session,
                         {.rows = batch,
                          .columns = features,
                          .depth = units,
                          .a = {dy.data(), units},
                          .b = {weights.data(), units, true},
                          .bias = nullptr,
                          .c = dx.data(),
                          .c_stride = features},
                         backend(session).tf32)) {
    return;
  }
  plain::dense_backward_data(context, weights, dy, dx);
}

void dense_backward_weights(Context& context, Tensor<const float> x, Tensor<const float> dy,
                            Tensor<float> dweights, Tensor<float> dbias) {
  Session& session = context.session();
  const Index batch = x.extent(0);
  const Index features = x.extent(1);
  const Index units = dy.extent(1);
  if (!by_library(session, batch, features, units) ||
      !cublaslt::multiply(session,
                          {.rows = features,
                           .columns = units,
                           .depth = batch,
                           .a = {x.data(), features, true},
                           .b = {dy.data(), units},
                           .bias = nullptr,
                           .c = dweights.data(),
                           .c_stride = units},
                          backend(session).tf32)) {
    return plain::dense_backward_weights(context, x, dy, dweights, dbias);
  }
  if (dbias.data() != nullptr) column_sums(session, dy.data(), batch, units, dbias.data());
}

}  // namespace serenade::cuda
