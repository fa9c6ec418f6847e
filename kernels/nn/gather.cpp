#include "kernels/nn/gather.h"

#include <algorithm>

#include "kernels/device/checks.h"

namespace serenade {

void gather_batch(Context& context, const ClipTable& table, const EpochOrder& order,
                  Tensor<const std::uint32_t> index, const BatchTensors& batch) {
  constexpr std::string_view operation = "gather_batch";
  expect_rank(operation, "x", batch.x.shape(), 3, "[rows, frames, dims]");
  expect_rank(operation, "targets", batch.targets.shape(), 2, "[rows, classes]");
  expect_rank(operation, "features", table.features.shape(), 2, "[frames, dims]");
  const Index rows = batch.x.extent(0), dims = batch.x.extent(2);
  const Shape classes{batch.targets.extent(1)};
  expect_shape(operation, "features", table.features.shape(),
               Shape{table.features.extent(0), dims});
  expect_shape(operation, "offsets", table.offsets.shape(), Shape{table.clips() + 1});
  expect_shape(operation, "numbers", table.numbers.shape(), Shape{table.clips()});
  Shape scalers{dims};
  if (order.scaler_of.data() != nullptr) {
    expect_shape(operation, "scaler_of", order.scaler_of.shape(), Shape{table.clips()});
    expect_rank(operation, "mean", order.mean.shape(), 2, "[scalers, dims]");
    scalers = Shape{order.mean.extent(0), dims};
  }
  expect_shape(operation, "mean", order.mean.shape(), scalers);
  expect_shape(operation, "scale", order.scale.shape(), scalers);
  expect_shape(operation, "index", index.shape(), Shape{1});
  expect_shape(operation, "targets", batch.targets.shape(), Shape{rows, classes[0]});
  expect_shape(operation, "utterances", batch.utterances.shape(), Shape{rows});
  if (order.class_weights.data() != nullptr) {
    expect_shape(operation, "class_weights", order.class_weights.shape(), classes);
    expect_shape(operation, "weights", batch.weights.shape(), Shape{rows});
  }
  if (order.starts.data() != nullptr) {
    expect_shape(operation, "starts", order.starts.shape(), order.clips.shape());
    expect_on_device(operation, context, order.starts);
  }
  if (batch.lengths.data() != nullptr) {
    expect_shape(operation, "lengths", batch.lengths.shape(), Shape{rows});
  }
  if (rows > order.batch_size || rows > order.clips.size()) {
    throw ShapeError("gather_batch: " + std::to_string(rows) + " rows of batches of " +
                     std::to_string(order.batch_size) + " out of " +
                     std::to_string(order.clips.size()) + " clips");
  }
  expect_on_device(operation, context, table.features, table.offsets, table.labels, table.numbers,
                   order.clips, order.mean, order.scale, index, batch.x, batch.targets,
                   batch.utterances);
  if (order.scaler_of.data() != nullptr) expect_on_device(operation, context, order.scaler_of);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::gather_batch(context, table, order, index, batch);
    }
  }
  cpu::gather_batch(context, table, order, index, batch);
}

