// What tools/bench/features times of Serenade, and the floors: a JSON object a line on stdin says
// what to do, and a line on stdout answers it. In this process alone: what is read is computed, and
// its results stay in memory; there is no cache.
//   {"do": "features", "features": YAML, "threads": N, "paths": [...]}     from files
//   {"do": "features", ..., "signals": FILE, "lengths": [...]}             from samples, float32
//   {"do": "floor", "floor": NAME, "threads": N, ...}                      floors.h
//   {"do": "run", "rounds": N}         does that job: {"begin": s, "end": s}
//   {"do": "rows", "file": FILE}       the last results: {"columns": [...], "rows": [of each clip]}
//   {"do": "read_cache", "cache": FOLDER, "features": YAML}                seconds and bytes
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/config/yaml.h"
#include "pipeline/features/cache.h"
#include "pipeline/features/clip_batches.h"
#include "pipeline/features/extractor.h"
#include "pipeline/support/stopwatch.h"
#include "tools/bench/feature_tools/floors.h"
#include "tools/bench/feature_tools/job.h"

namespace serenade::bench {
namespace {

using nlohmann::json;

FeatureSpec spec_of(const json& order) {
  FeatureSpec spec;
  from_config(ConfigNode::parse(order.at("features").get<std::string>(), "features"), spec);
  return spec;
}

/// A set of features of some clips, from files or samples.
class FeatureWork {
 public:
  explicit FeatureWork(const json& order)
      : extractor_(spec_of(order)), function_(feature_function(extractor_)) {
    const int threads = order.at("threads");
    for (int thread = 0; thread < threads; ++thread) contexts_.emplace_back(1);
    if (order.contains("paths")) {
      paths_ = order.at("paths").get<std::vector<std::string>>();
      for (Context& context : contexts_) {
        batches_.push_back(std::make_unique<ClipBatches>(context, function_,
                                                         bytes_a_thread(Device::cpu, 0, threads)));
      }
    } else {
      signals_ = std::make_unique<SignalFile>(order.at("signals").get<std::string>(),
                                              order.at("lengths").get<std::vector<Index>>());
    }
    rows_.resize(signals_ ? signals_->clips() : paths_.size());
  }

  Job job() {
    return {static_cast<int>(contexts_.size()), rows_.size(), [this](int thread, std::size_t clip) {
              signals_ ? from_samples(thread, clip) : from_file(thread, clip);
            }};
  }

  json write_rows(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    json rows = json::array();
    for (const Array<float>& clip : rows_) {
      rows.push_back(clip.shape()[0]);
      file.write(
          reinterpret_cast<const char*>(clip.data()),
          static_cast<std::streamsize>(static_cast<std::size_t>(clip.size()) * sizeof(float)));
    }
    if (!file.flush()) throw IoError(path + ": cannot be written");
    return {{"columns", extractor_.column_names()}, {"rows", rows}};
  }

 private:
  void from_file(int thread, std::size_t clip) {
    ClipBatches& batches = *batches_[static_cast<std::size_t>(thread)];
    batches.add(clip, paths_[clip]);
    batches.finish();
    for (ClipResult& result : batches.take()) {
      if (result.error) std::rethrow_exception(result.error);
      rows_[result.place] = std::move(result.rows);
    }
  }

  void from_samples(int thread, std::size_t clip) {
    const std::span<const float> signal = signals_->clip(clip);
    const auto length = static_cast<Index>(signal.size());
    const Ragged samples(std::span<const Index>(&length, 1));
    Array<float> rows({extractor_.rows_of(samples).total(), extractor_.dims()});
    extractor_.extract(contexts_[static_cast<std::size_t>(thread)],
                       Tensor<const float>(signal.data(), {length}), samples, rows.view());
    rows_[clip] = std::move(rows);
  }

  FeatureExtractor extractor_;
  FeatureFunction function_;
  std::deque<Context> contexts_;
  std::vector<std::unique_ptr<ClipBatches>> batches_;
  std::vector<std::string> paths_;
  std::unique_ptr<SignalFile> signals_;
  std::vector<Array<float>> rows_;
};

/// Opens a cache, every shard's hash checked, and copies all rows; then copies them once more.
json read_cache(const json& order) {
  const FeatureExtractor extractor(spec_of(order));
  const FeatureFunction function = feature_function(extractor);
  Observer observer;
  const Stopwatch opening;
  const FeatureCache cache(order.at("cache").get<std::string>(), function, observer);
  const double open = opening.seconds();
  Index frames = 0;
  for (const auto& [number, shard] : cache.shards()) frames += shard->frames();
  Array<float> all({frames, function.dims()});
  std::fill_n(all.data(), all.size(), 0.0F);  // its pages are there
  const auto copy_all = [&] {
    const Stopwatch watch;
    float* to = all.data();
    for (const auto& [number, shard] : cache.shards()) {
      for (std::size_t clip = 0; clip < shard->clips().size(); ++clip) {
        const Tensor<const float> rows = shard->rows(clip);
        to = std::copy_n(rows.data(), rows.size(), to);
      }
    }
    return watch.seconds();
  };
  const double first = copy_all();
  const double again = copy_all();
  return {{"bytes", static_cast<std::size_t>(all.size()) * sizeof(float)},
          {"shards", cache.shards().size()},
          {"open_s", open},
          {"read_s", first},
          {"read_again_s", again}};
}

class Bench {
 public:
  json answer(const json& order) {
    const std::string what = order.at("do");
    if (what == "features") {
      job_ = {};
      features_ = std::make_unique<FeatureWork>(order);
      job_ = features_->job();
      return json::object();
    }
    if (what == "floor") {
      job_ = floor_job(order);
      return json::object();
    }
    if (what == "run") {
      if (!job_.work) throw ConfigError("there is nothing to run yet");
      const Interval interval = run(job_, order.at("rounds"));
      return {{"begin", interval.begin}, {"end", interval.end}};
    }
    if (what == "rows") {
      if (!features_) throw ConfigError("there are no features yet");
      return features_->write_rows(order.at("file"));
    }
    if (what == "read_cache") return read_cache(order);
    throw ConfigError(fmt::format("'{}' is nothing to do", what));
  }

 private:
  std::unique_ptr<FeatureWork> features_;
  Job job_;
};

}  // namespace
}  // namespace serenade::bench

int main() {
  using nlohmann::json;
  serenade::bench::Bench bench;
  std::string line;
  while (std::getline(std::cin, line)) {
    json answer;
    try {
      answer = bench.answer(json::parse(line));
    } catch (const std::exception& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer.dump() << std::endl;
  }
}
