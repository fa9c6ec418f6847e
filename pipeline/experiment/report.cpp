#include "pipeline/experiment/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/evaluation/report.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/features/extractor.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts)};
}

std::vector<Index> count_classes(const Corpus& corpus, std::span<const std::size_t> rows) {
  std::vector<Index> counts(corpus.labels.size(), 0);
  for (const std::size_t row : rows) {
    ++counts[static_cast<std::size_t>(corpus.class_of(corpus.utterances[row]))];
  }
  return counts;
}

/// Speakers of these rows; numbers in order of number.
std::string speakers_of(const Corpus& corpus, std::span<const std::size_t> rows) {
  const auto shorter_first = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  };
  std::set<std::string, decltype(shorter_first)> speakers(shorter_first);
  for (const std::size_t row : rows) speakers.insert(corpus.utterances[row].speaker);
  return fmt::format("{}", fmt::join(speakers, ", "));
}

/// "2 copies of each training clip by {speed: 0.9}, {noise: 20}: fold-1 learned from 900 clips and
/// 1800 copies; ...".
std::string describe_copies(const ReportData& report) {
  std::vector<std::string> folds;
  for (const CopiesRow& row : report.copies) {
    folds.push_back(fmt::format("{}{} clips and {} copies of them",
                                row.fold.empty() ? "" : row.fold + " ", row.training_clips,
                                row.copies));
  }
  return fmt::format(
      "augmentation: a copy of every training clip by each of {}; learned from: {}; no validation "
      "or test clip has a copy",
      fmt::join(report.copy_recipes, ", "), fmt::join(folds, "; "));
}

std::string in_words(Monitor monitor) {
  std::string words(enum_name(monitor));
  const bool validation = words.starts_with("val_");
  if (validation) words.erase(0, 4);
  if (words == "uar") words = "UAR";
  return (validation ? "validation " : "training ") + words;
}

LearningCurve curve_of(const TrainedNetwork& fold, const std::string& name,
                       const TrainingOptions& options) {
  LearningCurve curve;
  curve.fold = name;
  curve.best_epoch = options.checkpoint.keep == Keep::last ? 0 : fold.kept_epoch;
  curve.monitor = options.checkpoint.keep == Keep::last ? "" : in_words(options.checkpoint.monitor);
  for (const EpochRecord& record : fold.history) {
    curve.training_loss.push_back(record.loss);
    if (record.val_loss) curve.validation_loss.push_back(*record.val_loss);
    if (record.val_accuracy) curve.validation_accuracy.push_back(*record.val_accuracy);
    if (record.val_uar) curve.validation_uar.push_back(*record.val_uar);
  }
  return curve;
}

/// "filters: 32, kernel_size: 5" of "{filters: 32, kernel_size: 5}"; nothing of "{}".
std::string without_braces(const std::string& options) {
  if (!options.starts_with('{') || !options.ends_with('}')) return options;
  return options.substr(1, options.size() - 2);
}

std::string describe_features(const FeatureSpec& spec) {
  std::vector<std::string_view> names;
  for (const Feature& feature : spec.extract) names.push_back(name_of(feature));
  const std::string rows =
      spec.statistics.empty() ? std::string("a row a frame")
                              : fmt::format("{} over the frames", fmt::join(spec.statistics, ", "));
  return fmt::format("{} ({} Hz, n_fft {}, hop_length {}); {}", fmt::join(names, ", "),
                     spec.sample_rate, spec.n_fft, spec.hop_length, rows);
}

}  // namespace

std::string fold_label(const Split& split, const Fold& fold) {
  return split.folds.size() > 1 ? fold.name() : "";
}

