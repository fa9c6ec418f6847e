#include "tests/emulation/cudnn_descriptor.h"

#include <algorithm>

namespace emulation {
namespace {

/// The parts of a convolution's operation, whose names differ from pass to pass.
struct Names {
  ConvolutionPass pass;
  cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};
bool names_of(cudnnBackendDescriptorType_t type, Names& names) {
  switch (type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      names = {ConvolutionPass::forward,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
      return true;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      names = {ConvolutionPass::backward_data,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
      return true;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      names = {ConvolutionPass::backward_filter,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
      return true;
    default:
      return false;
  }
}

}  // namespace

GraphTensor tensor_of(const Descriptor& descriptor) {
  GraphTensor tensor;
  tensor.id = descriptor.value<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
  std::ranges::copy(descriptor.values<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
                    tensor.extents.begin());
  std::ranges::copy(descriptor.values<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES),
                    tensor.strides.begin());
  tensor.alignment = descriptor.value<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 1);
  tensor.is_virtual = descriptor.value<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0) != 0;
  return tensor;
}

bool call_of(const Descriptor& operation, ConvolutionCall& call) {
  Names names{};
  if (!names_of(operation.type, names)) return false;
  const Reference x = operation.reference(names.x);
  const Reference w = operation.reference(names.w);
  const Reference y = operation.reference(names.y);
  const Reference how = operation.reference(names.convolution);
  if (!x || !w || !y || !how || operation.value(names.alpha, 0.0F) != 1.0F ||
      operation.value(names.beta, 1.0F) != 0.0F) {
    return false;
  }
  const auto pair = [&](cudnnBackendAttributeName_t name) {
    auto found = how->values<std::int64_t>(name);
    found.resize(2, -1);
    return found;
  };
  const auto stride = pair(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto dilation = pair(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  const auto left = pair(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const auto right = pair(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  call = {names.pass, tensor_of(*x), tensor_of(*w), tensor_of(*y), {},
          stride[1],  dilation[1],   left[1],       right[1]};
  return stride[0] == 1 && dilation[0] == 1 && left[0] == 0 && right[0] == 0 && stride[1] > 0 &&
         dilation[1] > 0 && left[1] >= 0 && right[1] >= 0 &&
         how->value(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_DOUBLE) == CUDNN_DATA_FLOAT &&
         how->value(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CONVOLUTION) == CUDNN_CROSS_CORRELATION;
}

bool graph_of(const Descriptor& graph, ConvolutionCall& call) {
  const auto found = graph.attributes.find(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  if (found == graph.attributes.end()) return false;
  const std::vector<Reference>& operations = found->second.references;
  if (operations.empty() || operations.size() > 2 || !call_of(*operations[0], call)) return false;
  if (operations.size() == 1) return !call.y.is_virtual;
  const Descriptor& addition = *operations[1];
  const Reference how = addition.reference(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
  const Reference x = addition.reference(CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
  const Reference bias = addition.reference(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
  const Reference y = addition.reference(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
  if (!how || !x || !bias || !y || call.pass != ConvolutionPass::forward || !call.y.is_virtual ||
      how->value(CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_MUL) != CUDNN_POINTWISE_ADD ||
      tensor_of(*x).id != call.y.id || tensor_of(*y).extents != call.y.extents) {
    return false;
  }
  call.y = tensor_of(*y);
  call.bias = tensor_of(*bias);
  return call.failed_condition().empty() && !call.y.is_virtual;
}

}  // namespace emulation
