#include "kernels/nn/initialization.h"

#include <cmath>

#include "kernels/nn/random.h"

namespace serenade {

void glorot_uniform(std::uint64_t seed, std::uint32_t layer, Index fan_in, Index fan_out,
                    Tensor<float> kernel) {
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  for_each_word(Philox(seed), 0, 0, purpose_of(Purpose::initial_weights, layer), 0, kernel.size(),
                [&](Index e, std::uint32_t word) {
                  const double unit = 2.0 * double{uniform(word)} - 1.0;
                  kernel.data()[e] = static_cast<float>(unit * limit);
                });
}

}  // namespace serenade
