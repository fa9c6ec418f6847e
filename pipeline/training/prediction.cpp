#include "pipeline/training/prediction.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/loss.h"

namespace serenade {
namespace {

// Clips that go through the network together: bounds the memory and changes no bit.
constexpr Index inference_batch = 32;

}  // namespace

Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   std::span<const Tensor<const float>> features) {
  const Shape row = input.shape();
  expect_shape("predict", "the network's input", network.input(), row);
  const auto clips = static_cast<Index>(features.size());
  Prediction result{Array<float>({clips, network.classes()}),
                    Array<float>({clips, network.classes()})};
  Array<float> x;
  for (Index begin = 0; begin < clips; begin += inference_batch) {
    const Index end = std::min(begin + inference_batch, clips);
    x.resize({end - begin, row[0], row[1]});
    context.parallel(end - begin, [&](Index i) {
      input.write(features[static_cast<std::size_t>(begin + i)], x.view().row(i));
    });
    const Tensor<const float> logits = network.infer(context, x.view());
    std::copy_n(logits.data(), logits.size(), result.logits.view().row(begin).data());
  }
  if (clips > 0) softmax(context, result.logits.view(), result.probabilities.view());
  return result;
}

int most_likely(std::span<const float> row) {
  return static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace serenade
