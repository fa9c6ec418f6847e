#include "kernels/dsp/mel.cuh"

namespace serenade::cuda {
namespace {

/// One thread a band of a frame, neighbours side by side in the frame: a band's bins are read by
/// the bands beside it too, from cache. 8 bytes of power and weights and 2 flops a weight.
__global__ __launch_bounds__(most_threads) void mel_kernel(const float* power, Index bins,
                                                           MelFilters filters, Index size,
                                                           float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Index frame = i / filters.n_mels;
  const int mel = static_cast<int>(i - frame * filters.n_mels);
  out[i] = filters.band(power + frame * bins, mel);
}

}  // namespace

MelFilters::MelFilters(Session& session, const MelBank& bank)
    : n_mels(static_cast<int>(bank.n_mels())) {
  first_bin = session.table<Index>(bank.owner(), 0, [&] {
    std::vector<Index> all;
    for (Index mel = 0; mel < n_mels; ++mel) all.push_back(bank.filter(mel).first_bin);
    return all;
  });
  offset = session.table<Index>(bank.owner(), 1, [&] {
    std::vector<Index> all{0};
    for (Index mel = 0; mel < n_mels; ++mel) {
      all.push_back(all.back() + static_cast<Index>(bank.filter(mel).weights.size()));
    }
    return all;
  });
  weights = session.table<float>(bank.owner(), 2, [&] {
    std::vector<float> all;
    for (Index mel = 0; mel < n_mels; ++mel) {
      const auto filter = bank.filter(mel).weights;
      all.insert(all.end(), filter.begin(), filter.end());
    }
    return all;
  });
}

void mel_power(Context& context, Tensor<const float> power, const MelBank& bank,
               Tensor<float> out) {
  Session& session = context.session();
  launch<mel_kernel>(session, one_thread_each(session, out.size()), power.data(), bank.bins(),
                     MelFilters(session, bank), out.size(), out.data());
}

}  // namespace serenade::cuda
