#include "kernels/device/launch.cuh"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/resample_tiles.h"

namespace serenade::cuda {
namespace {

/// Outputs of one phase, a period apart, that a thread computes: a weight is read once for all.
/// With four, registers would leave too few threads to a multiprocessor.
constexpr int periods_a_thread = 3;

/// A ResampleBank on the device, short periods repeated as the CPU twin has them.
struct Filter {
  const Index* first;         ///< [phases]
  const int* lead;            ///< [phases]
  const float* weights;       ///< [taps, phases]
  const float* head_weights;  ///< [head_taps, head]
  int period_in;
  int taps, phases;
  int rows;  ///< that the CPU twin adds up for each output, most with the weight 0 beside its taps
  int head_taps, head;
};

/// The largest weights are added last, here and below: little is rounded so.
__device__ float head_output(const Filter& filter, const float* x, Index length, int n) {
  float sum = 0;
  for (Index k = (filter.head_taps < length ? filter.head_taps : length) - 1; k >= 0; --k) {
    sum = fmaf(filter.head_weights[k * filter.head + n], x[k], sum);
  }
  return sum;
}

/// The repeating filter's outputs from sample `start` on, a period apart. Added in the order of the
/// CPU twin, from both ends of its rows to the middle, so that the bits are the same: where the
/// signal has next to nothing, as above what resampling leaves, features are of its rounding.
template <bool inside>
__device__ void add_up(const Filter& filter, const float* x, Index length, Index start, int phase,
                       float* sums) {
  const auto add = [&](int k) {
    if (k < 0 || k >= filter.taps) return;
    const float weight = filter.weights[k * filter.phases + phase];
    const Index first = start + k;
#pragma unroll
    for (int j = 0; j < periods_a_thread; ++j) {
      const Index at = first + j * filter.period_in;
      if (inside || (at >= 0 && at < length)) sums[j] = fmaf(weight, x[at], sums[j]);
    }
  };
  const int lead = filter.lead[phase];
#pragma unroll 2
  for (int row = 0; row < filter.rows / 2; ++row) {
    add(row - lead);
    add(filter.rows - 1 - row - lead);
  }
  if (filter.rows % 2 == 1) add(filter.rows / 2 - lead);
}

/// One thread periods_a_thread outputs of a phase, its neighbour those of the next phase: their
/// weights lie beside each other and their samples overlap but for two or three, so that both come
/// from cache. 2 flops and (4 + 4 / periods_a_thread) bytes of cache a weight; 4 bytes of memory
/// read and in_rate / out_rate as many written an output.
/// threads: offsets of the clips' threads; given: of the outputs that libsoxr gives.
__global__ __launch_bounds__(most_threads) void resample_kernel(
    const float* signal, const Index* samples, const Index* outputs, const Index* given,
    const Index* threads, int clips, Filter filter, Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const int clip = clip_of(threads, clips, i);
  const Index in_clip = i - threads[clip];
  const Index group = in_clip / filter.phases;
  const int phase = static_cast<int>(in_clip - group * filter.phases);
  const float* x = signal + samples[clip];
  const Index length = samples[clip + 1] - samples[clip];

  float sums[periods_a_thread] = {};
  const Index period = group * periods_a_thread;
  const Index start = period * filter.period_in + filter.first[phase];
  const Index last = start + (periods_a_thread - 1) * filter.period_in + filter.taps;
  if (start >= 0 && last <= length) {
    add_up<true>(filter, x, length, start, phase, sums);
  } else {
    add_up<false>(filter, x, length, start, phase, sums);
  }
#pragma unroll
  for (int j = 0; j < periods_a_thread; ++j) {
    const Index n = (period + j) * filter.phases + phase;
    float value = sums[j];
    if (n >= given[clip + 1] - given[clip]) {
      value = 0;  // what librosa appends
    } else if (n < filter.head) {
      value = head_output(filter, x, length, static_cast<int>(n));
    }
    if (n < outputs[clip + 1] - outputs[clip]) out[outputs[clip] + n] = value;
  }
}

}  // namespace

void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out) {
  Session& session = context.session();
  const ResampleTiles& tiles = bank.tiles();
  const Index phases = tiles.period_out;
  const Index* first = session.table<Index>(bank.owner(), 0, [&] {
    std::vector<Index> all;
    for (Index n = 0; n < phases; ++n) {
      const Index tile = n / ResampleTiles::phases;
      all.push_back(tiles.first + tiles.first_row[static_cast<std::size_t>(tile)] + tiles.lead(n));
    }
    return all;
  });
  const int* lead = session.table<int>(
      bank.owner(), 3, [&] { return std::vector<int>(tiles.leads.begin(), tiles.leads.end()); });
  const float* weights = session.table<float>(bank.owner(), 1, [&] {
    std::vector<float> all;
    for (Index k = 0; k < bank.taps(); ++k) {
      for (Index n = 0; n < phases; ++n) {
        all.push_back(bank.weights(n % bank.period_out())[static_cast<std::size_t>(k)]);
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
  Ragged threads;
  const Index of_group = periods_a_thread * phases;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    given.append(soxr_length(samples.length(clip), bank.in_rate(), bank.out_rate()));
    threads.append((outputs.length(clip) + of_group - 1) / of_group * phases);
  }
  const Filter filter{first,
                      lead,
                      weights,
                      head_weights,
                      static_cast<int>(tiles.period_in),
                      static_cast<int>(bank.taps()),
                      static_cast<int>(phases),
                      static_cast<int>(tiles.rows),
                      static_cast<int>(bank.head_taps()),
                      static_cast<int>(bank.head())};
  launch<resample_kernel>(session, one_thread_each(session, threads.total()), signal.data(),
                          session.offsets(samples), session.offsets(outputs),
                          session.offsets(given), session.offsets(threads),
                          static_cast<int>(samples.clips()), filter, threads.total(), out.data());
}

}  // namespace serenade::cuda
