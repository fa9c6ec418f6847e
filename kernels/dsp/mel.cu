#include "kernels/device/launch.cuh"
#include "kernels/dsp/mel.h"

namespace serenade::cuda {
namespace {

/// One thread a band of a frame, neighbours side by side in the frame: a band's bins are read by
/// the bands beside it too, from cache. 8 bytes of power and weights and 2 flops a weight.
__global__ __launch_bounds__(most_threads) void mel_kernel(const float* power, Index bins,
                                                           const Index* first_bin,
                                                           const Index* offset,
                                                           const float* weights, int n_mels,
                                                           Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index frame = i / n_mels;
  const int mel = static_cast<int>(i - frame * n_mels);
  const float* from = power + frame * bins + first_bin[mel];
  float sum = 0;
  const Index begin = offset[mel];
  const Index count = offset[mel + 1] - begin;
  for (Index k = 0; k < count; ++k) sum = fmaf(weights[begin + k], from[k], sum);
  out[i] = sum;
}

}  // namespace

void mel_power(Context& context, Tensor<const float> power, const MelBank& bank,
               Tensor<float> out) {
  Session& session = context.session();
  const Index n_mels = bank.n_mels();
  const Index* first_bin = session.table<Index>(bank.owner(), 0, [&] {
    std::vector<Index> all;
    for (Index mel = 0; mel < n_mels; ++mel) all.push_back(bank.filter(mel).first_bin);
    return all;
  });
  const Index* offset = session.table<Index>(bank.owner(), 1, [&] {
    std::vector<Index> all{0};
    for (Index mel = 0; mel < n_mels; ++mel) {
      all.push_back(all.back() + static_cast<Index>(bank.filter(mel).weights.size()));
    }
    return all;
  });
  const float* weights = session.table<float>(bank.owner(), 2, [&] {
    std::vector<float> all;
    for (Index mel = 0; mel < n_mels; ++mel) {
      const auto filter = bank.filter(mel).weights;
      all.insert(all.end(), filter.begin(), filter.end());
    }
    return all;
  });
  launch<mel_kernel>(session, one_thread_each(session, out.size()), power.data(), bank.bins(),
                     first_bin, offset, weights, static_cast<int>(n_mels), out.size(), out.data());
}

}  // namespace serenade::cuda
