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
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"
#include "pipeline/support/csv.h"
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

/// Whom and what a run learned from.
struct Heard {
  std::set<ContentHash> contents;
  std::set<std::string> speakers;
  std::map<std::string, Index> trained;  ///< clips of the training parts by label, all folds
};

std::size_t column_of(const CsvReader& reader, const std::vector<std::string>& header,
                      const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) reader.fail(fmt::format("there is no column '{}'", name));
  return static_cast<std::size_t>(found - header.begin());
}

/// Training and validation parts of all folds of a split.csv.
Heard heard_by(const RunFolder& run) {
  const auto path = run.file(run_file::split);
  const std::string text = read_file(path, run_file::max_text_bytes);
  const std::string what = path.string();
  CsvReader reader(text, what);
  std::vector<std::string> cells;
  if (!reader.next(cells)) reader.fail("the file is empty");
  const std::size_t width = cells.size();
  const std::size_t content = column_of(reader, cells, "content");
  const std::size_t speaker = column_of(reader, cells, "speaker");
  const std::size_t label = column_of(reader, cells, "label");
  const std::size_t part = column_of(reader, cells, "part");
  Heard heard;
  while (reader.next(cells)) {
    if (cells.size() != width) reader.fail("another number of fields than the header has");
    if (cells[part] == "test") continue;
    heard.contents.insert(parse_content_hash(cells[content]));
    heard.speakers.insert(cells[speaker]);
    if (cells[part] == "training") ++heard.trained[cells[label]];
  }
  return heard;
}

void expect_unheard(const Corpus& corpus, const Heard& heard, const RunFolder& run) {
  constexpr std::size_t most_examples = 5;
  std::size_t count = 0;
  std::vector<std::string> examples;
  for (const Utterance& utterance : corpus.utterances) {
    if (!heard.contents.contains(utterance.content)) continue;
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

std::vector<ClipPrediction> predict_corpus(Context& context, Ensemble& networks,
                                           const Prepared& prepared) {
  std::vector<Tensor<const float>> features;
  std::vector<const StandardScaler*> speakers;
  for (std::size_t i = 0; i < prepared.corpus.utterances.size(); ++i) {
    features.push_back(prepared.rows(i));
    speakers.push_back(prepared.scaler(i));
  }
  const Array<float> probabilities = networks.predict(context, features, speakers);
  std::vector<ClipPrediction> all;
  for (std::size_t i = 0; i < features.size(); ++i) {
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
  const auto path = run.file(run_file::config);
  ExperimentConfig config =
      parse_experiment(read_file(path, run_file::max_text_bytes), path.string());
  config.corpus = corpus;
  Ensemble networks(run.path());
  const Heard heard = heard_by(run);

  Prepared prepared = load_features(config, workplace, MissingFeatures::compute);
  if (prepared.features.key_text() != networks.description().feature_key) {
    throw DataError(fmt::format(
        "{}: was trained on features of other versions than this program computes; train it again",
        run.path().string()));
  }
  const std::string name = reported_name(prepared.corpus, corpus);
  expect_unheard(prepared.corpus, heard, run);
  prepared.split.protocol = "cross-corpus";
  prepared.split.description = fmt::format(
      "The networks learned from one corpus and are tested on all of another, {}, of which they "
      "heard nothing. The scores therefore speak for other recordings, rooms and ways of acting, "
      "and are usually far below those within a corpus.",
      name);
  // Of all clips, also those that will be left out for their labels: labels do not matter to it.
  normalise_speakers(config, prepared);
  std::vector<std::string> notes =
      keep_common_labels(prepared.corpus, networks.description().labels);
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
    if (heard.speakers.contains(utterance.speaker)) known.insert(utterance.speaker);
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
        fmt::format("probabilities are means over the run's {} networks", networks.size()));
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
  const auto predictions = predict_corpus(workplace.context, networks, prepared);
  score_predictions(workplace.context, prepared.corpus.labels, predictions, report);
  report.timings.push_back(
      {"scoring", watch.seconds(), fmt::format("{} clips, features included", predictions.size())});
  folder.make();
  const RunLock lock(folder);
  write_results(folder, report, predictions);
  return report;
}

}  // namespace serenade
