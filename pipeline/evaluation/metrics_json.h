#pragma once

#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// metrics.json: the numbers of a run for programs. Shares from 0 to 1; null where a number cannot
/// be given. Keys, always in this order:
///
///     format, name, config, date, seeds
///     tested_on              another corpus that was scored; null for the run's own test part
///     protocol               name, description, speaker_independent
///     corpus                 name, clips, speakers
///     labels                 class names in the order of class numbers
///     test_clips             different ones; `pooled` counts each once for each seed
///     unlabelled_clips
///     leakage                test clips that have something in common with clips of the training
///                            or validation part, a list of: fold (as in `folds`, whatever the
///                            seed), test_clips, same_speaker, same_utterance (a repetition),
///                            same_content (a copy), statement_unknown; empty for another corpus
///     leakage_overall        their sums, without fold; null for another corpus
///     bootstrap              resamples, confidence, resampled ("clips" or "speakers")
///     mean_over              "folds" or "seeds": what the next two are over
///     mean, standard_deviation   accuracy, uar, macro_f1; the sample's, n - 1 (ddof 1)
///     pooled                 all clips in one matrix: clips, accuracy, uar, macro_f1, intervals,
///                            per_class, confusion
///     folds                  a list of: name, seed, best_epoch, and as `pooled`
///     by_seed                a list of: seed, mean, standard_deviation, over the seed's folds;
///                            empty for one seed
///     over_folds             mean, standard_deviation: over folds, each the mean over its seeds
///     ensemble               the networks of a fold that differ in their seeds as one, their
///                            probabilities averaged and scored once: mean, standard_deviation
///                            (over folds), pooled, folds (without seed and best_epoch); null for
///                            one seed. `mean` above is that of one model
///     baselines              a list of: name, accuracy, uar, macro_f1
///     groups                 a list of: field, values: a list of: value, clips, accuracy, uar
///     mistakes               the surest ones, a clip once: file, id, speaker, fold, seed, label,
///                            predicted, probability, probability_of_label
///     calibration            expected_error, bins: a list of: low, high, clips, confidence,
///                            accuracy
///     notes, warnings
///
/// `intervals` has accuracy, uar and macro_f1, [low, high] each, and clusters: what was drawn from.
/// It is null where evaluation.bootstrap is 0; its ends are null where there is one cluster.
/// confusion[i][j] counts clips of class i given class j. Bytes that are not UTF-8 are replaced by
/// U+FFFD.
std::string metrics_json(const ReportData& data);

}  // namespace serenade
