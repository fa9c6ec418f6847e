#include "pipeline/evaluation/evaluation.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/evaluation/seed_averages.h"

namespace serenade {
namespace {

/// Mean and deviation of a score over some of the folds.
template <class Chosen>
MeanAndDeviation over_folds(const std::vector<FoldScores>& folds, double Scores::*score,
                            const Chosen& chosen) {
  std::vector<double> values;
  values.reserve(folds.size());
  for (const FoldScores& fold : folds) {
    if (chosen(fold)) values.push_back(fold.scores.*score);
  }
  return mean_and_deviation(values);
}

MeanAndDeviation over_seeds(const std::vector<SeedScores>& seeds,
                            MeanAndDeviation SeedScores::*score) {
  std::vector<double> means;
  means.reserve(seeds.size());
  for (const SeedScores& seed : seeds) means.push_back((seed.*score).mean);
  return mean_and_deviation(means);
}

/// Names of the folds, in the order in which they come.
std::vector<std::string> fold_names(const std::vector<FoldScores>& folds) {
  std::vector<std::string> names;
  for (const FoldScores& fold : folds) {
    if (std::find(names.begin(), names.end(), fold.name) == names.end()) names.push_back(fold.name);
  }
  return names;
}

/// Over folds, each the mean over its seeds.
MeanAndDeviation over_fold_means(const std::vector<FoldScores>& folds,
                                 const std::vector<std::string>& names, double Scores::*score) {
  std::vector<double> means;
  means.reserve(names.size());
  for (const std::string& name : names) {
    const auto own = [&](const FoldScores& fold) { return fold.name == name; };
    means.push_back(over_folds(folds, score, own).mean);
  }
  return mean_and_deviation(means);
}

/// Means over folds, and over seeds where there are several.
void summarise(Evaluation& evaluation) {
  const std::vector<FoldScores>& folds = evaluation.folds;
  const std::vector<std::string> names = fold_names(folds);
  evaluation.over_folds = {over_fold_means(folds, names, &Scores::accuracy),
                           over_fold_means(folds, names, &Scores::uar),
                           over_fold_means(folds, names, &Scores::macro_f1)};
  std::vector<std::optional<std::uint64_t>> seeds;
  for (const FoldScores& fold : folds) {
    if (std::find(seeds.begin(), seeds.end(), fold.seed) == seeds.end()) {
      seeds.push_back(fold.seed);
    }
  }
  // Where every fold has one network, of a seed of its own, there is nothing but folds.
  if (seeds.size() < 2 || names.size() == folds.size()) {
    const auto all = [](const FoldScores&) { return true; };
    evaluation.accuracy = over_folds(folds, &Scores::accuracy, all);
    evaluation.uar = over_folds(folds, &Scores::uar, all);
    evaluation.macro_f1 = over_folds(folds, &Scores::macro_f1, all);
    return;
  }
  for (const auto& seed : seeds) {
    const auto own = [&](const FoldScores& fold) { return fold.seed == seed; };
    evaluation.seeds.push_back({seed.value_or(0), over_folds(folds, &Scores::accuracy, own),
                                over_folds(folds, &Scores::uar, own),
                                over_folds(folds, &Scores::macro_f1, own)});
  }
  evaluation.accuracy = over_seeds(evaluation.seeds, &SeedScores::accuracy);
  evaluation.uar = over_seeds(evaluation.seeds, &SeedScores::uar);
  evaluation.macro_f1 = over_seeds(evaluation.seeds, &SeedScores::macro_f1);
}

bool belongs_to(const FoldScores& fold, const ClipPrediction& clip) {
  return fold.name == clip.fold && fold.seed == clip.seed;
}

/// True and predicted classes of labelled clips, and what each is drawn with.
struct Draws {
  std::vector<int> truth, predicted;
  std::vector<std::string> keys;

  void add(std::span<const std::string> labels, const ClipPrediction& clip, Resampled resampled) {
    truth.push_back(static_cast<int>(class_number(labels, clip.label, clip)));
    predicted.push_back(static_cast<int>(class_number(labels, clip.predicted, clip)));
    // The prefixes keep a speaker and a clip of the same name apart.
    const bool by_speaker = resampled == Resampled::speakers && !clip.speaker.empty();
    keys.push_back(by_speaker ? "s" + clip.speaker : "c" + clip.id);
  }