CorpusSummary summarise_corpus(const Prepared& prepared, const CorpusOptions& options) {
  const Corpus& corpus = prepared.corpus;
  CorpusSummary summary;
  summary.name = reported_name(corpus, options);
  summary.path = reported_path(options);
  summary.clips = static_cast<Index>(corpus.utterances.size());
  std::set<std::string> speakers;
  std::vector<std::set<std::string>> per_class(corpus.labels.size());
  std::vector<std::size_t> all(corpus.utterances.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i;
    const Utterance& utterance = corpus.utterances[i];
    if (const auto clip = prepared.features.find(utterance.content)) {
      summary.audio_seconds += static_cast<double>(clip->samples) / clip->sample_rate;
    }
    speakers.insert(utterance.speaker);
    per_class[static_cast<std::size_t>(corpus.class_of(utterance))].insert(utterance.speaker);
  }
  summary.speakers = static_cast<Index>(speakers.size());
  summary.clips_per_class = count_classes(corpus, all);
  for (const auto& set : per_class) {
    summary.speakers_per_class.push_back(static_cast<Index>(set.size()));
  }
  for (const Fold& fold : prepared.split.folds) {
    summary.folds.push_back(
        {fold_label(prepared.split, fold), count_classes(corpus, fold.training().indices()),
         count_classes(corpus, fold.validation()), count_classes(corpus, fold.test()),
         prepared.split.speaker_independent ? speakers_of(corpus, fold.test()) : ""});
  }
  return summary;
}

ReportData begin_report(const ExperimentConfig& config, const Workplace& workplace,
                        const Prepared& prepared, const std::vector<TrainedNetwork>& networks) {
  ReportData report;
  report.title = config.name;
  report.date = utc_now();
  report.config_name = workplace.config_name;
  report.command = workplace.command;
  const bool redrawn = config.seeds.empty() && !config.split.seeds.empty();
  report.seeds = redrawn ? config.split.seeds : seeds_of(config);
  report.options = config.evaluation;
  const Split& split = prepared.split;
  report.protocol = {split.protocol, split.description, split.speaker_independent};
  report.notes = prepared.corpus.notes;
  report.notes.insert(report.notes.end(), split.notes.begin(), split.notes.end());
  report.warnings = prepared.warnings;
  for (std::size_t i = 0; i < split.folds.size(); ++i) {
    const Leakage& leakage = prepared.leakage.folds[i].leakage;
    report.leakage.push_back({fold_label(split, split.folds[i]), leakage.test_clips,
                              leakage.same_content, leakage.same_speaker, leakage.same_utterance,
                              leakage.statement_unknown});
  }
  for (const CopyRecipe& recipe : config.augmentation.copies) {
    report.copy_recipes.push_back(option_text(recipe));
  }
  for (std::size_t i = 0; i < split.folds.size() && !report.copy_recipes.empty(); ++i) {
    report.copies.push_back({fold_label(split, split.folds[i]),
                             static_cast<Index>(split.folds[i].training().size()),
                             static_cast<Index>(prepared.learned[i].copies())});
  }
  if (!report.copies.empty()) report.notes.push_back(describe_copies(report));
  for (const TrainedNetwork& network : networks) {
    const std::string name = fold_label(split, split.folds[network.fold]);
    report.curves.push_back(curve_of(network, name, config.training));
    if (report.seeds.size() > 1) report.curves.back().seed = network.seed;
  }
  report.corpus = summarise_corpus(prepared, config.corpus);
  report.features = describe_features(config.features);
  if (!networks.empty()) {
    report.model_input = networks.front().model_input;
    for (const LayerSummary& layer : networks.front().layers) {
      report.layers.push_back(
          {layer.type, without_braces(layer.options), to_string(layer.output), layer.parameters});
    }
  }
  report.config_yaml = resolved_yaml(config);
  report.environment = environment(workplace.context, workplace.features);
  return report;
}

void write_results(const RunFolder& folder, const ReportData& report,
                   const std::vector<ClipPrediction>& predictions) {
  write_file_atomically(folder.file(run_file::predictions),
                        predictions_csv(report.evaluation.labels, predictions));
  write_file_atomically(folder.file(run_file::report), report_html(report));
  write_file_atomically(folder.file(run_file::metrics), metrics_json(report));
}

}  // namespace serenade
