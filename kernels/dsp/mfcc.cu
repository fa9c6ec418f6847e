#include "kernels/device/launch.cuh"
#include "kernels/dsp/mfcc.h"

namespace serenade::cuda {
namespace {

/// One thread a coefficient of a frame, neighbours side by side: the transposed basis is read in
/// order and a frame's inputs by all its threads at once. 2 flops and, from cache, 8 bytes an
/// input.
__global__ __launch_bounds__(most_threads) void dct_kernel(const float* in, int inputs,
                                                           const float* basis, int coefficients,
                                                           Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index frame = i / coefficients;
  const int k = static_cast<int>(i - frame * coefficients);
  const float* x = in + frame * inputs;
  float sum = 0;
  for (int n = 0; n < inputs; ++n) sum = fmaf(basis[n * coefficients + k], x[n], sum);
  out[i] = sum;
}

}  // namespace

void dct(Context& context, Tensor<const float> log_mel, const DctBasis& basis, Tensor<float> out) {
  Session& session = context.session();
  const Index inputs = basis.inputs();
  const Index coefficients = basis.coefficients();
  const float* transposed = session.table<float>(basis.owner(), 0, [&] {
    std::vector<float> all(static_cast<std::size_t>(inputs * coefficients));
    for (Index k = 0; k < coefficients; ++k) {
      for (Index n = 0; n < inputs; ++n) {
        all[static_cast<std::size_t>(n * coefficients + k)] = basis.data()[k * inputs + n];
      }
    }
    return all;
  });
  launch<dct_kernel>(session, one_thread_each(session, out.size()), log_mel.data(),
                     static_cast<int>(inputs), transposed, static_cast<int>(coefficients),
                     out.size(), out.data());
}

}  // namespace serenade::cuda
