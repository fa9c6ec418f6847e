#include "pipeline/experiment/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/support/file_memo.h"
#include "pipeline/support/files.h"

namespace serenade {

Tensor<const float> Prepared::rows(std::size_t utterance) const {
  const Utterance& wanted = corpus.utterances[utterance];
  const auto clip = features.find(wanted.content);
  if (!clip || !clip->error.empty()) {
    throw DataError(
        fmt::format("{}: has no features in {}", wanted.path.string(), features.folder().string()));
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
  FeatureCache cache(workplace.cache, function, observer, &memo);
  save(memo, observer);
  if (missing == MissingFeatures::refuse) {
    const auto absent = std::count_if(
        corpus.utterances.begin(), corpus.utterances.end(),
        [&](const Utterance& utterance) { return !cache.contains(utterance.content); });
    if (absent > 0) {
      throw DataError(
          fmt::format("features of {} of {} clips are not in {}: run `serenade extract` "
                      "with the same configuration first",
                      absent, corpus.utterances.size(), cache.folder().string()));
    }
  }
  ExtractionReport extraction = extract_features(cache, function, corpus.utterances,
                                                 {.threads = workplace.context.threads(),
                                                  .max_bad = config.corpus.max_bad,
                                                  .shards = {},
                                                  .device_memory = workplace.device_memory},
                                                 observer);

  std::vector<std::string> warnings;
  std::set<std::string> bad;
  for (const BadClip& clip : extraction.bad) {
    bad.insert(clip.id);
    // Some reasons name the file, those remembered in the cache cannot: it may be elsewhere now.
    const std::string path = clip.path.string();
    const bool named = clip.reason.find(path) != std::string::npos;
    warnings.push_back(fmt::format("left out: {}{}", named ? "" : path + ": ", clip.reason));
    observer.warn(warnings.back());
    corpus.left_out.push_back(
        {clip.id, clip.path, named ? clip.reason : path + ": " + clip.reason});
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
