#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/graph.h"
#include "kernels/nn/step.h"
#include "pipeline/metrics/confusion.h"
#include "pipeline/support/observer.h"
#include "pipeline/training/batches.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/member.h"
#include "pipeline/training/member_on_device.h"

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
/// update_weights. The last batch of an epoch holds what is left. Batches are augmented as the
/// member says; what is told of the training part is of the augmented clips, and where these are
/// mixed, accuracy and UAR count a clip as right that is given the class which is more of it.
/// Validation takes clips as they are, plain labels, all clips alike, and the average of the
/// weights where there is one, which is also what is kept; training.swa has one after the last
/// epoch.
///
/// On a GPU the same steps are taken there: batches of a data set that lies in its memory where
/// that suffices, masks, order and first weights those of the CPU; each member has a context of its
/// own on the device. An epoch's losses are read at its end, when what went wrong in it is found.
class Trainer {
 public:
  /// device_memory: bytes of a GPU's memory that the data set may take, 0: half of it. A larger one
  /// is sent batch by batch.
  Trainer(Context& context, const DataSet& data, Observer& observer, std::size_t device_memory = 0)
      : context_(context), data_(data), observer_(observer), device_memory_(device_memory) {}

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
  void settle_data();
  EpochRecord train_epoch(Member& member, MemberOnDevice& working, Batches& batches,
                          std::int64_t began);
  void step(Member& member, MemberOnDevice& working, Batches& batches, Index i);
  void compute(Member& member, MemberOnDevice& working, const Batches& batches, Index i,
               const BatchTensors& batch);
  void validate(Member& member, Network& network, const Batches& batches, EpochRecord& record);
  void estimate_statistics(Member& member, MemberOnDevice& working, Batches& batches);
  [[noreturn]] void fail(const Member& member, std::int64_t step, const std::string& what,
                         std::span<const std::size_t> rows) const;

  Context& context_;
  const DataSet& data_;
  Observer& observer_;
  std::size_t device_memory_;
  std::shared_ptr<const ResidentData> resident_;  ///< shared by members; none on the CPU

  /// What the steps of an epoch leave behind, on the context's device.
  struct Records {
    void resize(Device device, Index steps, Index rows);
    StepRecords view() { return {losses.view(), classes.view(), norms.view()}; }
    Array<double> losses, norms;
    Array<std::int32_t> classes;
  };
  void read(const Member& member, const Batches& batches, Index i, std::int64_t first_step,
            const Records& records, ConfusionMatrix& confusion, double& sum) const;

  Steps steps_;
  Records records_;
  Array<double> losses_, norm_;
  Array<float> dlogits_;
  std::optional<Graph> graph_;  ///< a step on a full batch of this epoch
};

}  // namespace serenade
