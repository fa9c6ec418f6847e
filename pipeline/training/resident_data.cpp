#include "pipeline/training/resident_data.h"

#include <algorithm>
#include <vector>

#include "kernels/device/copy.h"

namespace serenade {
namespace {

Index frames_of(const DataSet& data) {
  Index frames = 0;
  for (std::size_t row = 0; row < data.size(); ++row) frames += data.features(row).extent(0);
  return frames;
}

template <class T>
Array<T> placed(Context& context, const std::vector<T>& values, Shape shape) {
  Array<T> array(shape, context.device());
  copy(context, Tensor<const T>(values.data(), shape), array.view());
  return array;
}
template <class T>
Array<T> placed(Context& context, const std::vector<T>& values) {
  return placed(context, values, {static_cast<Index>(values.size())});
}

}  // namespace

ResidentData::ResidentData(Context& context, const DataSet& data)
    : first_frames_{0}, features_(Shape{frames_of(data), data.dims()}, context.device()) {
  std::vector<std::int32_t> labels;
  std::vector<std::uint32_t> numbers;
  for (std::size_t row = 0; row < data.size(); ++row) {
    first_frames_.push_back(first_frames_.back() + data.features(row).extent(0));
    labels.push_back(data.label(row));
    numbers.push_back(data.number(row));
  }
  offsets_ = placed(context, first_frames_);
  labels_ = placed(context, labels);
  numbers_ = placed(context, numbers);
  place_scalers(context, data);
  // Clips lie here and there (in a cache's mapped files): gathered in blocks, they make few copies.
  constexpr Index block = 1 << 22;
  std::vector<float> some;
  Index first = 0;  // the frame that `some` begins with
  const auto send = [&] {
    const Index frames = static_cast<Index>(some.size()) / data.dims();
    if (frames == 0) return;
    copy(context, Tensor<const float>(some.data(), {frames, data.dims()}),
         features_.view().rows(first, first + frames));
    first += frames;
    some.clear();
  };
  for (std::size_t row = 0; row < data.size(); ++row) {
    const auto values = data.features(row).span();
    some.insert(some.end(), values.begin(), values.end());
    if (static_cast<Index>(some.size()) >= block) send();
  }
  send();
}

void ResidentData::place_scalers(Context& context, const DataSet& data) {
  if (data.scalers().empty()) return;
  std::vector<double> mean, scale;
  for (const StandardScaler& one : data.scalers()) {
    mean.insert(mean.end(), one.mean.begin(), one.mean.end());
    scale.insert(scale.end(), one.scale.begin(), one.scale.end());
  }
  scaler_numbers_.reserve(data.size());
  for (std::size_t row = 0; row < data.size(); ++row) {
    scaler_numbers_.push_back(data.scaler_number(row));
  }
  const Shape shape{static_cast<Index>(data.scalers().size()), data.dims()};
  mean_ = placed(context, mean, shape);
  scale_ = placed(context, scale, shape);
  scaler_of_ = placed(context, scaler_numbers_);
}

std::size_t ResidentData::bytes(const DataSet& data) {
  const auto frames = static_cast<std::size_t>(frames_of(data));
  const std::size_t each = sizeof(Index) + sizeof(std::int32_t) + sizeof(std::uint32_t);
  const auto dims = static_cast<std::size_t>(data.dims());
  const std::size_t scalers = data.scalers().size();
  const std::size_t of_scalers =
      scalers == 0 ? 0 : scalers * dims * 2 * sizeof(double) + data.size() * sizeof(std::uint32_t);
  return frames * dims * sizeof(float) + data.size() * each + of_scalers;
}

ClipTable ResidentData::table() const {
  return {features_.view(), offsets_.view(), labels_.view(), numbers_.view()};
}

}  // namespace serenade
