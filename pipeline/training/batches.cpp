#include "pipeline/training/batches.h"

#include <algorithm>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/nn/loss.h"

namespace serenade {
namespace {

template <class T>
void place(Context& context, const std::vector<T>& values, Array<T>& array) {
  if (array.device() != context.device()) array = Array<T>(Shape{0}, context.device());
  const Shape shape{static_cast<Index>(values.size())};
  array.resize(shape);
  copy(context, Tensor<const T>(values.data(), shape), array.view());
}

}  // namespace

Batches::Batches(Context& context, const DataSet& data, const NetworkInput& input,
                 const TrainingOptions& options, std::vector<float> class_weights,
                 const ResidentData* resident, bool masked)
    : context_(context),
      data_(data),
      input_(input),
      options_(options),
      class_weights_(std::move(class_weights)),
      resident_(resident),
      masked_(masked && input.layout() == InputLayout::frames) {
  for (auto* array : {&x_, &targets_, &weights_}) *array = Array<float>(Shape{0}, context.device());
  utterances_ = Array<std::uint32_t>(Shape{0}, context.device());
  lengths_ = Array<std::int32_t>(Shape{0}, context.device());
  if (resident_ == nullptr) return;
  place(context, input.scaler().mean, mean_);
  place(context, input.scaler().scale, scale_);
  if (!class_weights_.empty()) place(context, class_weights_, placed_class_weights_);
}

void Batches::begin_epoch(std::vector<std::size_t> order) {
  order_ = std::move(order);
  if (resident_ == nullptr) return;
  std::vector<std::uint32_t> clips;
  clips.reserve(order_.size());
  for (const std::size_t row : order_) clips.push_back(static_cast<std::uint32_t>(row));
  place(context_, clips, placed_order_);
}

Index Batches::size() const {
  return (static_cast<Index>(order_.size()) + options_.batch_size - 1) / options_.batch_size;
}

std::span<const std::size_t> Batches::rows(Index i) const {
  const auto size = static_cast<std::size_t>(options_.batch_size);
  const std::size_t begin = static_cast<std::size_t>(i) * size;
  return std::span(order_).subspan(begin, std::min(size, order_.size() - begin));
}

std::vector<float> Batches::weights(Index i) const {
  std::vector<float> all;
  if (class_weights_.empty()) return all;
  for (const std::size_t row : rows(i)) {
    all.push_back(class_weights_[static_cast<std::size_t>(data_.label(row))]);
  }
  return all;
}

BatchTensors Batches::fill_on_host(std::span<const std::size_t> rows) {
  gather(context_, data_, input_, rows, host_);
  smooth_labels(options_.label_smoothing, host_.targets.view());
  BatchTensors batch{host_.x.view(), host_.targets.view(), host_.utterances.view(), {}, {}};
  if (masked_) batch.lengths = host_.lengths.view();
  if (class_weights_.empty()) return batch;
  host_weights_.resize({static_cast<Index>(rows.size())});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    host_weights_[static_cast<Index>(i)] =
        class_weights_[static_cast<std::size_t>(data_.label(rows[i]))];
  }
  batch.weights = host_weights_.view();
  return batch;
}

BatchTensors Batches::copy_over(const BatchTensors& host) {
  const auto over = [&]<class T>(Tensor<T> from, Array<T>& to) {
    to.resize(from.shape());
    copy(context_, Tensor<const T>(from), to.view());
    return to.view();
  };
  BatchTensors batch{
      over(host.x, x_), over(host.targets, targets_), over(host.utterances, utterances_), {}, {}};
  if (masked_) batch.lengths = over(host.lengths, lengths_);
  if (!class_weights_.empty()) batch.weights = over(host.weights, weights_);
  return batch;
}

BatchTensors Batches::fill(Index i, const CurrentStep& now) {
  const std::span<const std::size_t> members = rows(i);
  if (resident_ == nullptr) {
    const BatchTensors host = fill_on_host(members);
    return context_.device() == Device::cpu ? host : copy_over(host);
  }
  const auto count = static_cast<Index>(members.size());
  x_.resize({count, input_.frames(), input_.dims()});
  targets_.resize({count, data_.classes()});
  utterances_.resize({count});
  BatchTensors batch{x_.view(), targets_.view(), utterances_.view(), {}, {}};
  if (masked_) {
    lengths_.resize({count});
    batch.lengths = lengths_.view();
  }
  if (!class_weights_.empty()) {
    weights_.resize({count});
    batch.weights = weights_.view();
  }
  const EpochOrder order{
      placed_order_.view(),
      options_.batch_size,
      mean_.view(),
      scale_.view(),
      class_weights_.empty() ? Tensor<const float>{} : placed_class_weights_.view(),
      smoothed(options_.label_smoothing, data_.classes(), 1),
      smoothed(options_.label_smoothing, data_.classes(), 0)};
  gather_batch(context_, resident_->table(), order, now.index, batch);
  batch.x = batch.x.reshape({count, input_.shape()[0], input_.shape()[1]});
  return batch;
}

}  // namespace serenade
