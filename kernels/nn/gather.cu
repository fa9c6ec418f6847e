#include "kernels/device/columns.cuh"
#include "kernels/nn/gather.h"

// float64 on purpose, as the CPU twin: standardised numbers are rounded once, to the same bits.
namespace serenade::cuda {
namespace {

/// One thread a number of x, neighbours side by side in the dimensions: 8 bytes and a division in
/// float64 a number; clip, extents and, where clips have scalers of their own, which of them, come
/// from cache.
__global__ __launch_bounds__(most_threads) void gather_features_kernel(
    const float* features, const Index* offsets, const std::uint32_t* clips, Index batch_size,
    const std::uint32_t* starts, const std::uint32_t* index, const std::uint32_t* scaler_of,
    const double* mean, const double* scale, Index frames, Index dims, Index size, float* x) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, dims);
  const Place step = place_of(at.row, frames);
  const Index place = static_cast<Index>(*index) * batch_size + step.row;
  const Index clip = clips[place];
  const Index first = offsets[clip];
  const Index given = offsets[clip + 1] - first;
  const Index start = starts != nullptr ? Index{starts[place]} : max(given - frames, Index{0}) / 2;
  const Index frame = start + step.column;
  if (frame >= given) {
    x[i] = 0;
    return;
  }
  const Index scaler = scaler_of != nullptr ? Index{scaler_of[clip]} : Index{0};
  const Index by = scaler * dims + at.column;
  const auto value = static_cast<double>(features[(first + frame) * dims + at.column]);
  x[i] = static_cast<float>((value - mean[by]) / scale[by]);
}

/// As gather_features_kernel, with extents that are there.
__global__ __launch_bounds__(most_threads) void gather_windows_kernel(
    const float* features, const Index* first, const Index* given, const std::uint32_t* scaler,
    const double* mean, const double* scale, Index frames, Index dims, Index size, float* x) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, dims);
  const Place step = place_of(at.row, frames);
  if (step.column >= given[step.row]) {
    x[i] = 0;
    return;
  }
  const auto value =
      static_cast<double>(features[(first[step.row] + step.column) * dims + at.column]);
  const Index by = (scaler != nullptr ? Index{scaler[step.row]} : Index{0}) * dims + at.column;
  x[i] = static_cast<float>((value - mean[by]) / scale[by]);
}

/// One thread a target: a few bytes each.
__global__ __launch_bounds__(most_threads) void gather_targets_kernel(
    const std::int32_t* labels, const std::uint32_t* numbers, const Index* offsets, Index frames,
    const std::uint32_t* clips, Index batch_size, const std::uint32_t* index,
    const float* class_weights, float on, float off, Index classes, Index size, float* targets,
    std::uint32_t* utterances, float* weights, std::int32_t* lengths) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, classes);
  const Index clip = clips[static_cast<Index>(*index) * batch_size + at.row];
  const std::int32_t label = labels[clip];
  targets[i] = at.column == label ? on : off;
  if (at.column != 0) return;
  utterances[at.row] = numbers[clip];
  if (lengths != nullptr) {
    lengths[at.row] = static_cast<std::int32_t>(min(offsets[clip + 1] - offsets[clip], frames));
  }
  if (class_weights != nullptr) weights[at.row] = class_weights[label];
}

}  // namespace

void gather_windows(Context& context, Tensor<const float> features, const WindowTable& windows,
                    Index begin, Tensor<float> x) {
  Session& session = context.session();
  launch<gather_windows_kernel>(
      session, one_thread_each(session, x.size()), features.data(), windows.first.data() + begin,
      windows.given.data() + begin,
      windows.scaler.data() != nullptr ? windows.scaler.data() + begin : nullptr,
      windows.mean.data(), windows.scale.data(), x.extent(1), x.extent(2), x.size(), x.data());
}

void gather_batch(Context& context, const ClipTable& table, const EpochOrder& order,
                  Tensor<const std::uint32_t> index, const BatchTensors& batch) {
  Session& session = context.session();
  launch<gather_features_kernel>(
      session, one_thread_each(session, batch.x.size()), table.features.data(),
      table.offsets.data(), order.clips.data(), order.batch_size, order.starts.data(), index.data(),
      order.scaler_of.data(), order.mean.data(), order.scale.data(), batch.x.extent(1),
      batch.x.extent(2), batch.x.size(), batch.x.data());
  launch<gather_targets_kernel>(
      session, one_thread_each(session, batch.targets.size()), table.labels.data(),
      table.numbers.data(), table.offsets.data(), batch.x.extent(1), order.clips.data(),
      order.batch_size, index.data(), order.class_weights.data(), order.on, order.off,
      batch.targets.extent(1), batch.targets.size(), batch.targets.data(), batch.utterances.data(),
      batch.weights.data(), batch.lengths.data());
}

}  // namespace serenade::cuda
