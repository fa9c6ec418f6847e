#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/experiment/experiment.h"

namespace serenade {

/// The corpus that `corpus.KEY=VALUE` words describe, all other keys at their defaults: nothing is
/// taken over from the corpus a run was trained on. Throws ConfigError for other keys.
CorpusOptions corpus_from_words(const std::vector<std::string>& words);

/// Where results on a corpus go, RUN/on-emodb: what is no letter, digit, '.' or '-' in its name
/// becomes '_'.
std::filesystem::path folder_on(const RunFolder& run, const std::string& corpus);

/// Scores a trained run on another corpus (protocol "cross-corpus"): all its networks hear all of
/// it and their probabilities are averaged. Features are computed with the run's own options. Clips
/// whose label the model does not have are left out; they and labels that only one side has are
/// told in the notes. UAR is over the classes that have clips; guessing knows how often each class
/// was trained on. Intervals are over whole speakers. A run that standardises by speaker does so by
/// this corpus's speakers ("cross-corpus+speaker-norm"). Predictions, metrics and report go to
/// on-CORPUS/ in the run's folder, named by the corpus' title or else its reader.
///
/// Throws DataError, before anything is scored, where recordings are among those that the run
/// learned from (the training and validation parts of any fold in split.csv, by the bytes of the
/// files: the same sound in another format is not recognised), where no label is common, and where
/// the folder holds results already, unless workplace.force.
ReportData evaluate_on(const RunFolder& run, const CorpusOptions& corpus,
                       const Workplace& workplace);

}  // namespace serenade
