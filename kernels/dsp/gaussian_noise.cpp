#include "kernels/dsp/gaussian_noise.h"

#include <algorithm>
#include <array>

#include "kernels/device/philox.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/gaussian_noise.simd.h"
#include "kernels/device/each_path.h"

namespace serenade::cpu {

void gaussian_noise(Context& context, std::uint64_t key, std::uint32_t stream, Tensor<float> out) {
  constexpr Index pairs = 512;  // of a chunk
  const Philox philox(key);
  const Index size = out.size();
  context.parallel((size + 2 * pairs - 1) / (2 * pairs), [&](Index chunk) {
    alignas(64) std::array<float, pairs> first;
    alignas(64) std::array<float, pairs> second;
    const Index begin = chunk * 2 * pairs;
    for (Index pair = 0; pair < pairs; pair += 2) {
      const auto block = static_cast<std::uint32_t>((begin + 2 * pair) / 4);
      const auto words = philox({block, stream, 0, 0});
      for (std::size_t k = 0; k < 2; ++k) {
        const auto at = static_cast<std::size_t>(pair) + k;
        first[at] = uniform(words[2 * k]) + 0x1p-24F;  // log(0) is no radius
        second[at] = uniform(words[2 * k + 1]);
      }
    }
    ON_VECTOR_PATH(box_muller)(first.data(), second.data(), pairs);
    float* to = out.data() + begin;
    for (Index i = 0; i < std::min(2 * pairs, size - begin); ++i) {
      const auto pair = static_cast<std::size_t>(i / 2);
      to[i] = i % 2 == 0 ? first[pair] : second[pair];
    }
  });
}

}  // namespace serenade::cpu
