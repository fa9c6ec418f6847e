#pragma once

#include "kernels/nn/dropout.h"

namespace serenade {

struct ChannelDropoutOptions {
  double rate = 0.1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("rate", self.rate, Range{0, 0.999},
          "share of the channels of a sequence set to 0 in training, each from its first step to "
          "its last");
  }
};

/// y = x / (1 - rate) or 0, the same for all steps of a channel: Keras' SpatialDropout1D. Channel c
/// of an item is kept when word c % 4 of Philox(seed)(c / 4, utterance, step,
/// purpose_of(Purpose::dropout, layer)), made uniform in [0, 1), is at least rate. Its own backward
/// pass: apply it to dy with the same key.
/// x, y [batch, time, channels]; y may be x. utterances [batch]. Throws ShapeError where these do
/// not fit.
void channel_dropout(Context&, const ChannelDropoutOptions&, const DropoutKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);

namespace cpu {
void channel_dropout(Context&, const ChannelDropoutOptions&, const DropoutKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);
}  // namespace cpu

namespace cuda {
void channel_dropout(Context&, const ChannelDropoutOptions&, const DropoutKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);
}  // namespace cuda

}  // namespace serenade
