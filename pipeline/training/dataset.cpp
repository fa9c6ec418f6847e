#include "pipeline/training/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <tuple>
#include <utility>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "kernels/nn/loss.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/training/scaler.h"

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

DataSet::DataSet(const Corpus& corpus, const FeatureSource& features, std::size_t max_copied_bytes,
                 Normalisation normalisation, const TrainingCopies& copies)
    : labels_(corpus.labels), normalisation_(normalisation) {
  const std::size_t utterances = corpus.utterances.size();
  rows_.reserve(utterances + copies.size());
  for (std::size_t i = 0; i < utterances; ++i) {
    const Utterance& utterance = corpus.utterances[i];
    add({utterance.id, features(i), corpus.class_of(utterance), 0, i});
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const auto [source, recipe] = copies.all()[i];
    add({fmt::format("{}~{}", rows_[source].id, recipe + 1), features(utterances + i),
         rows_[source].label, 0, source});
  }
  Index numbers = 0;
  for (const Row& row : rows_) numbers += row.features.size();
  fit_scalers(corpus, copies);
  if (static_cast<std::size_t>(numbers) > max_copied_bytes / sizeof(float)) return;
  copies_.resize({numbers});
  float* to = copies_.data();
  for (Row& row : rows_) {
    const Tensor<const float> from = row.features;
    row.features = {to, from.shape()};
    to = std::copy_n(from.data(), from.size(), to);
  }
}

void DataSet::add(Row row) {
  const Tensor<const float> x = row.features;
  const bool first = rows_.empty();
  if (x.rank() != 2 || x.extent(1) == 0 || (!first && x.extent(1) != dims_)) {
    throw ShapeError(fmt::format("{}: its features are {} but must be [frames, {}]", row.id,
                                 to_string(x.shape()), first ? "dims" : std::to_string(dims_)));
  }
  if (x.extent(0) == 0) throw DataError(fmt::format("{}: has no frames", row.id));
  expect_finite(row.id, x);
  dims_ = x.extent(1);
  row.number = static_cast<std::uint32_t>(hash_text(row.id).low);
  rows_.push_back(std::move(row));
}

void DataSet::fit_scalers(const Corpus& corpus, const TrainingCopies& copies) {
  if (normalisation_ == Normalisation::clip) {
    for (Row& row : rows_) {
      row.scaler = static_cast<std::uint32_t>(scalers_.size());
      scalers_.push_back(scaler_of(row.features));
    }
  }
  if (normalisation_ == Normalisation::speaker) fit_speaker_scalers(corpus, copies);
}

/// A copy has its speaker's scaler, which the utterances alone make, unless its recipe makes
/// another voice of the speaker's: then all copies that the recipe made of the speaker's clips make
/// it. So a copy is standardised as the clips of a speaker who sounds so would be.
void DataSet::fit_speaker_scalers(const Corpus& corpus, const TrainingCopies& copies) {
  const FeatureSource features = [&](std::size_t row) { return rows_[row].features; };
  std::map<std::string, std::uint32_t> speakers;
  for (const auto& [speaker, scaler] : fit_speakers(corpus, features)) {
    speakers.emplace(speaker, static_cast<std::uint32_t>(scalers_.size()));
    scalers_.push_back(scaler);
  }
  for (Row& row : rows_) row.scaler = speakers.at(corpus.utterances[row.source].speaker);

  std::map<std::pair<std::string, std::size_t>, std::vector<std::size_t>> voices;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const auto [source, recipe] = copies.all()[i];
    if (!copies.makes_voice(recipe)) continue;
    voices[{corpus.utterances[source].speaker, recipe}].push_back(corpus.utterances.size() + i);
  }
  for (const auto& [voice, rows] : voices) {
    // A voice of one vector would be all zeros.
    if (rows.size() == 1 && rows_[rows[0]].features.extent(0) == 1) continue;
    for (const std::size_t row : rows) {
      rows_[row].scaler = static_cast<std::uint32_t>(scalers_.size());
    }
    scalers_.push_back(fit_rows(rows, features));
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
            std::span<const std::size_t> rows, Batch& batch,
            std::span<const std::uint32_t> starts) {
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
    const auto at = static_cast<std::size_t>(i);
    const std::size_t from = rows[at];
    const Tensor<const float> features = data.features(from);
    if (starts.empty()) return input.write(features, x.row(i), data.scaler(from));
    input.write_window(features, Index{starts[at]}, x.row(i), data.scaler(from));
  });
}

}  // namespace serenade