void gather_windows(Context& context, Tensor<const float> features, const WindowTable& windows,
                    Index begin, Tensor<float> x) {
  constexpr std::string_view operation = "gather_windows";
  expect_rank(operation, "x", x.shape(), 3, "[windows, frames, dims]");
  expect_rank(operation, "features", features.shape(), 2, "[frames, dims]");
  expect_rank(operation, "first", windows.first.shape(), 1, "[windows]");
  const Index dims = x.extent(2), all = windows.first.extent(0);
  expect_shape(operation, "features", features.shape(), Shape{features.extent(0), dims});
  expect_shape(operation, "given", windows.given.shape(), Shape{all});
  Shape scalers{dims};
  if (windows.scaler.data() != nullptr) {
    expect_shape(operation, "scaler", windows.scaler.shape(), Shape{all});
    expect_on_device(operation, context, windows.scaler);
    expect_rank(operation, "mean", windows.mean.shape(), 2, "[scalers, dims]");
    scalers = Shape{windows.mean.extent(0), dims};
  }
  expect_shape(operation, "mean", windows.mean.shape(), scalers);
  expect_shape(operation, "scale", windows.scale.shape(), scalers);
  if (begin < 0 || begin + x.extent(0) > all) {
    throw ShapeError("gather_windows: " + std::to_string(x.extent(0)) + " windows from " +
                     std::to_string(begin) + " on out of " + std::to_string(all));
  }
  expect_on_device(operation, context, features, windows.first, windows.given, windows.mean,
                   windows.scale, x);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::gather_windows(context, features, windows, begin, x);
    }
  }
  cpu::gather_windows(context, features, windows, begin, x);
}

namespace cpu {

void gather_windows(Context& context, Tensor<const float> features, const WindowTable& windows,
                    Index begin, Tensor<float> x) {
  const Index frames = x.extent(1), dims = x.extent(2);
  context.parallel(x.extent(0), [&](Index w) {
    const Index used = std::min(windows.given.data()[begin + w], frames);
    const float* from = features.data() + windows.first.data()[begin + w] * dims;
    float* to = x.data() + w * frames * dims;
    const Index scaler = windows.scaler.data() != nullptr ? windows.scaler.data()[begin + w] : 0;
    const double* mean = windows.mean.data() + scaler * dims;
    const double* scale = windows.scale.data() + scaler * dims;
    for (Index t = 0; t < used; ++t) {
      for (Index d = 0; d < dims; ++d) {
        *to++ = static_cast<float>((double{*from++} - mean[d]) / scale[d]);
      }
    }
    std::fill_n(to, (frames - used) * dims, 0.0F);
  });
}

void gather_batch(Context& context, const ClipTable& table, const EpochOrder& order,
                  Tensor<const std::uint32_t> index, const BatchTensors& batch) {
  const Index frames = batch.x.extent(1), dims = batch.x.extent(2);
  const Index classes = batch.targets.extent(1);
  const Index begin = static_cast<Index>(index.data()[0]) * order.batch_size;
  const std::uint32_t* clips = order.clips.data() + begin;
  context.parallel(batch.x.extent(0), [&](Index b) {
    const Index clip = clips[b];
    const Index first = table.offsets.data()[clip];
    const Index given = table.offsets.data()[clip + 1] - first;
    const Index start = order.starts.data() != nullptr ? Index{order.starts.data()[begin + b]}
                                                       : std::max<Index>(given - frames, 0) / 2;
    const Index used = std::min(given - start, frames);
    const float* from = table.features.data() + (first + start) * dims;
    float* to = batch.x.data() + b * frames * dims;
    const Index scaler = order.scaler_of.data() != nullptr ? order.scaler_of.data()[clip] : 0;
    const double* mean = order.mean.data() + scaler * dims;
    const double* scale = order.scale.data() + scaler * dims;
    for (Index t = 0; t < used; ++t) {
      for (Index d = 0; d < dims; ++d) {
        *to++ = static_cast<float>((double{*from++} - mean[d]) / scale[d]);
      }
    }
    std::fill_n(to, (frames - used) * dims, 0.0F);
    const Index label = table.labels.data()[clip];
    for (Index c = 0; c < classes; ++c) {
      batch.targets.data()[b * classes + c] = c == label ? order.on : order.off;
    }
    batch.utterances.data()[b] = table.numbers.data()[clip];
    if (batch.lengths.data() != nullptr) {
      batch.lengths.data()[b] = static_cast<std::int32_t>(used);
    }
    if (order.class_weights.data() != nullptr) {
      batch.weights.data()[b] = order.class_weights.data()[label];
    }
  });
}

}  // namespace cpu
}  // namespace serenade
