#pragma once

#include <cstdint>
#include <span>

#include "kernels/device/context.h"

namespace serenade {

/// What differs from one training step to the next besides the batch, as operations use it: worked
/// out on the host, in float64, for many steps at a time (adamw_step, sgd_step).
struct StepScalars {
  std::uint32_t step = 0;  ///< from 0 over the whole training; random masks are drawn for it
  float rate = 0;          ///< the optimizer's: the learning rate, with Adam's bias corrections
  float decay = 0;         ///< AdamW: the share of a weight that is lost
  float blend = 0;         ///< moving_average: the share of the new value
};

/// The step that is now: one of a table of steps, chosen by a number that lies in memory beside it.
/// Operations take their step by this view and not by value, so that a step's work that was
/// captured once on a GPU can be launched again for the next step.
struct CurrentStep {
  Tensor<const StepScalars> steps;    ///< [steps]
  Tensor<const std::uint32_t> index;  ///< [1]

  /// Its numbers; where they lie on the CPU.
  const StepScalars& scalars() const { return steps.data()[index.data()[0]]; }
};

/// Such a table, on the context's device, for an epoch or for a step by itself.
class Steps {
 public:
  Steps() = default;
  Steps(Context& context, std::span<const StepScalars> steps) { assign(context, steps); }

  /// Takes these steps in place of those before; the first of them is now. Keeps its memory.
  void assign(Context& context, std::span<const StepScalars> steps);
  CurrentStep now() const { return {table_.view(), index_.view()}; }
  Tensor<std::uint32_t> index() { return index_.view(); }

 private:
  Array<StepScalars> table_;
  Array<std::uint32_t> index_;
};

/// What is kept of every step of a table, to be read when they are all done.
struct StepRecords {
  Tensor<double> losses;         ///< [steps, rows]; rows of a short batch stand first
  Tensor<std::int32_t> classes;  ///< [steps, rows], the class with the largest logit
  Tensor<double> norms;          ///< [steps], of the gradients before clipping
};

/// The end of a step: puts its losses [batch], its logits [batch, classes] as the first largest
/// class, and its norm [1] (or an empty view) into the records, and makes the next step of the
/// table the current one. Throws ShapeError where these do not fit.
void finish_step(Context&, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords&, Tensor<std::uint32_t> index);

namespace cpu {
void finish_step(Context&, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords&, Tensor<std::uint32_t> index);
}  // namespace cpu

namespace cuda {
void finish_step(Context&, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords&, Tensor<std::uint32_t> index);
}  // namespace cuda

}  // namespace serenade
