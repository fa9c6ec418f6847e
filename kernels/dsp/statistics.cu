#include <cfloat>

#include "kernels/device/warp.cuh"
#include "kernels/dsp/statistics.h"

// float64 on purpose, as the CPU twin: sums in float64, rounded once.
namespace serenade::cuda {
namespace {

/// A block has one clip and so many neighbouring columns, a warp's lanes side by side; its warps
/// take turns at the frames.
constexpr int columns = warp_size;
constexpr int most_warps = most_threads / warp_size;

struct Place {
  int clip;
  int warp, warps;
  Index column;
  bool exists;       // lanes beyond the last column only keep the others company
  Index begin, end;  // frames
};

__device__ inline Place place(const Index* frames, Index dims) {
  const auto groups = static_cast<int>((dims + columns - 1) / columns);
  const int clip = static_cast<int>(blockIdx.x) / groups;
  const int group = static_cast<int>(blockIdx.x) % groups;
  const int lane = lane_index();
  const Index column = static_cast<Index>(group) * columns + lane;
  return {clip,
          static_cast<int>(threadIdx.x) / warp_size,
          static_cast<int>(blockDim.x) / warp_size,
          column,
          column < dims,
          frames[clip],
          frames[clip + 1]};
}

/// All warps' values of a column, folded in the order of warps; the same for every warp.
template <class T, class Fold>
__device__ T fold_warps(const Place& at, T (&shared)[most_warps * columns], T value,
                        const Fold& fold) {
  const int lane = lane_index();
  __syncthreads();  // the last use of `shared` is over
  shared[at.warp * columns + lane] = value;
  __syncthreads();
  T all = shared[lane];
  for (int warp = 1; warp < at.warps; ++warp) all = fold(all, shared[warp * columns + lane]);
  return all;
}

/// mean and std (wanted where not null) [clips, stride]: the clip's frames are read once or twice,
/// 4 bytes and up to 4 flops a number. The number of warps is fixed: the order of the sums follows.
__global__ __launch_bounds__(most_threads) void moments_kernel(const float* in, const Index* frames,
                                                               Index dims, Index stride,
                                                               float* mean, float* deviation) {
  SERENADE_SHARED(double, sums, most_warps* columns);
  const Place at = place(frames, dims);
  const auto add = [](double a, double b) { return a + b; };
  const auto count = static_cast<double>(at.end - at.begin);
  double sum = 0;
  if (at.exists) {
    for (Index t = at.begin + at.warp; t < at.end; t += at.warps) {
      sum += static_cast<double>(in[t * dims + at.column]);
    }
  }
  const double centre = fold_warps(at, sums, sum, add) / count;
  const bool writes = at.exists && at.warp == 0;
  if (mean != nullptr && writes) mean[at.clip * stride + at.column] = static_cast<float>(centre);
  if (deviation == nullptr) return;
  double squares = 0;
  if (at.exists) {
    for (Index t = at.begin + at.warp; t < at.end; t += at.warps) {
      const double difference = static_cast<double>(in[t * dims + at.column]) - centre;
      squares = fma(difference, difference, squares);
    }
  }
  const double variance = fold_warps(at, sums, squares, add) / count;
  if (writes) deviation[at.clip * stride + at.column] = static_cast<float>(sqrt(variance));
}

/// min and max likewise.
__global__ __launch_bounds__(most_threads) void extremes_kernel(const float* in,
                                                                const Index* frames, Index dims,
                                                                Index stride, float* minimum,
                                                                float* maximum) {
  SERENADE_SHARED(float, values, most_warps* columns);
  const Place at = place(frames, dims);
  float low = FLT_MAX;
  float high = -FLT_MAX;
  if (at.exists) {
    for (Index t = at.begin + at.warp; t < at.end; t += at.warps) {
      const float x = in[t * dims + at.column];
      low = fminf(low, x);
      high = fmaxf(high, x);
    }
  }
  low = fold_warps(at, values, low, [](float a, float b) { return fminf(a, b); });
  high = fold_warps(at, values, high, [](float a, float b) { return fmaxf(a, b); });
  if (!at.exists || at.warp != 0) return;
  if (minimum != nullptr) minimum[at.clip * stride + at.column] = low;
  if (maximum != nullptr) maximum[at.clip * stride + at.column] = high;
}

/// A percentile, interpolated between its neighbours in the sorted column. The lower one is the
/// largest key that no more than its place's number of keys lie below, found bit by bit, the
/// highest first; the upper one is the same again or the smallest key above. Exact, and nothing is
/// moved: 33 readings of the column, from cache. (Unrolling, and dividing here, would spill
/// registers.)
__global__ __launch_bounds__(most_threads) void percentile_kernel(const float* in,
                                                                  const Index* frames, Index dims,
                                                                  Index stride, double fraction,
                                                                  float* out) {
  SERENADE_SHARED(unsigned, shared, most_warps* columns);
  const Place at = place(frames, dims);
  // As percentile_of, which the host's compiler has.
  const double position = fraction * static_cast<double>(at.end - at.begin - 1);
  const auto rank = static_cast<unsigned>(position);
  const auto add = [](unsigned a, unsigned b) { return a + b; };
  unsigned low = 0;
#pragma unroll 1
  for (int bit = 31; bit >= 0; --bit) {
    const unsigned candidate = low | 1U << bit;
    unsigned below = 0;
    if (at.exists) {
#pragma unroll 1
      for (Index t = at.begin + at.warp; t < at.end; t += at.warps) {
        below += ordered(in[t * dims + at.column]) < candidate ? 1U : 0U;
      }
    }
    if (fold_warps(at, shared, below, add) <= rank) low = candidate;
  }
  unsigned upto = 0;
  unsigned next = 0xFFFFFFFFU;
  if (at.exists) {
#pragma unroll 1
    for (Index t = at.begin + at.warp; t < at.end; t += at.warps) {
      const unsigned key = ordered(in[t * dims + at.column]);
      if (key <= low) {
        ++upto;
      } else if (key < next) {
        next = key;
      }
    }
  }
  upto = fold_warps(at, shared, upto, add);
  next = fold_warps(at, shared, next, [](unsigned a, unsigned b) { return a < b ? a : b; });
  if (!at.exists || at.warp != 0) return;
  const auto count = static_cast<unsigned>(at.end - at.begin);
  const bool same = rank + 1 >= count || upto > rank + 1;
  const auto lower = static_cast<double>(unordered(low));
  const auto upper = same ? lower : static_cast<double>(unordered(next));
  out[at.clip * stride + at.column] =
      static_cast<float>(fma(position - static_cast<double>(rank), upper - lower, lower));
}

}  // namespace

void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out) {
  Session& session = context.session();
  const Index dims = features.extent(1);
  const Index stride = out.extent(1);
  const Index* offsets = session.offsets(frames);
  const Extent1d extent{frames.clips() * ((dims + columns - 1) / columns),
                        session.block_size(most_threads)};
  using Kind = Statistic::Kind;
  float* wanted[4] = {};  // mean, std, min, max
  float* to = out.data();
  for (const std::string& name : options.statistics) {
    const Statistic statistic = statistic_of(name);
    if (statistic.kind == Kind::percentile) {
      launch<percentile_kernel>(session, extent, features.data(), offsets, dims, stride,
                                statistic.percentage / 100.0, to);
    } else {
      wanted[static_cast<int>(statistic.kind)] = to;
    }
    to += dims;
  }
  const auto of = [&](Kind kind) { return wanted[static_cast<int>(kind)]; };
  if (of(Kind::mean) != nullptr || of(Kind::deviation) != nullptr) {
    launch<moments_kernel>(session, extent, features.data(), offsets, dims, stride, of(Kind::mean),
                           of(Kind::deviation));
  }
  if (of(Kind::minimum) != nullptr || of(Kind::maximum) != nullptr) {
    launch<extremes_kernel>(session, extent, features.data(), offsets, dims, stride,
                            of(Kind::minimum), of(Kind::maximum));
  }
}

}  // namespace serenade::cuda
