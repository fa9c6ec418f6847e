#include "kernels/dsp/tonnetz.h"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/tonnetz.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

constexpr Index centroids = 6;

}  // namespace

std::vector<float> tonnetz_projection(Index n_chroma) {
  constexpr std::array<double, centroids> turns{7.0 / 6, 7.0 / 6, 3.0 / 2,
                                                3.0 / 2, 2.0 / 3, 2.0 / 3};
  constexpr std::array<double, centroids> radius{1, 1, 1, 1, 0.5, 0.5};
  std::vector<float> table;
  for (std::size_t row = 0; row < turns.size(); ++row) {
    for (Index c = 0; c < n_chroma; ++c) {
      const double pitch = 12.0 * static_cast<double>(c) / static_cast<double>(n_chroma);
      const double quarter = row % 2 == 0 ? 0.5 : 0;
      table.push_back(static_cast<float>(
          radius.at(row) * std::cos(std::numbers::pi * (turns.at(row) * pitch - quarter))));
    }
  }
  return table;
}

void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  if (chroma.rank() != 2 || chroma.extent(1) < 1) {
    throw ShapeError("tonnetz: chroma is " + to_string(chroma.shape()) +
                     " but must be [frames, n_chroma]");
  }
  expect_shape("tonnetz", "out", out.shape(), Shape{chroma.extent(0), centroids});
  expect_on_device("tonnetz", context, chroma, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::tonnetz(context, chroma, out);
  }
  cpu::tonnetz(context, chroma, out);
}

namespace cpu {
void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  const Index n_chroma = chroma.extent(1);
  const std::vector<float> table = tonnetz_projection(n_chroma);
  for_each_tile(context, chroma, out, [&](const float* in, float* centroid) {
    ON_VECTOR_PATH(tonnetz_tile)(table.data(), centroids, n_chroma, in, centroid);
  });
}

}  // namespace cpu
}  // namespace serenade
