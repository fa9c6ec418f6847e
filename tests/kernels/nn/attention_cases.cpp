#include <memory>

#include "kernels/nn/attention_pool.h"
#include "tests/kernels/nn/case_support.h"

namespace serenade::test {

OperationCase attention_pool_case(Index batch, Index time, Index channels, Index heads,
                                  bool deviations) {
  constexpr double epsilon = 0.01;
  OperationCase c;
  c.name = named("attention_pool", {batch, time, channels, heads}) +
           (deviations ? "_with_deviations" : "");
  c.inputs = {Shape{batch, time, channels}, Shape{batch, time, heads}};
  c.output = Shape{batch, deviations ? 2 * channels : channels};
  c.terms = std::max(time, channels / heads);
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::attention_pool(in[0], extents(batch, time, channels), in[1], small(heads),
                                     deviations, epsilon);
  };
  const auto shares = std::make_shared<Aside<float>>(c.inputs[1]);
  c.finish = [=] { shares->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    attention_pool(context, static_cast<float>(epsilon), in[0], in[1], shares->on(context), y);
  };
  c.backward = [=](Context& context, const Inputs& in, Tensor<const float> y,
                   Tensor<const float> dy, const std::vector<Tensor<float>>& gradients) {
    attention_pool_backward(context, static_cast<float>(epsilon), in[0], shares->on(context), y, dy,
                            gradients[0], gradients[1]);
  };
  return c;
}

}  // namespace serenade::test
