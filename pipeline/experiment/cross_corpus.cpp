#include "pipeline/experiment/cross_corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "pipeline/corpus/examples.h"
#include "pipeline/evaluation/analysis.h"
#include "pipeline/experiment/ensemble.h"
#include "pipeline/experiment/ensemble_file.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"
#include "pipeline/experiment/run_config.h"
#include "pipeline/experiment/split_table.h"
#include "pipeline/support/files.h"
#include "pipeline/support/stopwatch.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

struct CorpusSection {
  CorpusOptions corpus;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("corpus", self.corpus, Range{}, "the recordings");
  }
};

/// Whom and what a run, or the runs of an ensemble, learned from.
SplitTable heard_by(const RunFolder& run) {
  if (!is_ensemble(run)) return read_split_table(run.file(run_file::split));
  SplitTable all;
  for (const RunFolder& one : runs_of(run, read_ensemble(run))) {
    SplitTable table = read_split_table(one.file(run_file::split));
    all.heard_speakers.merge(table.heard_speakers);
    // Of one corpus and split: the counts of one run are those of all.
    if (all.folds.empty()) all.trained = table.trained;
    for (auto& [name, fold] : table.folds) all.folds[name].heard.merge(fold.heard);
  }
  return all;
}

bool has_heard(const SplitTable& heard, const ContentHash& content) {
  return std::ranges::any_of(heard.folds,
                             [&](const auto& fold) { return fold.second.heard.contains(content); });
}

void expect_unheard(const Corpus& corpus, const SplitTable& heard, const RunFolder& run) {
  constexpr std::size_t most_examples = 5;
  std::size_t count = 0;
  std::vector<std::string> examples;
  for (const Utterance& utterance : corpus.utterances) {
    if (!has_heard(heard, utterance.content)) continue;
    ++count;
    if (examples.size() < most_examples) examples.push_back(utterance.path.string());
  }
  if (count == 0) return;
  throw DataError(fmt::format(
      "{} of {} recordings are among those that {} learned from, so that their scores would say "
      "nothing: {}{}. Take them out of the corpus; for the run's own test part leave corpus.path "
      "out",
      count, corpus.utterances.size(), run.path().string(), fmt::join(examples, ", "),
      count > examples.size() ? " and others" : ""));
}

/// Leaves the clips whose labels the model has; says what the others are.
std::vector<std::string> keep_common_labels(Corpus& corpus, const std::vector<std::string>& model) {
  const auto has = [](const std::vector<std::string>& labels, const std::string& label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  };
  std::map<std::string, std::size_t> unknown;
  for (const Utterance& utterance : corpus.utterances) {
    if (!has(model, utterance.label)) ++unknown[utterance.label];
  }
  std::erase_if(corpus.utterances,
                [&](const Utterance& utterance) { return unknown.contains(utterance.label); });
  std::vector<std::string> absent, present;
  for (const std::string& label : model) {
    const bool some = std::any_of(corpus.utterances.begin(), corpus.utterances.end(),
                                  [&](const Utterance& one) { return one.label == label; });
    (some ? present : absent).push_back(label);
  }
  if (present.empty()) {
    throw DataError(
        fmt::format("no clip of this corpus has a label of the model: it knows {}, the "
                    "corpus has {}; corpus.labels can rename them",
                    fmt::join(model, ", "), fmt::join(corpus.labels, ", ")));
  }
  std::vector<std::string> notes;
  if (!unknown.empty()) {
    std::size_t clips = 0;
    std::vector<std::string> named;
    for (const auto& [label, count] : unknown) {
      clips += count;
      named.push_back(fmt::format("{} ({})", label, count));
    }
    notes.push_back(fmt::format("{} clips of labels that the model does not know are left out: {}",
                                clips, fmt::join(named, ", ")));
  }
  if (!absent.empty()) {
    notes.push_back(fmt::format(
        "labels of the model that no clip here has: {}; a clip that is given one of them counts as "
        "wrong, and UAR is the mean recall of the other {}",
        fmt::join(absent, ", "), present.size()));
  }
  corpus.labels = model;
  return notes;
}

/// A corpus with every kind of features that the networks hear; the same utterances in each.
using Kinds = std::vector<Prepared>;

/// Reads the corpus once for each kind. Clips that have no features of some kind are left out.
Kinds load_kinds(const ExperimentConfig& config, const Ensemble& networks,
                 const Workplace& workplace) {
  Kinds kinds;
  for (const Ensemble::Kind& kind : networks.kinds()) {
    ExperimentConfig own = parse_experiment(kind.description.configuration, "its configuration");
    own.corpus = config.corpus;
    kinds.push_back(load_features(own, workplace, MissingFeatures::compute));
    if (kinds.back().features.key_text() == kind.description.feature_key) continue;
    throw DataError(fmt::format(
        "{}: was trained on features of other versions than this program computes; train it again",
        kind.run.string()));
  }
  std::map<std::string, std::size_t> times;
  for (const Prepared& kind : kinds) {
    for (const Utterance& utterance : kind.corpus.utterances) ++times[utterance.id];
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (networks.kinds()[i].by_speaker) kinds[i].fit_speakers();
    std::erase_if(kinds[i].corpus.utterances,
                  [&](const Utterance& utterance) { return times[utterance.id] < kinds.size(); });
  }
  return kinds;
}

