#pragma once

#include <cstdint>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/step.h"

namespace serenade {

struct DropoutOptions {
  double rate = 0.3;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("rate", self.rate, Range{0, 0.999}, "share of the values set to 0 in training");
  }
};

/// What a mask depends on besides the element and the utterance; see Philox.
struct DropoutKey {
  std::uint64_t seed = 0;
  CurrentStep step;
  std::uint32_t layer = 0;
};

/// y = x / (1 - rate) or 0 (inverted scaling: inference does nothing). Element e of a row is kept
/// when word e % 4 of Philox(seed)(e / 4, utterance, step, purpose_of(Purpose::dropout, layer)),
/// made uniform in [0, 1), is at least rate: an utterance's mask does not depend on its place in
/// the batch. Its own backward pass: apply it to dy with the same key.
/// x, y [batch, ...], the same shape; y may be x. utterances [batch]. Throws ShapeError where these
/// do not fit.
void dropout(Context&, const DropoutOptions&, const DropoutKey&,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y);

namespace cpu {
void dropout(Context&, const DropoutOptions&, const DropoutKey&,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y);
}  // namespace cpu

namespace cuda {
void dropout(Context&, const DropoutOptions&, const DropoutKey&,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y);
}  // namespace cuda

}  // namespace serenade
