#include "pipeline/training/scaler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/device/error.h"

namespace serenade {
namespace {

void expect_rows(const TrainingRows& rows) {
  if (rows.size() == 0) throw DataError("the training part is empty: there is nothing to fit");
}

}  // namespace

StandardScaler fit_scaler(const DataSet& data, const TrainingRows& rows) {
  expect_rows(rows);
  std::vector<double> mean(static_cast<std::size_t>(data.dims()), 0.0);
  Index frames = 0;
  for (const std::size_t row : rows.indices()) {
    const auto x = data.features(row);
    frames += x.extent(0);
    const float* value = x.data();
    for (Index frame = 0; frame < x.extent(0); ++frame) {
      for (double& sum : mean) sum += static_cast<double>(*value++);
    }
  }
  const auto n = static_cast<double>(frames);
  for (double& sum : mean) sum /= n;

  std::vector<double> squares(mean.size(), 0.0);
  for (const std::size_t row : rows.indices()) {
    const auto x = data.features(row);
    const float* value = x.data();
    for (Index frame = 0; frame < x.extent(0); ++frame) {
      for (std::size_t d = 0; d < mean.size(); ++d) {
        const double deviation = static_cast<double>(*value++) - mean[d];
        squares[d] += deviation * deviation;
      }
    }
  }

  StandardScaler scaler{mean, {}};
  for (std::size_t d = 0; d < mean.size(); ++d) {
    scaler.scale.push_back(scale_of(squares[d] / n, mean[d], n));
  }
  return scaler;
}

StandardScaler fit_rows(std::span<const std::size_t> rows, const FeatureSource& features) {
  std::vector<Moments> moments;
  moments.reserve(rows.size());
  for (const std::size_t row : rows) moments.push_back(moments_of(features(row)));
  return scaler_of(std::move(moments));
}

SpeakerScalers fit_speakers(const Corpus& corpus, const FeatureSource& features) {
  std::map<std::string, std::vector<std::size_t>> clips;
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    clips[corpus.utterances[i].speaker].push_back(i);
  }
  SpeakerScalers scalers;
  for (const auto& [speaker, utterances] : clips) {
    scalers.emplace(speaker, fit_rows(utterances, features));
  }
  return scalers;
}

Index choose_frames(const DataSet& data, const TrainingRows& rows) {
  expect_rows(rows);
  std::vector<Index> lengths;
  for (const std::size_t row : rows.indices()) lengths.push_back(data.features(row).extent(0));
  std::sort(lengths.begin(), lengths.end());
  const std::size_t covered = (lengths.size() * 95 + 99) / 100;
  return lengths[covered - 1];
}

}  // namespace serenade
