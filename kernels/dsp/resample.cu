#include "kernels/device/launch.cuh"
#include "kernels/dsp/resample.h"

namespace serenade::cuda {
namespace {

/// One thread an output, neighbours side by side: their weights lie beside each other, and their
/// samples overlap but for two or three, so that both come from cache. 2 flops and 8 bytes of cache
/// a weight; 4 bytes of memory read and in_rate / out_rate as many written an output.
/// weights [taps, phases], head_weights [head_taps, head]; given: offsets of what libsoxr gives.
__global__ __launch_bounds__(most_threads) void resample_kernel(
    const float* signal, const Index* samples, const Index* outputs, const Index* given, int clips,
    const Index* first, const float* weights, int taps, int phases, Index period_in,
    const float* head_weights, int head_taps, int head, Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const int clip = clip_of(outputs, clips, i);
  const Index n = i - outputs[clip];
  const float* x = signal + samples[clip];
  const Index length = samples[clip + 1] - samples[clip];
  float sum = 0;
  if (n >= given[clip + 1] - given[clip]) {
    // What librosa appends.
  } else if (n < head) {
    // The largest weights last, here and below: little is rounded so.
    for (Index k = (head_taps < length ? head_taps : length) - 1; k >= 0; --k) {
      sum = fmaf(head_weights[k * head + n], x[k], sum);
    }
  } else {
    const Index period = n / phases;
    const int phase = static_cast<int>(n - period * phases);
    const Index start = period * period_in + first[phase];
    const auto add = [&](int k) {
      const Index at = start + k;
      if (at >= 0 && at < length) sum = fmaf(weights[k * phases + phase], x[at], sum);
    };
    for (int k = 0; k < taps / 2; ++k) {
      add(k);
      add(taps - 1 - k);
    }
    add(taps / 2);
  }
  out[i] = sum;
}

}  // namespace

void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out) {
  Session& session = context.session();
  const Index phases = bank.period_out();
  const Index* first = session.table<Index>(bank.owner(), 0, [&] {
    std::vector<Index> all;
    for (Index phase = 0; phase < phases; ++phase) all.push_back(bank.first(phase));
    return all;
  });
  const float* weights = session.table<float>(bank.owner(), 1, [&] {
    std::vector<float> all;
    for (Index k = 0; k < bank.taps(); ++k) {
      for (Index phase = 0; phase < phases; ++phase) {
        all.push_back(bank.weights(phase)[static_cast<std::size_t>(k)]);
      }
    }
    return all;
  });
  const float* head_weights = session.table<float>(bank.owner(), 2, [&] {
    const auto all = bank.head_weights();
    return std::vector<float>(all.begin(), all.end());
  });
  const Ragged outputs = resampled(samples, bank.in_rate(), bank.out_rate());
  Ragged given;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    given.append(soxr_length(samples.length(clip), bank.in_rate(), bank.out_rate()));
  }
  launch<resample_kernel>(session, one_thread_each(session, outputs.total()), signal.data(),
                          session.offsets(samples), session.offsets(outputs),
                          session.offsets(given), static_cast<int>(samples.clips()), first, weights,
                          static_cast<int>(bank.taps()), static_cast<int>(phases), bank.period_in(),
                          head_weights, static_cast<int>(bank.head_taps()),
                          static_cast<int>(bank.head()), outputs.total(), out.data());
}

}  // namespace serenade::cuda
