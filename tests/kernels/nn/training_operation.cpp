#include "tests/kernels/nn/training_operation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/device/copy.h"
#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/gather.h"
#include "kernels/nn/gradients.h"
#include "kernels/nn/lengths.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/mixup.h"
#include "kernels/nn/optimizer.h"
#include "kernels/nn/spec_augment.h"
#include "kernels/nn/step.h"
#include "tests/kernels/nn/run_operation.h"

namespace serenade::test {
namespace {

template <class T>
Array<T> placed(Context& context, const std::vector<T>& values, Shape shape) {
  Array<T> array(shape, context.device());
  copy(context, Tensor<const T>(values.data(), shape), array.view());
  return array;
}

Array<float> random_array(Context& context, Index size, std::uint32_t stream) {
  return placed(context, random_values(size, stream), {size});
}

template <class T>
void append(Context& context, Tensor<T> from, std::vector<double>& to) {
  Array<std::remove_const_t<T>> here(from.shape());
  copy(context, Tensor<const std::remove_const_t<T>>(from), here.view());
  for (const auto value : here.span()) to.push_back(static_cast<double>(value));
}

constexpr std::array<Index, 10> sizes{1, 0, 33, 1023, 1024, 1025, 0, 4000, 7, 0};

struct Weights {
  explicit Weights(Context& context) {
    std::uint32_t stream = 0;
    for (const Index size : sizes) {
      values.push_back(random_array(context, size, ++stream));
      gradients.push_back(random_array(context, size, ++stream));
      for (auto* moments : {&first, &second}) {
        moments->push_back(
            placed(context, std::vector<float>(static_cast<std::size_t>(size)), {size}));
      }
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      slots.push_back(
          {values[i].view(), gradients[i].view(), first[i].view(), second[i].view(), i % 2 == 0});
      gradient_views.push_back(gradients[i].view());
    }
  }
  std::vector<double> all(Context& context) const {
    std::vector<double> numbers;
    for (const auto* arrays : {&values, &gradients, &first, &second}) {
      for (const auto& array : *arrays) append(context, array.view(), numbers);
    }
    return numbers;
  }
  std::vector<Array<float>> values, gradients, first, second;
  std::vector<OptimizerSlot> slots;
  std::vector<Tensor<float>> gradient_views;
};

/// The index of the step is raised as finish_step does it.
void set_index(Context& context, Steps& steps, std::uint32_t index) {
  copy(context, Tensor<const std::uint32_t>(&index, Shape{1}), steps.index());
}

/// Three steps of one table, the weights being the same arrays all along.
template <class Step>
std::vector<double> three_steps(Context& context, const std::vector<StepScalars>& scalars,
                                const Step& step) {
  Weights weights(context);
  Steps steps(context, scalars);
  for (std::uint32_t i = 0; i < scalars.size(); ++i) {
    set_index(context, steps, i);
    step(steps.now(), weights);
  }
  return weights.all(context);
}

std::vector<double> run_adamw(Context& context) {
  const AdamwOptions options{{0.8, 0.9, 1e-5}, 0.1};
  std::vector<StepScalars> scalars;
  for (const int step : {1, 2, 3}) scalars.push_back(adamw_step(options, 0.01 * step, step));
  return three_steps(context, scalars, [&](const CurrentStep& now, const Weights& weights) {
    adamw(context, options, now, weights.slots);
  });
}

std::vector<double> run_sgd(Context& context, const SgdOptions& options) {
  std::vector<StepScalars> scalars;
  for (const int step : {1, 2, 3}) scalars.push_back(sgd_step(0.1 * step, step));
  return three_steps(context, scalars, [&](const CurrentStep& now, const Weights& weights) {
    sgd(context, options, now, weights.slots);
  });
}

std::vector<double> run_moving_average(Context& context) {
  std::vector<StepScalars> scalars(3);
  for (std::size_t i = 0; i < 3; ++i) scalars[i].blend = 0.25F * static_cast<float>(i + 1);
  return three_steps(context, scalars, [&](const CurrentStep& now, Weights& weights) {
    std::vector<AverageSlot> slots;
    for (std::size_t i = 0; i < weights.values.size(); ++i) {
      slots.push_back({weights.gradients[i].view(), weights.values[i].view()});
    }
    moving_average(context, now, slots);
  });
}

/// Nothing of the weights may change where the norm is no number.
std::vector<double> run_spoilt(Context& context, double bad) {
  const auto norm = placed(context, std::vector<double>{bad}, {1});
  const AdamwOptions options;
  return three_steps(context, {adamw_step(options, 1, 1)},
                     [&](const CurrentStep& now, Weights& weights) {
                       adamw(context, options, now, weights.slots, norm.view());
                       sgd(context, {}, now, weights.slots, norm.view());
                       const std::vector<AverageSlot> slots{
                           {weights.gradients[3].view(), weights.values[3].view()}};
                       moving_average(context, now, slots, norm.view());
                     });
}

std::vector<double> run_norms(Context& context) {
  Weights weights(context);
  Array<double> norm(Shape{1}, context.device());
  std::vector<double> numbers;
  global_norm(context, weights.gradient_views, norm.view());
  append(context, norm.view(), numbers);
  // Beyond the norm, which changes nothing; half of it; and of other arrays in between.
  for (const double limit : {2 * numbers[0], numbers[0] / 2}) {
    clip_by_global_norm(context, limit, weights.gradient_views, norm.view());
    append(context, norm.view(), numbers);
    const std::vector<Tensor<float>> one{weights.values[4].view()};
    clip_by_global_norm(context, 1, one, norm.view());
    append(context, norm.view(), numbers);
  }
  const std::vector<double> all = weights.all(context);
  numbers.insert(numbers.end(), all.begin(), all.end());
  return numbers;
}

/// Gradients that hold an infinity stay as they are.
std::vector<double> run_infinite_norm(Context& context) {
  const auto infinity = std::vector<float>{1, std::numeric_limits<float>::infinity(), 3};
  const auto spoilt = placed(context, infinity, {3});
  const auto sound = random_array(context, 40, 1);
  Array<float> other(Shape{40}, context.device()), bad(Shape{3}, context.device());
  copy(context, sound.view(), other.view());
  copy(context, spoilt.view(), bad.view());
  Array<double> norm(Shape{1}, context.device());
  const std::vector<Tensor<float>> gradients{other.view(), bad.view()};
  clip_by_global_norm(context, 1, gradients, norm.view());
  std::vector<double> numbers, found;
  append(context, other.view(), numbers);
  append(context, bad.view(), numbers);
  append(context, norm.view(), found);
  numbers.push_back(std::isfinite(found[0]) ? 1 : 0);
  numbers[41] = std::isinf(numbers[41]) ? 1 : 0;
  return numbers;
}

std::vector<double> run_l2(Context& context) {
  const auto value = random_array(context, 5000, 1);
  auto gradient = random_array(context, 5000, 2);
  add_l2_gradient(context, 0.05, value.view(), gradient.view());
  std::vector<double> numbers;
  append(context, gradient.view(), numbers);
  return numbers;
}

/// Two full batches and a short one, whose losses are those of their logits.
std::vector<double> run_records(Context& context, Index batch, Index classes) {
  constexpr Index all = 3;
  Steps steps(context, std::vector<StepScalars>(all));
  const auto filled = [&]<class T>(T value, Shape shape) {
    return placed(context, std::vector<T>(static_cast<std::size_t>(shape.size()), value), shape);
  };
  auto losses = filled(-1.0, {all, batch});
  auto chosen = filled(std::int32_t{-1}, {all, batch});
  auto norms = filled(-1.0, {all});
  const StepRecords records{losses.view(), chosen.view(), norms.view()};
  for (Index step = 0; step < all; ++step) {
    const Index rows = step + 1 < all ? batch : std::max<Index>(batch / 2, 1);
    auto values = random_values(rows * classes, static_cast<std::uint32_t>(step));
    for (float& value : values) value = std::round(4 * value);  // equals among them
    const auto logits = placed(context, values, {rows, classes});
    const auto targets = filled(1.0F / static_cast<float>(classes), {rows, classes});
    Array<double> of_rows(Shape{rows}, context.device());
    row_losses(context, logits.view(), targets.view(), {}, of_rows.view(), {});
    const auto norm = filled(static_cast<double>(step) + 0.5, {1});
    finish_step(context, of_rows.view(), logits.view(),
                step == 1 ? Tensor<const double>{} : norm.view(), records, steps.index());
  }
  std::vector<double> numbers;
  append(context, losses.view(), numbers);
  append(context, chosen.view(), numbers);
  append(context, norms.view(), numbers);
  append(context, steps.index(), numbers);
  return numbers;
}

/// Clips of 1, 4, 9 and 20 frames in batches of three, the last one short.
/// by_clip: of three scalers each clip has one.
std::vector<double> run_gather(Context& context, Index frames, Index dims, bool weighted,
                               bool cropped = false, bool by_clip = false) {
  const std::vector<Index> offsets{0, 1, 5, 14, 34};
  const auto place = [&]<class T>(const std::vector<T>& values) {
    return placed(context, values, {static_cast<Index>(values.size())});
  };
  const auto features = placed(context, random_values(34 * dims, 1), {34, dims});
  const auto first = place(offsets);
  const auto labels = place(std::vector<std::int32_t>{2, 0, 1, 2});
  const auto numbers = place(std::vector<std::uint32_t>{7, 8, 4000000000U, 9});
  const auto clips = place(std::vector<std::uint32_t>{3, 0, 2, 1, 3, 3, 0});
  // Longer clips have 20, 1, 9, 4, 20, 20 and 1 frames, in this order.
  const auto late = [&](Index given) {
    return static_cast<std::uint32_t>(std::max<Index>(given - frames, 0));
  };
  const auto starts = place(
      std::vector<std::uint32_t>{late(20), 0, late(9) / 2, late(4), 0, late(20) / 3, late(1)});
  std::vector<double> centre(static_cast<std::size_t>(dims), 0.1), spread(centre.size(), 0.3);
  const auto mean = place(centre), scale = place(spread);
  const auto to_double = [&](std::uint32_t seed) {
    const auto values = random_values(3 * dims, seed);
    std::vector<double> wide(values.begin(), values.end());
    for (double& one : wide) one = 0.5 + std::abs(one);
    return placed(context, wide, {3, dims});
  };
  const auto centres = to_double(2), spreads = to_double(3);
  const auto scaler_of = place(std::vector<std::uint32_t>{2, 0, 1, 2});
  const auto class_weights = place(std::vector<float>{0.5F, 1, 2});
  const ClipTable table{features.view(), first.view(), labels.view(), numbers.view()};
  const EpochOrder order{clips.view(),
                         3,
                         by_clip ? centres.view() : mean.view(),
                         by_clip ? spreads.view() : scale.view(),
                         weighted ? class_weights.view() : Tensor<const float>{},
                         0.9F,
                         0.05F,
                         cropped ? starts.view() : Tensor<const std::uint32_t>{},
                         by_clip ? scaler_of.view() : Tensor<const std::uint32_t>{}};
  Steps steps(context, std::vector<StepScalars>(3));
  std::vector<double> all;
  for (std::uint32_t i = 0; i < 3; ++i) {
    set_index(context, steps, i);
    const Index rows = i < 2 ? 3 : 1;
    Array<float> x(Shape{rows, frames, dims}, context.device());
    Array<float> targets(Shape{rows, 3}, context.device()), weights(Shape{rows}, context.device());
    Array<std::uint32_t> utterances(Shape{rows}, context.device());
    Array<std::int32_t> lengths(Shape{rows}, context.device());
    gather_batch(
        context, table, order, steps.now().index,
        {x.view(), targets.view(), utterances.view(), weighted ? weights.view() : Tensor<float>{},
         weighted ? lengths.view() : Tensor<std::int32_t>{}});
    if (weighted) append(context, lengths.view(), all);
    append(context, x.view(), all);
    append(context, targets.view(), all);
    append(context, utterances.view(), all);
    if (weighted) append(context, weights.view(), all);
  }
  return all;
}

/// Windows within a clip, at its end and beyond it, in two calls.
std::vector<double> run_windows(Context& context, Index frames, Index dims, bool own = false) {
  const auto place = [&]<class T>(const std::vector<T>& values) {
    return placed(context, values, {static_cast<Index>(values.size())});
  };
  const auto features = placed(context, random_values(34 * dims, 1), {34, dims});
  const auto first = place(std::vector<Index>{0, 14, 24, 33, 5});
  const auto given = place(std::vector<Index>{1, 20, 10, 1, 9});
  const std::vector<double> centre(static_cast<std::size_t>(dims), 0.1);
  const auto mean = place(centre), scale = place(std::vector<double>(centre.size(), 0.3));
  std::vector<double> centres(static_cast<std::size_t>(3 * dims)), spreads(centres.size());
  for (std::size_t i = 0; i < centres.size(); ++i) {
    centres[i] = 0.01 * static_cast<double>(i);
    spreads[i] = 0.3 + 0.02 * static_cast<double>(i);
  }
  const auto mean_of = placed(context, centres, {3, dims});
  const auto scale_of = placed(context, spreads, {3, dims});
  const auto which = place(std::vector<std::uint32_t>{2, 0, 1, 1, 0});
  WindowTable table{first.view(), given.view(), mean.view(), scale.view()};
  if (own) table = {first.view(), given.view(), mean_of.view(), scale_of.view(), which.view()};
  std::vector<double> all;
  for (const auto& [begin, end] : {std::pair<Index, Index>{0, 3}, {3, 5}, {5, 5}}) {
    Array<float> x(Shape{end - begin, frames, dims}, context.device());
    gather_windows(context, features.view(), table, begin, x.view());
    append(context, x.view(), all);
  }
  return all;
}

/// A batch of training clips and two steps of it: what `change` makes of it in both.
template <class Change>
std::vector<double> of_two_steps(Context& context, const Shape& shape, const Change& change) {
  std::vector<std::uint32_t> numbers;
  for (Index row = 0; row < shape[0]; ++row) {
    numbers.push_back(0xFFFFFFF0U + static_cast<std::uint32_t>(7 * row));
  }
  const auto clips = placed(context, numbers, {shape[0]});
  Steps steps(context, std::vector<StepScalars>{{8}, {9}});
  std::vector<double> all;
  for (std::uint32_t i = 0; i < 2; ++i) {
    set_index(context, steps, i);
    const auto x = placed(context, random_values(shape.size(), 1), shape);
    Array<float> y(shape, context.device());
    change(AugmentationKey{3, steps.now()}, Tensor<const std::uint32_t>(clips.view()), x, y);
    append(context, y.view(), all);
  }
  return all;
}

std::vector<double> run_spec_augment(Context& context, const Shape& shape,
                                     const SpecAugmentOptions& options) {
  return of_two_steps(context, shape,
                      [&](const AugmentationKey& key, auto clips, const auto& x, auto& y) {
                        copy(context, Tensor<const float>(x.view()), y.view());
                        spec_augment(context, options, key, clips, y.view());
                      });
}

std::vector<double> run_frequency_shift(Context& context, const Shape& shape,
                                        const FrequencyShift& how) {
  return of_two_steps(context, shape,
                      [&](const AugmentationKey& key, auto clips, const auto& x, auto& y) {
                        frequency_shift(context, how, key, clips, x.view(), y.view());
                      });
}

std::vector<double> run_mixup(Context& context, const Shape& shape) {
  std::vector<float> shares;
  for (Index i = 0; i < 2 * shape[0]; ++i) {
    shares.push_back(mixup_share(0.3, 1, static_cast<std::uint32_t>(i), 2));
  }
  const auto there = placed(context, shares, {2 * shape[0]});
  return of_two_steps(
      context, shape, [&](const AugmentationKey& key, auto, const auto& x, auto& y) {
        mixup(context, {there.view(), shape[0], key.step.index}, x.view(), y.view());
      });
}

std::vector<double> run_mixup_lengths(Context& context, const std::vector<std::int32_t>& lengths) {
  const auto x = placed(context, lengths, {static_cast<Index>(lengths.size())});
  Array<std::int32_t> y(x.shape(), context.device());
  mixup_lengths(context, x.view(), y.view());
  std::vector<double> all;
  append(context, y.view(), all);
  return all;
}

/// What 70 rows of 1 to 9 steps come to behind a layer that halves them.
std::vector<double> run_map_lengths(Context& context) {
  std::vector<std::int32_t> lengths, halves;
  for (std::int32_t row = 0; row < 70; ++row) lengths.push_back(1 + row * 5 % 9);
  for (std::int32_t steps = 0; steps < 10; ++steps) halves.push_back((steps + 1) / 2);
  const auto in = placed(context, lengths, {70});
  const auto table = placed(context, halves, {10});
  Array<std::int32_t> out(in.shape(), context.device());
  map_lengths(context, in.view(), table.view(), out.view());
  std::vector<double> all;
  append(context, out.view(), all);
  return all;
}

}  // namespace

std::vector<TrainingOperation> training_operations() {
  constexpr double few_roundings = 1e-6;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {
      {"adamw", run_adamw, few_roundings},
      {"sgd", [](Context& c) { return run_sgd(c, {}); }, few_roundings},
      {"sgd_momentum",
       [](Context& c) {
         return run_sgd(c, {0.9, false});
       },
       few_roundings},
      {"sgd_nesterov",
       [](Context& c) {
         return run_sgd(c, {0.9, true});
       },
       few_roundings},
      {"moving_average", run_moving_average, few_roundings},
      {"spoilt_by_nan", [=](Context& c) { return run_spoilt(c, nan); }, 0},
      {"spoilt_by_infinity",
       [](Context& c) { return run_spoilt(c, -std::numeric_limits<double>::infinity()); }, 0},
      {"norms", run_norms, few_roundings},
      {"infinite_norm", run_infinite_norm, 0},
      {"l2", run_l2, few_roundings},
      {"gather_short", [](Context& c) { return run_gather(c, 3, 5, true); }, 0},
      {"gather_long", [](Context& c) { return run_gather(c, 12, 40, false); }, 0},
      {"gather_by_clip", [](Context& c) { return run_gather(c, 12, 40, true, false, true); }, 0},
      {"gather_statistics_by_clip",
       [](Context& c) { return run_gather(c, 1, 129, false, false, true); }, 0},
      {"gather_statistics", [](Context& c) { return run_gather(c, 1, 129, true); }, 0},
      {"windows_short", [](Context& c) { return run_windows(c, 3, 5); }, 0},
      {"windows_long", [](Context& c) { return run_windows(c, 25, 40); }, 0},
      {"windows_by_clip", [](Context& c) { return run_windows(c, 12, 7, true); }, 0},
      {"gather_cropped", [](Context& c) { return run_gather(c, 3, 5, true, true); }, 0},
      {"gather_cropped_long", [](Context& c) { return run_gather(c, 12, 4, false, true); }, 0},
      {"spec_augment",
       [](Context& c) {
         return run_spec_augment(c, {5, 70, 33}, {3, 40, 2, 20});
       },
       0},
      {"spec_augment_narrow",
       [](Context& c) {
         return run_spec_augment(c, {3, 1, 1}, {2, 5, 1, 2});
       },
       0},
      {"spec_augment_wide",
       [](Context& c) {
         return run_spec_augment(c, {2, 3, 700}, {1, 1, 3, 600});
       },
       0},
      {"frequency_shift",
       [](Context& c) {
         return run_frequency_shift(c, {6, 37, 65}, {4, 0, 65});
       },
       0},
      {"frequency_shift_of_some",
       [](Context& c) {
         return run_frequency_shift(c, {4, 3, 9}, {20, 2, 4});
       },
       0},
      {"mixup",
       [](Context& c) {
         return run_mixup(c, {5, 31, 9});
       },
       0},
      {"mixup_of_one",
       [](Context& c) {
         return run_mixup(c, {1, 3, 11});
       },
       0},
      {"mixup_of_lengths",
       [](Context& c) {
         return run_mixup_lengths(c, {5, 9, 1, 7, 7, 2});
       },
       0},
      {"mixup_of_one_length", [](Context& c) { return run_mixup_lengths(c, {4}); }, 0},
      {"map_lengths", run_map_lengths, 0},
      {"mixup_of_weights", [](Context& c) { return run_mixup(c, {300}); }, 0},
      // float64 sums in another order, and another exp
      {"records_32_8", [](Context& c) { return run_records(c, 32, 8); }, 1e-12},
      {"records_1_1", [](Context& c) { return run_records(c, 1, 1); }, 1e-12},
      {"records_300_70", [](Context& c) { return run_records(c, 300, 70); }, 1e-12}};
}

void expect_close(const TrainingOperation& operation, const std::vector<double>& cpu,
                  const std::vector<double>& found) {
  ASSERT_EQ(found.size(), cpu.size()) << operation.name;
  double largest = 1;
  for (const double value : cpu) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    ASSERT_LE(std::abs(found[i] - cpu[i]), operation.tolerance * largest)
        << operation.name << ", number " << i << ": found " << found[i] << ", the CPU's is "
        << cpu[i];
  }
}

}  // namespace serenade::test
