#include "kernels/nn/optimizer.h"

#include <cfloat>

#include "kernels/nn/slot_table.cuh"

// float64 where the norm is: it is only asked whether it is a number.
namespace serenade::cuda {
namespace {

struct OptimizerArrays {
  float* value;
  const float* gradient;
  float* first_moment;
  float* second_moment;
  Index size;
  Index first = 0;  // the chunks of those before it
  bool decay;
  friend bool operator==(const OptimizerArrays&, const OptimizerArrays&) = default;
};

struct AverageArrays {
  const float* value;
  float* average;
  Index size;
  Index first = 0;
  friend bool operator==(const AverageArrays&, const AverageArrays&) = default;
};

/// NaN and infinity: a step from such gradients must leave the weights alone.
__device__ inline bool spoilt(const double* norm) {
  return norm != nullptr && !(fabs(*norm) <= DBL_MAX);
}

struct AdamConstants {
  float blend_1, blend_2, epsilon;
};

/// One block a chunk of a parameter, one launch for all: 28 bytes and 11 flops a number.
__global__ __launch_bounds__(most_threads) void adamw_kernel(const OptimizerArrays* slots,
                                                             int count, AdamConstants constants,
                                                             const StepScalars* steps,
                                                             const std::uint32_t* index,
                                                             const double* norm) {
  if (spoilt(norm)) return;
  const Chunk chunk = chunk_of(slots, count);
  const OptimizerArrays slot = slots[chunk.slot];
  const StepScalars step = steps[*index];
  const float decay = slot.decay ? step.decay : 0.0F;
  for (Index i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) {
    const float g = slot.gradient[i];
    const float m = fmaf(constants.blend_1, g - slot.first_moment[i], slot.first_moment[i]);
    const float old = slot.second_moment[i];
    const float v = fmaf(constants.blend_2, fmaf(g, g, -old), old);
    slot.first_moment[i] = m;
    slot.second_moment[i] = v;
    const float kept = fmaf(-decay, slot.value[i], slot.value[i]);
    slot.value[i] = kept - step.rate * m / (sqrtf(v) + constants.epsilon);
  }
}

/// The same for SGD: 20 bytes and 5 flops a number.
__global__ __launch_bounds__(most_threads) void sgd_kernel(const OptimizerArrays* slots, int count,
                                                           float momentum, bool nesterov,
                                                           const StepScalars* steps,
                                                           const std::uint32_t* index,
                                                           const double* norm) {
  if (spoilt(norm)) return;
  const Chunk chunk = chunk_of(slots, count);
  const OptimizerArrays slot = slots[chunk.slot];
  const float rate = steps[*index].rate;
  for (Index i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) {
    const float way = rate * slot.gradient[i];
    const float velocity = fmaf(momentum, slot.first_moment[i], -way);
    slot.first_moment[i] = velocity;
    slot.value[i] += nesterov ? fmaf(momentum, velocity, -way) : velocity;
  }
}

/// The same for the average of weights: 12 bytes and 3 flops a number.
__global__ __launch_bounds__(most_threads) void moving_average_kernel(const AverageArrays* slots,
                                                                      int count,
                                                                      const StepScalars* steps,
                                                                      const std::uint32_t* index,
                                                                      const double* norm) {
  if (spoilt(norm)) return;
  const Chunk chunk = chunk_of(slots, count);
  const AverageArrays slot = slots[chunk.slot];
  const float blend = steps[*index].blend;
  for (Index i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) {
    slot.average[i] = fmaf(blend, slot.value[i] - slot.average[i], slot.average[i]);
  }
}

SlotTable<OptimizerArrays>& table_of(Session& session, std::span<const OptimizerSlot> slots) {
  std::vector<OptimizerArrays> arrays;
  arrays.reserve(slots.size());
  for (const OptimizerSlot& slot : slots) {
    arrays.push_back({slot.value.data(), slot.gradient.data(), slot.first_moment.data(),
                      slot.second_moment.data(), slot.value.size(), 0, slot.decay});
  }
  auto& table = SlotTable<OptimizerArrays>::of(session, "optimizer");
  table.assign(session, std::move(arrays));
  return table;
}

}  // namespace

void adamw(Context& context, const AdamwOptions& options, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  Session& session = context.session();
  const auto& table = table_of(session, slots);
  const AdamConstants constants{static_cast<float>(1 - options.adam.beta_1),
                                static_cast<float>(1 - options.adam.beta_2),
                                static_cast<float>(options.adam.epsilon)};
  launch<adamw_kernel>(session, table.extent(session), table.slots(), table.size(), constants,
                       step.steps.data(), step.index.data(), norm.data());
}

void sgd(Context& context, const SgdOptions& options, const CurrentStep& step,
         std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  Session& session = context.session();
  const auto& table = table_of(session, slots);
  launch<sgd_kernel>(session, table.extent(session), table.slots(), table.size(),
                     static_cast<float>(options.momentum), options.nesterov, step.steps.data(),
                     step.index.data(), norm.data());
}

void moving_average(Context& context, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm) {
  Session& session = context.session();
  std::vector<AverageArrays> arrays;
  arrays.reserve(slots.size());
  for (const AverageSlot& slot : slots) {
    arrays.push_back({slot.value.data(), slot.average.data(), slot.value.size()});
  }
  auto& table = SlotTable<AverageArrays>::of(session, "moving_average");
  table.assign(session, std::move(arrays));
  launch<moving_average_kernel>(session, table.extent(session), table.slots(), table.size(),
                                step.steps.data(), step.index.data(), norm.data());
}

}  // namespace serenade::cuda
