#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/experiment/experiment.h"
#include "pipeline/experiment/sweep_points.h"

namespace serenade {

/// What a point came to.
struct SweepRow {
  SweepPoint point;
  /// The judge's number over folds and seeds; nothing where training failed.
  std::optional<MeanAndDeviation> judged;
  std::size_t networks = 0;
  double kept_epoch = 0;  ///< mean over the networks
  Index parameters = 0;   ///< of one network
  std::string failure;    ///< why there is no number
};

struct SweepResult {
  std::filesystem::path folder;  ///< runs/NAME/sweep
  Judge judge = Judge::val_uar;
  std::vector<SweepRow> rows;  ///< the best first; failed ones last
  std::filesystem::path best;  ///< the best point's configuration, best.yaml
  std::vector<std::string> notes;
  std::size_t trained_before = 0;  ///< points that were found trained
};

/// Trains the points of a sweep, each in a run folder of its own, runs/NAME/sweep/POINT, and ranks
/// them by the validation part. The test part is not scored: points are trained and never
/// evaluated. Trained points are passed over, interrupted ones go on. Points that differ in
/// training options alone train side by side (train_runs), up to 16 networks at a time, the others
/// one after another. A point whose training fails (a loss that is no number, a network that does
/// not fit its input) is told in its row and stops no other.
///
/// Writes sweep.csv, sweep.json and best.yaml, the best point's configuration, named NAME-best and
/// ready for `run`.
/// Throws DataError where a fold has no validation part or a copy of a test clip in it, where a
/// folder holds a trained point of another configuration (unless workplace.force), where the corpus
/// changed since a point was trained, and where every point fails.
SweepResult sweep(const SweepPlan& plan, const Workplace& workplace);

/// For a terminal.
std::string sweep_text(const SweepResult& result);
/// sweep.csv: place,point,judge,value,deviation,networks,kept_epoch,parameters,KEY...,failure
std::string sweep_csv(const SweepResult& result);
/// sweep.json: format, name, judge, points: the rows as objects, `values` by key.
std::string sweep_json(const std::string& name, const SweepResult& result);

}  // namespace serenade
