#pragma once

#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// metrics.json: the numbers of a run for programs, keys always in this order: format, name,
/// config, date, seeds, protocol, corpus, labels, test_clips, unlabelled_clips, `mean` and
/// `standard_deviation` over folds (sample, n - 1; null for one fold), `pooled` (all clips in one
/// matrix), `folds` (name, best_epoch, clips, accuracy, uar, macro_f1, per_class, confusion),
/// notes, warnings. Shares from 0 to 1; confusion[i][j] counts clips of class i given class j.
/// Bytes that are not UTF-8 are replaced by U+FFFD.
std::string metrics_json(const ReportData& data);

}  // namespace serenade
