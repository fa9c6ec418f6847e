#include <algorithm>

#include "kernels/device/copy.h"
#include "kernels/nn/channel_gate.h"
#include "kernels/nn/gate.h"
#include "kernels/nn/weighted_sum.h"
#include "tests/kernels/nn/operation_case.h"

// Gates, and sums of tensors with trained weights.
namespace serenade::test {

OperationCase gate_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name =
      "gate_" + std::to_string(batch) + "_" + std::to_string(time) + "_" + std::to_string(channels);
  c.inputs = {Shape{batch, time, channels}, Shape{batch, time, channels}};
  c.output = c.inputs[0];
  c.definition = [](const std::vector<Doubles>& in) { return reference::gate(in[0], in[1]); };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    gate(context, in[0], in[1], y);
  };
  c.backward = [](Context& context, const Inputs& in, Tensor<const float>, Tensor<const float> dy,
                  const std::vector<Tensor<float>>& gradients) {
    gate_backward(context, in[0], in[1], dy, gradients[0], gradients[1]);
  };
  return c;
}

OperationCase channel_gate_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name = "channel_gate_" + std::to_string(batch) + "_" + std::to_string(time) + "_" +
           std::to_string(channels);
  c.inputs = {Shape{batch, time, channels}, Shape{batch, channels}};
  c.output = c.inputs[0];
  c.terms = time;
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::channel_gate(
        in[0], {static_cast<int>(batch), static_cast<int>(time), static_cast<int>(channels)},
        in[1]);
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    channel_gate(context, in[0], in[1], y);
  };
  c.backward = [](Context& context, const Inputs& in, Tensor<const float>, Tensor<const float> dy,
                  const std::vector<Tensor<float>>& gradients) {
    channel_gate_backward(context, in[0], in[1], dy, gradients[0], gradients[1]);
  };
  return c;
}

OperationCase weighted_sum_case(Index groups, Index members, Index size) {
  OperationCase c;
  c.name = "weighted_sum_" + std::to_string(groups) + "_" + std::to_string(members) + "_" +
           std::to_string(size);
  // data first, then parameters; the members of a group have one gradient
  c.inputs = {Shape{groups, members, size}, Shape{groups}};
  c.output = Shape{size};
  c.terms = std::max(groups * members, members * size);
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::weighted_sum(in[0], static_cast<int>(members), in[1]);
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    weighted_sum(context, in[0], in[1], y);
  };
  c.backward = [=](Context& context, const Inputs& in, Tensor<const float>, Tensor<const float> dy,
                   const std::vector<Tensor<float>>& gradients) {
    Array<float> dparts(Shape{groups, size}, context.device());
    weighted_sum_backward(context, in[0], in[1], dy, dparts.view(), gradients[1]);
    for (Index g = 0; g < groups; ++g) {
      for (Index m = 0; m < members; ++m) {
        copy(context, Tensor<const float>(dparts.view().row(g)), gradients[0].row(g).row(m));
      }
    }
  };
  return c;
}

}  // namespace serenade::test
