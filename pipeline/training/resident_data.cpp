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
Array<T> placed(Context& context, const std::vector<T>& values) {
  const Shape shape{static_cast<Index>(values.size())};
  Array<T> array(shape, context.device());
  copy(context, Tensor<const T>(values.data(), shape), array.view());
  return array;
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

std::size_t ResidentData::bytes(const DataSet& data) {
  const auto frames = static_cast<std::size_t>(frames_of(data));
  const std::size_t each = sizeof(Index) + sizeof(std::int32_t) + sizeof(std::uint32_t);
  return frames * static_cast<std::size_t>(data.dims()) * sizeof(float) + data.size() * each;
}

ClipTable ResidentData::table() const {
  return {features_.view(), offsets_.view(), labels_.view(), numbers_.view()};
}

}  // namespace serenade
