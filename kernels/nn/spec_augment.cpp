#include "kernels/nn/spec_augment.h"

#include <algorithm>

#include "kernels/device/checks.h"

namespace serenade {

void spec_augment(Context& context, const SpecAugmentOptions& options, const AugmentationKey& key,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x) {
  constexpr std::string_view operation = "spec_augment";
  check_ranges(options);
  expect_rank(operation, "x", x.shape(), 3, "[rows, frames, dims]");
  expect_shape(operation, "utterances", utterances.shape(), Shape{x.extent(0)});
  expect_shape(operation, "the step's index", key.step.index.shape(), Shape{1});
  expect_on_device(operation, context, key.step.steps, key.step.index, utterances, x);
  if (x.size() == 0) return;
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::spec_augment(context, options, key, utterances, x);
    }
  }
  cpu::spec_augment(context, options, key, utterances, x);
}

namespace cpu {

void spec_augment(Context& context, const SpecAugmentOptions& options, const AugmentationKey& key,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x) {
  const Index frames = x.extent(1), dims = x.extent(2);
  const Philox philox(key.seed);
  const std::uint32_t step = key.step.scalars().step;
  context.parallel(x.extent(0), [&](Index row) {
    float* clip = x.data() + row * frames * dims;
    const std::uint32_t utterance = utterances.data()[row];
    for (int m = 0; m < options.time_masks; ++m) {
      const Mask mask =
          drawn_mask(philox, MaskAxis::time, m, utterance, step, options.time_width, frames);
      std::fill(clip + mask.begin * dims, clip + mask.end * dims, 0.0F);
    }
    for (int m = 0; m < options.feature_masks; ++m) {
      const Mask mask =
          drawn_mask(philox, MaskAxis::features, m, utterance, step, options.feature_width, dims);
      for (Index frame = 0; frame < frames; ++frame) {
        std::fill(clip + frame * dims + mask.begin, clip + frame * dims + mask.end, 0.0F);
      }
    }
  });
}

}  // namespace cpu
}  // namespace serenade