  ScoreIntervals intervals(Context& context, Index classes, const BootstrapOptions& options) const {
    std::map<std::string, Index> numbers;
    for (const std::string& key : keys) numbers.emplace(key, 0);
    Index next = 0;
    for (auto& [key, number] : numbers) number = next++;
    std::vector<Index> clusters;
    clusters.reserve(keys.size());
    for (const std::string& key : keys) clusters.push_back(numbers.at(key));
    return bootstrap_intervals(context, truth, predicted, clusters, classes, options);
  }
};

EnsembleScores score_ensemble(std::span<const std::string> labels,
                              std::span<const ClipPrediction> predictions) {
  Evaluation together = evaluate_predictions(labels, averaged_over_seeds(labels, predictions));
  return {std::move(together.folds), together.accuracy,          together.uar,
          together.macro_f1,         std::move(together.pooled), std::move(together.pooled_scores),
          together.pooled_intervals};
}

/// Intervals of each fold; those of all clips are returned.
ScoreIntervals intervals_of(Context& context, std::span<const std::string> labels,
                            std::vector<FoldScores>& folds,
                            std::span<const ClipPrediction> predictions, Resampled resampled,
                            const BootstrapOptions& options) {
  std::vector<Draws> of_fold(folds.size());
  Draws all;
  for (const ClipPrediction& clip : predictions) {
    if (clip.label.empty()) continue;
    all.add(labels, clip, resampled);
    for (std::size_t k = 0; k < folds.size(); ++k) {
      if (belongs_to(folds[k], clip)) of_fold[k].add(labels, clip, resampled);
    }
  }
  const auto classes = static_cast<Index>(labels.size());
  for (std::size_t k = 0; k < folds.size(); ++k) {
    folds[k].intervals = of_fold[k].intervals(context, classes, options);
  }
  return all.intervals(context, classes, options);
}

}  // namespace

Evaluation evaluate_predictions(std::span<const std::string> labels,
                                std::span<const ClipPrediction> predictions,
                                const EvaluationOptions& options) {
  Evaluation evaluation;
  evaluation.labels.assign(labels.begin(), labels.end());
  const auto classes = static_cast<Index>(labels.size());
  evaluation.pooled = ConfusionMatrix(classes);
  std::vector<float> confidence;
  std::vector<bool> right;
  std::set<std::string_view> ids;
  for (const ClipPrediction& clip : predictions) {
    if (clip.label.empty()) {
      ++evaluation.unlabelled;
      continue;
    }
    ids.insert(clip.id);
    auto fold = std::find_if(evaluation.folds.begin(), evaluation.folds.end(),
                             [&](const FoldScores& one) { return belongs_to(one, clip); });
    if (fold == evaluation.folds.end()) {
      evaluation.folds.push_back({clip.fold, clip.seed, ConfusionMatrix(classes), {}, {}});
      fold = std::prev(evaluation.folds.end());
    }
    fold->confusion.add(class_number(labels, clip.label, clip),
                        class_number(labels, clip.predicted, clip));
    confidence.push_back(probability_of(labels, clip.predicted, clip));
    right.push_back(clip.label == clip.predicted);
  }
  for (FoldScores& fold : evaluation.folds) {
    fold.scores = scores_of(fold.confusion);
    evaluation.pooled += fold.confusion;
  }
  evaluation.pooled_scores = scores_of(evaluation.pooled);
  evaluation.clips = static_cast<Index>(ids.size());
  summarise(evaluation);
  if (!evaluation.seeds.empty()) evaluation.ensemble = score_ensemble(labels, predictions);
  evaluation.groups = scores_by_group(labels, predictions);
  evaluation.mistakes =
      surest_mistakes(labels, predictions, static_cast<std::size_t>(options.mistakes));
  evaluation.calibration = calibration(confidence, right, options.calibration_bins);
  return evaluation;
}

void add_intervals(Context& context, Evaluation& evaluation,
                   std::span<const ClipPrediction> predictions, Resampled resampled,
                   const BootstrapOptions& options) {
  evaluation.pooled_intervals =
      intervals_of(context, evaluation.labels, evaluation.folds, predictions, resampled, options);
  if (!evaluation.ensemble) return;
  evaluation.ensemble->pooled_intervals =
      intervals_of(context, evaluation.labels, evaluation.ensemble->folds,
                   averaged_over_seeds(evaluation.labels, predictions), resampled, options);
}

void add_baselines(Evaluation& evaluation, std::span<const TrainingCounts> training) {
  struct Way {
    std::string name;
    std::vector<double> (*guess)(std::span<const Index>);
    GuessScores sum{};
  };
  std::vector<Way> ways{{"most frequent class", guess_majority},
                        {"guess by frequency", guess_by_frequency},
                        {"guess evenly", guess_evenly}};
  for (const FoldScores& fold : evaluation.folds) {
    const auto counts = std::find_if(training.begin(), training.end(),
                                     [&](const auto& one) { return one.fold == fold.name; });
    if (counts == training.end()) return;
    std::vector<Index> support;
    for (const ClassScores& one : fold.scores.per_class) support.push_back(one.support);
    for (Way& way : ways) {
      const GuessScores scores = scores_of_guessing(way.guess(counts->clips), support);
      way.sum.accuracy += scores.accuracy;
      way.sum.uar += scores.uar;
      way.sum.macro_f1 += scores.macro_f1;
    }
  }
  const auto folds = static_cast<double>(evaluation.folds.size());
  evaluation.baselines.clear();
  for (const Way& way : ways) {
    evaluation.baselines.push_back(
        {way.name, {way.sum.accuracy / folds, way.sum.uar / folds, way.sum.macro_f1 / folds}});
  }
}

}  // namespace serenade
