#include "pipeline/experiment/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "pipeline/support/file_memo.h"
#include "pipeline/support/files.h"

namespace serenade {

Tensor<const float> Prepared::rows(std::size_t row) const {
  const std::size_t utterances = corpus.utterances.size();
  const bool is_copy = row >= utterances;
  const TrainingCopy copy = is_copy ? copies.all()[row - utterances] : TrainingCopy{};
  const Utterance& wanted = corpus.utterances[is_copy ? copy.source : row];
  const FeatureCache& cache = is_copy ? copy_features[copy.recipe] : features;
  const auto clip = cache.find(wanted.content);
  if (!clip || !clip->error.empty()) {
    throw DataError(
        fmt::format("{}: has no features in {}", wanted.path.string(), cache.folder().string()));
  }
  return clip->rows;
}

void Prepared::fit_speakers() {
  speakers =
      serenade::fit_speakers(corpus, [this](std::size_t utterance) { return rows(utterance); });
}

const StandardScaler* Prepared::scaler(std::size_t utterance) const {
  const auto found = speakers.find(corpus.utterances[utterance].speaker);
  return found == speakers.end() ? nullptr : &found->second;
}

namespace {

/// Only time is lost where the memo cannot be written, on a read-only disk for one.
void save(FileMemo& memo, Observer& observer) {
  try {
    memo.save();
  } catch (const IoError& error) {
    observer.note(fmt::format(
        "the hashes of the recordings are not remembered for the next time: {}", error.what()));
  }
}

/// Throws DataError where features are not in the cache.
void expect_complete(const FeatureCache& cache, std::span<const Utterance> utterances,
                     std::string_view of_what) {
  const auto absent =
      std::count_if(utterances.begin(), utterances.end(),
                    [&](const Utterance& utterance) { return !cache.contains(utterance.content); });
  if (absent > 0) {
    throw DataError(
        fmt::format("features of {} of {} {} are not in {}: run `serenade extract` "
                    "with the same configuration first",
                    absent, utterances.size(), of_what, cache.folder().string()));
  }
}

ExtractionOptions extraction_options(const ExperimentConfig& config, const Workplace& workplace) {
  return {.threads = workplace.context.threads(),
          .max_bad = config.corpus.max_bad,
          .shards = {},
          .device_memory = workplace.device_memory};
}

/// Some reasons name the file, those remembered in the cache cannot: it may be elsewhere now.
std::string reason_with_path(const BadClip& clip) {
  const std::string path = clip.path.string();
  const bool named = clip.reason.find(path) != std::string::npos;
  return named ? clip.reason : path + ": " + clip.reason;
}

void add(ExtractionReport& sum, const ExtractionReport& copies) {
  sum.utterances += copies.utterances;
  sum.copies += copies.utterances;
  sum.contents += copies.contents;
  sum.from_cache += copies.from_cache;
  sum.extracted += copies.extracted;
  sum.by_others += copies.by_others;
  sum.shards += copies.shards;
  sum.bytes += copies.bytes;
  sum.seconds += copies.seconds;
  sum.audio_seconds += copies.audio_seconds;
  sum.stages.verify += copies.stages.verify;
  sum.stages.decode += copies.stages.decode;
  sum.stages.resample += copies.stages.resample;
  sum.stages.copies += copies.stages.copies;
  sum.stages.features += copies.stages.features;
  sum.stages.write += copies.stages.write;
  sum.bad.insert(sum.bad.end(), copies.bad.begin(), copies.bad.end());
}

/// The features of one recipe's copies.
void load_copies(const ExperimentConfig& config, const Workplace& workplace,
                 MissingFeatures missing, std::size_t recipe, const std::vector<Utterance>& sources,
                 Prepared& prepared) {
  Observer& observer = workplace.observer;
  FileMemo memo(workplace.cache / "files.memo", workplace.verify);
  const FeatureExtractor extractor(config.features);
  const CopyMaker maker{config.augmentation.copies[recipe], recipe, config.seed,
                        config.features.sample_rate};
  const FeatureFunction function = feature_function(extractor, maker, workplace.features);
  FeatureCache cache(workplace.cache, function, observer, &memo);
  save(memo, observer);
  const std::string what = fmt::format("copies {}", option_text(maker.recipe));
  if (missing == MissingFeatures::refuse) expect_complete(cache, sources, what);
  const ExtractionReport extraction =
      extract_features(cache, function, sources, extraction_options(config, workplace), observer);
  for (const BadClip& clip : extraction.bad) {
    prepared.warnings.push_back(
        fmt::format("copy {} left out: {}", option_text(maker.recipe), reason_with_path(clip)));
    observer.warn(prepared.warnings.back());
  }
  add(prepared.extraction, extraction);
  prepared.copy_features.push_back(std::move(cache));
}

/// The copies of training clips and, fold by fold, what is learned from.
void add_copies(const ExperimentConfig& config, const Workplace& workplace, MissingFeatures missing,
                Prepared& prepared) {
  const std::vector<CopyRecipe>& recipes = config.augmentation.copies;
  std::vector<TrainingRows> parts;
  for (const Fold& fold : prepared.split.folds) parts.push_back(fold.training());
  const std::vector<Utterance>& utterances = prepared.corpus.utterances;
  TrainingCopies& copies = prepared.copies;
  copies = TrainingCopies(utterances.size(), recipes, parts);
  if (!recipes.empty()) {
    const std::size_t each = copies.size() / recipes.size();
    workplace.observer.note(
        fmt::format("augmentation: {} cop{} of each of {} training clips{}", recipes.size(),
                    recipes.size() == 1 ? "y" : "ies", each,
                    workplace.features == Device::cpu ? "" : ", made on the CPU's threads"));
    std::vector<Utterance> sources;
    for (const TrainingCopy& copy : copies.all().first(each)) {
      sources.push_back(utterances[copy.source]);
    }
    for (std::size_t recipe = 0; recipe < recipes.size(); ++recipe) {
      load_copies(config, workplace, missing, recipe, sources, prepared);
    }
    copies.leave_out([&](const TrainingCopy& copy) {
      const ContentHash content = utterances[copy.source].content;
      const FeatureCache& cache = prepared.copy_features[copy.recipe];
      return !cache.contains(content) || !cache.error_of(content).empty();
    });
  }
  for (const Fold& fold : prepared.split.folds) {
    prepared.learned.emplace_back(fold.training(), copies);
    expect_copies_unheard(prepared.corpus, fold, prepared.learned.back().rows(), copies);
  }
}

}  // namespace

Prepared load_features(const ExperimentConfig& config, const Workplace& workplace,
                       MissingFeatures missing, const std::function<void(const Corpus&)>& expect) {
  Observer& observer = workplace.observer;
  FileMemo memo(workplace.cache / "files.memo", workplace.verify);
  Corpus corpus = read_corpus(workplace.context, config.corpus, observer, &memo);
  save(memo, observer);
  for (const std::string& note : corpus.notes) observer.note(note);
  expect(corpus);

  const FeatureExtractor extractor(config.features);
  const FeatureFunction function = feature_function(extractor, workplace.features);
  for (const std::string& note : function.notes) observer.note(note);
  FeatureCache cache(workplace.cache, function, observer, &memo);
  save(memo, observer);
  if (missing == MissingFeatures::refuse) expect_complete(cache, corpus.utterances, "clips");
  ExtractionReport extraction = extract_features(cache, function, corpus.utterances,
                                                 extraction_options(config, workplace), observer);

  std::vector<std::string> warnings;
  std::set<std::string> bad;
  for (const BadClip& clip : extraction.bad) {
    bad.insert(clip.id);
    const std::string reason = reason_with_path(clip);
    warnings.push_back(fmt::format("left out: {}", reason));
    observer.warn(warnings.back());
    corpus.left_out.push_back({clip.id, clip.path, reason});
  }
  std::erase_if(corpus.utterances,
                [&](const Utterance& utterance) { return bad.contains(utterance.id); });
  return {std::move(corpus), std::move(cache), std::move(extraction), {}, {}, std::move(warnings)};
}

void name_speaker_norm(Split& split) {
  split.protocol += speaker_norm_suffix;
  split.description += fmt::format(" {}", speaker_norm_text);
}

Prepared prepare(const ExperimentConfig& config, const Workplace& workplace,
                 MissingFeatures missing) {
  Prepared prepared = load_features(config, workplace, missing, expect_two_labels);
  prepared.split = make_split(prepared.corpus, config.split, config.seed);
  if (config.model.normalisation == Normalisation::speaker) {
    prepared.fit_speakers();
    name_speaker_norm(prepared.split);
  }
  for (const std::string& note : prepared.split.notes) workplace.observer.note(note);
  prepared.leakage = measure_leakage(prepared.corpus, prepared.split);
  workplace.observer.note(leakage_line(prepared.leakage.overall));
  add_copies(config, workplace, missing, prepared);
  return prepared;
}

Prepared prepare_as_trained(const ExperimentConfig& config, const RunFolder& run,
                            const Workplace& workplace) {
  Prepared prepared = prepare(config, workplace, MissingFeatures::compute);
  const auto path = run.file(run_file::split);
  if (read_file(path, run_file::max_text_bytes) == split_csv(prepared.corpus, prepared.split)) {
    return prepared;
  }
  throw DataError(
      fmt::format("{}: the corpus at {} no longer gives this split: clips were added, "
                  "removed or changed since the run was trained; `serenade run --force` trains it "
                  "anew",
                  path.string(), config.corpus.path));
}

}  // namespace serenade
