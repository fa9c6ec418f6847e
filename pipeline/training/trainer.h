#pragma once

#include <functional>
#include <span>

#include "kernels/device/context.h"
#include "pipeline/metrics/confusion.h"
#include "pipeline/support/observer.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/member.h"

namespace serenade {

/// Called on the thread that trains the member: of several members calls may overlap, so that a
/// hook touches only what belongs to its member or can bear it. What a hook throws ends the
/// training of all members.
struct TrainerHooks {
  /// An epoch ended; the member's checkpoint() stands at its end.
  std::function<void(const Member&, const EpochRecord&)> on_epoch;
  /// The kept weights changed: model_file() is a better one. Before on_epoch of the same epoch.
  std::function<void(const Member&, const EpochRecord&)> on_kept;
};

/// Trains members of one architecture over one resident data set. What a member becomes does not
/// depend on the others nor on the number of threads, bit for bit. A lone member uses all threads
/// of the context. Several share them out: as many train at a time as there are threads, the others
/// wait, and where there are more threads than members each has several.
///
/// A step takes the next batch of the epoch's shuffled rows, the mean of their cross-entropies
/// against one-hot labels (smoothed and weighted by class as the options say), and one
/// update_weights. The last batch of an epoch holds what is left. Validation takes plain labels,
/// all clips alike, and the average of the weights where there is one, which is also what is kept.
class Trainer {
 public:
  Trainer(Context& context, const DataSet& data, Observer& observer)
      : context_(context), data_(data), observer_(observer) {}

  /// Trains every member to its end; each network then holds its kept weights. The observer hears
  /// one task, counted in batches from where the members take up, on the caller's thread.
  /// Throws DataError where a loss or a weight becomes NaN or infinite, naming member, epoch, step
  /// and the batch's clips; the network then holds the weights kept before, if there are any. The
  /// other members stop before their next step: what on_epoch saved of them lets them go on.
  /// ShapeError where a member does not fit the data set.
  void train(std::span<Member> members, const TrainerHooks& hooks = {});

 private:
  void train(Member& member, const TrainerHooks& hooks);
  void train_together(std::span<Member> members, const TrainerHooks& hooks);
  static Index batches_left(const Member& member);
  void expect_fit(Member& member) const;
  EpochRecord train_epoch(Member& member, std::int64_t began);
  double step(Member& member, std::span<const std::size_t> rows, ConfusionMatrix& confusion);
  void validate(Member& member, EpochRecord& record);
  [[noreturn]] void fail(const Member& member, const std::string& what,
                         std::span<const std::size_t> rows) const;

  Context& context_;
  const DataSet& data_;
  Observer& observer_;
  Batch batch_;
  Steps steps_;
  std::vector<float> class_weights_;  ///< of the member at hand; empty: all alike
  Array<float> row_weights_, losses_, dlogits_;
};

}  // namespace serenade
