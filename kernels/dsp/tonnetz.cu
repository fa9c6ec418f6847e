#include <cfloat>

#include "kernels/device/launch.cuh"
#include "kernels/dsp/tonnetz.h"

namespace serenade::cuda {
namespace {

constexpr int centroids = 6;

/// One thread a centroid of a frame: 2 n_chroma numbers read, from cache, 4 bytes written.
__global__ __launch_bounds__(most_threads) void tonnetz_kernel(const float* chroma, int n_chroma,
                                                               const float* projection, Index size,
                                                               float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index frame = i / centroids;
  const int row = static_cast<int>(i - frame * centroids);
  const float* x = chroma + frame * n_chroma;
  float sum = 0;
  for (int c = 0; c < n_chroma; ++c) sum += fabsf(x[c]);
  const float divisor = sum < FLT_MIN ? 1.0F : sum;
  float total = 0;
  for (int c = 0; c < n_chroma; ++c) {
    total = fmaf(projection[row * n_chroma + c], x[c] / divisor, total);
  }
  out[i] = total;
}

}  // namespace

void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  Session& session = context.session();
  const Index n_chroma = chroma.extent(1);
  const float* projection = session.table<float>("tonnetz " + std::to_string(n_chroma),
                                                 [&] { return tonnetz_projection(n_chroma); });
  launch<tonnetz_kernel>(session, one_thread_each(session, out.size()), chroma.data(),
                         static_cast<int>(n_chroma), projection, out.size(), out.data());
}

}  // namespace serenade::cuda
