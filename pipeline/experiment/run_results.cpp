#include "pipeline/experiment/run_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"
#include "pipeline/support/utf8.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double share_of(const json& object, const char* name) {
  const json& value = object.at(name);
  return value.is_null() ? nan : value.get<double>();
}

Interval interval_of(const json& pooled, const char* name) {
  const json& intervals = pooled.at("intervals");
  if (intervals.is_null()) return {nan, nan};
  const json& ends = intervals.at(name);
  const auto end = [&](std::size_t i) {
    return ends.at(i).is_null() ? nan : ends[i].get<double>();
  };
  return {end(0), end(1)};
}

ShownScore score_of(const json& result, const char* name) {
  return {share_of(result.at("mean"), name), share_of(result.at("standard_deviation"), name),
          interval_of(result.at("pooled"), name)};
}

ProtocolScores protocol_scores(const json& metrics) {
  ProtocolScores scores;
  scores.run = metrics.at("name").get<std::string>();
  const json& protocol = metrics.at("protocol");
  scores.protocol = {protocol.at("name").get<std::string>(),
                     protocol.at("description").get<std::string>(),
                     protocol.at("speaker_independent").get<bool>()};
  scores.clips = metrics.at("test_clips").get<Index>();
  scores.accuracy = score_of(metrics, "accuracy");
  scores.uar = score_of(metrics, "uar");
  scores.resampled_speakers = metrics.at("bootstrap").at("resampled") == "speakers";
  scores.confidence = metrics.at("bootstrap").at("confidence").get<double>();
  std::set<std::string> folds;
  for (const json& fold : metrics.at("folds")) folds.insert(fold.at("name").get<std::string>());
  scores.folds = std::max<std::size_t>(folds.size(), 1);
  scores.seeds = std::max<std::size_t>(metrics.at("by_seed").size(), 1);
  // Absent in results of a version before there were ensembles of seeds.
  if (metrics.contains("ensemble") && !metrics["ensemble"].is_null()) {
    scores.ensemble_accuracy = score_of(metrics["ensemble"], "accuracy");
    scores.ensemble_uar = score_of(metrics["ensemble"], "uar");
  }
  for (const json& baseline : metrics.at("baselines")) {
    if (baseline.at("name") == "guess evenly") scores.guessing = share_of(baseline, "accuracy");
  }
  if (const json& leakage = metrics.at("leakage_overall"); !leakage.is_null()) {
    const auto share = [&](const char* name) {
      return leakage.at(name).get<double>() / leakage.at("test_clips").get<double>();
    };
    scores.same_speaker = share("same_speaker");
    scores.same_utterance = share("same_utterance");
  }
  return scores;
}

/// Contents of a split.csv by id.
std::map<std::string, ContentHash> contents_of(const fs::path& path) {
  std::map<std::string, ContentHash> contents;
  const std::string text = read_file(path, run_file::max_text_bytes), what = path.string();
  CsvTable table(text, what);
  const std::size_t id = table.column("id"), content = table.column("content");
  while (table.next()) {
    // As predictions.csv writes ids.
    contents.emplace(as_utf8(table[id]), parse_content_hash(table[content]));
  }
  return contents;
}

}  // namespace

RunResults read_results(const fs::path& folder) {
  const RunFolder run(folder);
  if (!fs::is_directory(folder)) {
    throw DataError(fmt::format("{}: no such run folder", folder.string()));
  }
  for (const auto name : {run_file::predictions, run_file::metrics}) {
    if (fs::exists(run.file(name))) continue;
    throw DataError(
        fmt::format("{}: holds no results ({} is missing); `serenade evaluate {}` "
                    "scores a run that is trained",
                    folder.string(), name, folder.string()));
  }
  RunResults results;
  results.path = folder.string();
  results.table =
      parse_predictions(read_file(run.file(run_file::predictions), run_file::max_prediction_bytes));
  const fs::path metrics = run.file(run_file::metrics);
  try {
    results.scores = protocol_scores(json::parse(read_file(metrics, run_file::max_text_bytes)));
  } catch (const json::exception& error) {
    throw DataError(
        fmt::format("{}: is not what a run writes: {}", metrics.string(), error.what()));
  }
  if (fs::exists(run.file(run_file::split))) {
    results.contents = contents_of(run.file(run_file::split));
  }
  results.seeds = results.scores.seeds;
  std::map<std::string, std::string> fold_of;
  for (const ClipPrediction& row : results.table.rows) {
    const auto [place, added] = fold_of.emplace(row.id, row.fold);
    results.repeats_clips = results.repeats_clips || place->second != row.fold;
  }
  return results;
}

}  // namespace serenade
