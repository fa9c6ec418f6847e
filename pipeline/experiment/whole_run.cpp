#include "pipeline/experiment/whole_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>

#include "kernels/device/error.h"
#include "pipeline/features/cache.h"
#include "pipeline/features/extractor.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/file_memo.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Names of the folds in a split.csv; none where there is no such file, or one so long that it is
/// not read.
std::set<std::string> folds_of_split(const fs::path& path) {
  std::set<std::string> folds;
  std::error_code absent;
  const auto bytes = fs::file_size(path, absent);
  if (absent || bytes > run_file::max_text_bytes) return folds;
  const std::string text = read_file(path, run_file::max_text_bytes), what = path.string();
  CsvTable table(text, what);
  const std::size_t fold = table.column("fold");
  while (table.next()) folds.insert(table[fold]);
  return folds;
}

/// The folders that hold the networks of the seeds of a fold, or are a fold's only network.
std::vector<RunFolder> fold_folders(const RunFolder& run, std::size_t seeds) {
  std::vector<RunFolder> folders;
  if (const auto folds = folds_of_split(run.file(run_file::split)); !folds.empty()) {
    for (const std::string& fold : folds) folders.push_back(run.fold(fold, folds.size()));
    return folders;
  }
  std::set<fs::path> distinct;
  for (const RunFolder& member : run.trained_members()) {
    distinct.insert(seeds > 1 ? member.path().parent_path() : member.path());
  }
  for (const fs::path& path : distinct) folders.emplace_back(path);
  return folders;
}

/// Where it cannot be written, only time is lost.
void remember(FileMemo& memo) {
  try {
    memo.save();
  } catch (const IoError&) {
    return;
  }
}

}  // namespace

std::vector<fs::path> missing_models(const RunFolder& run, const ExperimentConfig& config) {
  std::vector<fs::path> missing;
  const bool is_run = fs::exists(run.file(run_file::split));
  if (!is_run && fs::exists(run.file(run_file::best_model))) return missing;
  const std::vector<std::uint64_t> seeds = seeds_of(config);
  for (const RunFolder& fold : fold_folders(run, seeds.size())) {
    for (const std::uint64_t seed : seeds) {
      const fs::path model = fold.seed(seed, seeds.size()).file(run_file::best_model);
      if (!fs::exists(model)) missing.push_back(model);
    }
  }
  return missing;
}

void expect_networks(const RunFolder& run, const ExperimentConfig& config) {
  constexpr std::size_t most_named = 5;
  std::vector<std::string> named;
  const std::vector<fs::path> missing = missing_models(run, config);
  if (missing.empty()) return;
  for (const fs::path& model : missing) {
    if (named.size() < most_named) named.push_back(model.string());
  }
  throw DataError(fmt::format(
      "{}: {} of the run's networks {} missing: {}{}; bring the files back or train them with "
      "`serenade run --force`. A single network can be used by its own folder",
      run.path().string(), missing.size(), missing.size() == 1 ? "is" : "are",
      fmt::join(named, ", "), missing.size() > named.size() ? ", ..." : ""));
}

std::string change_of_corpus(const RunFolder& run, const ExperimentConfig& config,
                             const fs::path& cache, Context& context) {
  const fs::path split = run.file(run_file::split);
  if (!fs::exists(split)) return "";
  try {
    Observer nobody;
    FileMemo memo(cache / "files.memo");
    const FeatureExtractor extractor(config.features);
    const FeatureCache features(cache, feature_function(extractor), nobody, &memo);
    if (features.shards().empty()) return "";
    Corpus corpus = read_corpus(context, config.corpus, nobody, &memo);
    remember(memo);
    const auto is_known = [&](const Utterance& one) { return features.contains(one.content); };
    if (std::ranges::none_of(corpus.utterances, is_known)) return "";
    // As the run left them out.
    std::erase_if(corpus.utterances,
                  [&](const Utterance& one) { return !features.error_of(one.content).empty(); });
    if (read_file(split, run_file::max_text_bytes) ==
        split_csv(corpus, make_split(corpus, config.split, config.seed))) {
      return "";
    }
    return fmt::format("clips of the corpus at {} were added, removed or changed since",
                       config.corpus.path);
  } catch (const Error& error) {
    return fmt::format("its corpus can no longer be read as it was: {}", error.what());
  }
}

}  // namespace serenade
