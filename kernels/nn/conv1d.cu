#include "kernels/nn/conv1d.h"

#include "kernels/device/session.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/convolution.h"

namespace serenade::cuda {
namespace {

bool by_library(Session& session) { return backend(session).backend == Backend::library; }

}  // namespace

namespace plain {

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  convolve(context.session(), convolution_of(options, x.shape(), y.shape()), x.data(),
           weights.data(), bias.data(), y.data());
}

void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  convolve_backward_data(context.session(), convolution_of(options, dx.shape(), dy.shape()),
                         weights.data(), dy.data(), dx.data());
}

void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  Session& session = context.session();
  const Convolution c = convolution_of(options, x.shape(), dy.shape());
  convolve_backward_weights(session, c, x.data(), dy.data(), dweights.data());
  if (dbias.data() != nullptr) {
    column_sums(session, dy.data(), c.batch * c.out_time, c.out, dbias.data());
  }
}

}  // namespace plain

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  if constexpr (has_cudnn) {
    Session& session = context.session();
    const Convolution c = convolution_of(options, x.shape(), y.shape());
    if (by_library(session) &&
        cudnn::conv1d(session, c, x.data(), weights.data(), bias.data(), y.data())) {
      return;
    }
  }
  plain::conv1d(context, options, x, weights, bias, y);
}

void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  if constexpr (has_cudnn) {
    Session& session = context.session();
    const Convolution c = convolution_of(options, dx.shape(), dy.shape());
    if (by_library(session) &&
        cudnn::conv1d_backward_data(session, c, weights.data(), dy.data(), dx.data())) {
      return;
    }
  }
  plain::conv1d_backward_data(context, options, weights, dy, dx);
}

void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  if constexpr (has_cudnn) {
    Session& session = context.session();
    const Convolution c = convolution_of(options, x.shape(), dy.shape());
    if (by_library(session) &&
        cudnn::conv1d_backward_weights(session, c, x.data(), dy.data(), dweights.data())) {
      if (dbias.data() != nullptr) {
        column_sums(session, dy.data(), c.batch * c.out_time, c.out, dbias.data());
      }
      return;
    }
  }
  plain::conv1d_backward_weights(context, options, x, dy, dweights, dbias);
}

}  // namespace serenade::cuda