std::vector<ClipPrediction> predict_corpus(Context& context, Ensemble& networks,
                                           const Kinds& kinds) {
  const Prepared& prepared = kinds.front();
  std::vector<ClipFeatures> clips;
  for (const Prepared& kind : kinds) {
    ClipFeatures& heard = clips.emplace_back();
    for (std::size_t i = 0; i < kind.corpus.utterances.size(); ++i) {
      heard.rows.push_back(kind.rows(i));
      heard.speakers.push_back(kind.scaler(i));
    }
  }
  const Array<float> probabilities = networks.predict(context, clips);
  std::vector<ClipPrediction> all;
  for (std::size_t i = 0; i < prepared.corpus.utterances.size(); ++i) {
    const Utterance& utterance = prepared.corpus.utterances[i];
    const auto row = probabilities.view().row(static_cast<Index>(i)).span();
    if (!is_answer(row)) throw DataError(fmt::format("{}: {}", utterance.id, no_answer));
    all.push_back({.id = utterance.id,
                   .path = utterance.path.string(),
                   .speaker = utterance.speaker,
                   .label = utterance.label,
                   .predicted = prepared.corpus.labels[static_cast<std::size_t>(most_likely(row))],
                   .probabilities = {row.begin(), row.end()},
                   .fields = utterance.fields});
  }
  return all;
}

/// The run's own, or of an ensemble that of its first run, under the ensemble's name.
ExperimentConfig configuration_of(const RunFolder& run, const Ensemble& networks) {
  if (is_ensemble(run)) {
    ExperimentConfig config =
        parse_experiment(networks.kinds().front().description.configuration, "its configuration");
    config.name = std::filesystem::weakly_canonical(run.path()).filename().string();
    return config;
  }
  return config_of(run);
}

}  // namespace

CorpusOptions corpus_from_words(const std::vector<std::string>& words) {
  ConfigNode node = ConfigNode::parse("{}", "the command line");
  for (const std::string& word : words) node.apply_override(word);
  CorpusSection section;
  read_options(node, section);
  return section.corpus;
}

std::filesystem::path folder_on(const RunFolder& run, const std::string& corpus) {
  std::string name(run_file::other_corpus);
  for (const unsigned char c : corpus) {
    const bool plain = std::isalnum(c) != 0 || c == '.' || c == '-';
    name += plain ? static_cast<char>(c) : '_';
  }
  return run.file(name);
}

ReportData evaluate_on(const RunFolder& run, const CorpusOptions& corpus,
                       const Workplace& workplace) {
  const Stopwatch watch;
  Ensemble networks(run.path());
  ExperimentConfig config = configuration_of(run, networks);
  config.corpus = corpus;
  const SplitTable heard = heard_by(run);

  Kinds kinds = load_kinds(config, networks, workplace);
  Prepared& prepared = kinds.front();
  const std::string name = reported_name(prepared.corpus, corpus);
  expect_unheard(prepared.corpus, heard, run);
  prepared.split.protocol = "cross-corpus";
  prepared.split.description = fmt::format(
      "The networks learned from one corpus and are tested on all of another, {}, of which they "
      "heard nothing. The scores therefore speak for other recordings, rooms and ways of acting, "
      "and are usually far below those within a corpus.",
      name);
  if (networks.by_speaker()) name_speaker_norm(prepared.split);
  std::vector<std::string> notes;
  for (Prepared& kind : kinds) notes = keep_common_labels(kind.corpus, networks.labels());
  const RunFolder folder(folder_on(run, name));
  if (std::filesystem::exists(folder.file(run_file::metrics)) && !workplace.force) {
    throw DataError(
        fmt::format("{}: holds results already; overwrite them with --force, or give "
                    "this corpus another name (corpus.title=...)",
                    folder.path().string()));
  }

  std::set<std::string> speakers, known;
  for (const Utterance& utterance : prepared.corpus.utterances) {
    speakers.insert(utterance.speaker);
    if (heard.heard_speakers.contains(utterance.speaker)) known.insert(utterance.speaker);
  }
  if (!known.empty()) {
    Examples names;
    for (const std::string& speaker : known) names.add(speaker);
    notes.push_back(fmt::format(
        "{} of {} speakers have the names of speakers in the training ({}); if they are the same "
        "people, the scores do not speak for new voices",
        known.size(), speakers.size(), names.text()));
  }
  if (networks.size() > 1) {
    notes.push_back(
        networks.runs() > 1
            ? fmt::format("probabilities are means over {} runs, of {} networks", networks.runs(),
                          networks.size())
            : fmt::format("probabilities are means over the run's {} networks", networks.size()));
  }
  for (const std::string& note : notes) workplace.observer.note(note);
  prepared.split.speaker_independent = known.empty();
  prepared.split.notes = std::move(notes);

  ReportData report = begin_report(config, workplace, prepared, {});
  report.tested_on = name;
  for (const std::string& label : prepared.corpus.labels) {
    const auto found = heard.trained.find(label);
    report.trained_on.push_back(found == heard.trained.end() ? 0 : found->second);
  }
  const auto predictions = predict_corpus(workplace.context, networks, kinds);
  score_predictions(workplace.context, prepared.corpus.labels, predictions, report);
  report.timings.push_back(
      {"scoring", watch.seconds(), fmt::format("{} clips, features included", predictions.size())});
  folder.make();
  const RunLock lock(folder);
  write_results(folder, report, predictions);
  return report;
}

}  // namespace serenade
