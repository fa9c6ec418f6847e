#include "tests/kernels/nn/on_device.h"

#include <limits>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"

namespace serenade::test {
namespace {

Array<float> on_device(Context& context, const Shape& shape, const Numbers& numbers) {
  Array<float> array(shape, context.device());
  copy(context, Tensor<const float>(numbers.data(), shape), array.view());
  return array;
}

Array<float> unwritten(Context& context, const Shape& shape) {
  return on_device(
      context, shape,
      Numbers(static_cast<std::size_t>(shape.size()), std::numeric_limits<float>::quiet_NaN()));
}

Numbers on_host(Context& context, const Array<float>& array) {
  Numbers numbers(static_cast<std::size_t>(array.size()));
  copy(context, array.view(), Tensor<float>(numbers.data(), array.shape()));
  return numbers;
}

}  // namespace

Numbers numbers_of_stream(Index size, std::uint32_t stream) {
  Numbers numbers;
  for (Index i = 0; i < size; ++i) {
    const Philox::Counter counter{static_cast<std::uint32_t>(i), stream, 1,
                                  purpose_of(Purpose::test)};
    numbers.push_back(2 * uniform(Philox(1)(counter)[0]) - 1);
  }
  return numbers;
}

Computed compute(Context& context, const OperationCase& operation) {
  std::vector<Array<float>> inputs, gradients;
  Inputs views;
  std::vector<Tensor<float>> gradient_views;
  for (const Shape& shape : operation.inputs) {
    const auto stream = static_cast<std::uint32_t>(inputs.size());
    inputs.push_back(on_device(context, shape, numbers_of_stream(shape.size(), stream)));
    gradients.push_back(unwritten(context, shape));
  }
  for (const Array<float>& input : inputs) views.push_back(input.view());
  for (Array<float>& gradient : gradients) gradient_views.push_back(gradient.view());
  Array<float> y = unwritten(context, operation.output);
  const Array<float> dy =
      on_device(context, operation.output, numbers_of_stream(operation.output.size(), 99));
  operation.forward(context, views, y.view());
  Computed computed;
  if (operation.backward) {
    operation.backward(context, views, y.view(), dy.view(), gradient_views);
    for (const Array<float>& gradient : gradients) {
      computed.gradients.push_back(on_host(context, gradient));
    }
  }
  computed.output = on_host(context, y);
  return computed;
}

}  // namespace serenade::test
