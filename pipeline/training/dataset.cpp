#include "pipeline/training/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <tuple>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "kernels/nn/loss.h"
#include "pipeline/support/content_hash.h"

namespace serenade {
namespace {

void expect_finite(const std::string& id, Tensor<const float> features) {
  const auto values = features.span();
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  const Index at = bad - values.begin();
  throw DataError(fmt::format("{}: its features hold {} in frame {}, dimension {}", id, *bad,
                              at / features.extent(1), at % features.extent(1)));
}

}  // namespace

DataSet::DataSet(const Corpus& corpus, const FeatureSource& features, std::size_t max_copied_bytes)
    : labels_(corpus.labels) {
  Index numbers = 0;
  rows_.reserve(corpus.utterances.size());
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    const Utterance& utterance = corpus.utterances[i];
    const Tensor<const float> x = features(i);
    if (x.rank() != 2 || x.extent(1) == 0 || (i > 0 && x.extent(1) != dims_)) {
      throw ShapeError(fmt::format("{}: its features are {} but must be [frames, {}]", utterance.id,
                                   to_string(x.shape()), i > 0 ? std::to_string(dims_) : "dims"));
    }
    if (x.extent(0) == 0) throw DataError(fmt::format("{}: has no frames", utterance.id));
    expect_finite(utterance.id, x);
    dims_ = x.extent(1);
    numbers += x.size();
    rows_.push_back({utterance.id, x, corpus.class_of(utterance),
                     static_cast<std::uint32_t>(hash_text(utterance.id).low)});
  }
  if (static_cast<std::size_t>(numbers) > max_copied_bytes / sizeof(float)) return;
  copies_.resize({numbers});
  float* to = copies_.data();
  for (Row& row : rows_) {
    const Tensor<const float> from = row.features;
    row.features = {to, from.shape()};
    to = std::copy_n(from.data(), from.size(), to);
  }
}

std::vector<std::size_t> shuffled(const DataSet& data, std::span<const std::size_t> rows,
                                  std::uint64_t seed, std::uint32_t epoch) {
  const Philox philox(seed);
  struct Draw {
    std::uint64_t value;
    std::size_t row;
  };
  std::vector<Draw> draws;
  draws.reserve(rows.size());
  for (const std::size_t row : rows) {
    const auto words = philox({0, data.number(row), epoch, purpose_of(Purpose::shuffle)});
    draws.push_back({(std::uint64_t{words[0]} << 32U) | words[1], row});
  }
  // The row breaks the tie of two ids with one number.
  std::sort(draws.begin(), draws.end(), [](const Draw& a, const Draw& b) {
    return std::tie(a.value, a.row) < std::tie(b.value, b.row);
  });
  std::vector<std::size_t> order;
  order.reserve(draws.size());
  for (const Draw& draw : draws) order.push_back(draw.row);
  return order;
}

void gather(Context& context, const DataSet& data, const NetworkInput& input,
            std::span<const std::size_t> rows, Batch& batch) {
  const auto count = static_cast<Index>(rows.size());
  const Shape row = input.shape();
  try {
    batch.x.resize({count, row[0], row[1]});
  } catch (const std::bad_alloc&) {
    throw IoError(
        fmt::format("not enough memory for a batch of {} clips of {} numbers; make "
                    "training.batch_size or model.frames smaller",
                    count, to_string(row)));
  }
  batch.targets.resize({count, data.classes()});
  batch.utterances.resize({count});
  batch.lengths.resize({count});
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    labels.push_back(data.label(rows[i]));
    batch.utterances[static_cast<Index>(i)] = data.number(rows[i]);
    batch.lengths[static_cast<Index>(i)] =
        static_cast<std::int32_t>(std::min(data.features(rows[i]).extent(0), input.frames()));
  }
  one_hot(labels, batch.targets.view());
  const Tensor<float> x = batch.x.view();
  context.parallel(count, [&](Index i) {
    input.write(data.features(rows[static_cast<std::size_t>(i)]), x.row(i));
  });
}

}  // namespace serenade
