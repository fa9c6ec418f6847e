// How long that takes which a training step does besides its layers: batches are gathered,
// gradients measured, weights changed. Each is first compared with the CPU.
#include <array>
#include <memory>

#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/gather.h"
#include "kernels/nn/gradients.h"
#include "kernels/nn/mixup.h"
#include "kernels/nn/optimizer.h"
#include "kernels/nn/spec_augment.h"
#include "tools/gpu_check/check.h"

namespace serenade::gpu_check {
namespace {

using View = Tensor<const float>;

/// Work on arrays of one device; `result` is what is judged.
struct Work {
  std::function<void()> enqueue;
  std::function<std::vector<float>()> result;
};

/// `make` sets the work up on a context, and owns by the functions what it works on.
Json speed(const std::string& what, double bytes, const std::function<Work(Context&)>& make) {
  Context cpu(emulated ? 2 : 0), gpu(Device::cuda);
  const Work there = make(cpu), here = make(gpu);
  there.enqueue();
  here.enqueue();
  // A handful of roundings, as tests/kernels/nn/training_operation.cpp.
  expect_near(what, here.result(), there.result(), 1e-6);
  Json row{{"bytes", bytes}};
  time_into(row, gpu, here.enqueue);
  return row;
}

/// As many parameters as few networks have: 16 MiB.
constexpr Index size = emulated ? 1000 : Index{4} << 20U;

/// A weight, its gradient and two moments.
struct Parameters {
  explicit Parameters(Context& context)
      : value(to_device(context, draw(size, 50), Shape{size})),
        gradient(to_device(context, draw(size, 51), Shape{size})),
        first(to_device(context, zeros(), Shape{size})),
        second(to_device(context, zeros(), Shape{size})),
        norm(Shape{1}, context.device()) {
    const StepScalars scalars = adamw_step({}, 0.001, 1);
    StepScalars blended = scalars;
    blended.blend = 0.1F;
    steps.assign(context, {&blended, 1});
    gradients = {gradient.view()};
  }
  static std::vector<float> zeros() { return std::vector<float>(static_cast<std::size_t>(size)); }

  Array<float> value, gradient, first, second;
  Array<double> norm;
  Steps steps;
  std::array<Tensor<float>, 1> gradients;
};

/// `change` works on parameters; `judged` says which of their arrays it changes.
template <class Change>
Check of_parameters(const std::string& name, double numbers_moved, Array<float> Parameters::*judged,
                    const Change& change) {
  return {
      name, 5, [=](const std::filesystem::path&) {
        return speed(name, 4 * numbers_moved * static_cast<double>(size), [=](Context& context) {
          const auto all = std::make_shared<Parameters>(context);
          return Work{
              [all, &context, change] { change(context, *all); },
              [all, &context, judged] { return to_host(context, View(((*all).*judged).view())); }};
        });
      }};
}

/// The root of all squares, relative to what it may be.
Check norm_check() {
  return {"nn_global_norm", 5, [](const std::filesystem::path&) {
            return speed("the norm", 4.0 * static_cast<double>(size), [](Context& context) {
              const auto all = std::make_shared<Parameters>(context);
              return Work{
                  [all, &context] { global_norm(context, all->gradients, all->norm.view()); },
                  [all, &context] {
                    const auto found = to_host(context, Tensor<const double>(all->norm.view()));
                    return std::vector<float>{static_cast<float>(found[0])};
                  }};
            });
          }};
}

/// A batch of clips out of a table, standardised.
struct Gathering {
  static constexpr Index clips = emulated ? 6 : 1024, frames = emulated ? 5 : 160;
  static constexpr Index dims = emulated ? 4 : 67, rows = emulated ? 3 : 512, classes = 8;

  explicit Gathering(Context& context)
      : features(to_device(context, draw(clips * frames * dims, 52), Shape{clips * frames, dims})),
        mean(to_device(context, std::vector<double>(dims, 0.1), Shape{dims})),
        scale(to_device(context, std::vector<double>(dims, 0.3), Shape{dims})),
        x(Shape{rows, frames, dims}, context.device()),
        targets(Shape{rows, classes}, context.device()),
        utterances(Shape{rows}, context.device()),
        steps(context, std::array<StepScalars, 1>{}) {
    std::vector<Index> starts;
    std::vector<std::int32_t> words;
    std::vector<std::uint32_t> names, chosen;
    for (Index i = 0; i <= clips; ++i) starts.push_back(i * frames);
    for (Index i = 0; i < clips; ++i) {
      words.push_back(static_cast<std::int32_t>(i % classes));
      names.push_back(static_cast<std::uint32_t>(i));
    }
    // 5 and 1024 have no common divisor, 5 and 6 neither.
    for (Index i = 0; i < rows; ++i) chosen.push_back(static_cast<std::uint32_t>(i * 5 % clips));
    offsets = to_device(context, starts, Shape{clips + 1});
    labels = to_device(context, words, Shape{clips});
    numbers = to_device(context, names, Shape{clips});
    order = to_device(context, chosen, Shape{rows});
  }
  void run(Context& context) {
    gather_batch(context, {features.view(), offsets.view(), labels.view(), numbers.view()},
                 {order.view(), rows, mean.view(), scale.view(), {}, 1, 0}, steps.now().index,
                 {x.view(), targets.view(), utterances.view(), {}});
  }

  Array<float> features;
  Array<double> mean, scale;
  Array<float> x, targets;
  Array<std::uint32_t> utterances;
  Steps steps;
  Array<Index> offsets;
  Array<std::int32_t> labels;
  Array<std::uint32_t> numbers, order;
};

Check gather_check() {
  return {"nn_gather_batch", 5, [](const std::filesystem::path&) {
            constexpr double moved = 8.0 * Gathering::rows * Gathering::frames * Gathering::dims;
            return speed("a batch", moved, [](Context& context) {
              const auto all = std::make_shared<Gathering>(context);
              return Work{[all, &context] { all->run(context); },
                          [all, &context] { return to_host(context, View(all->x.view())); }};
            });
          }};
}

/// A batch of training clips, and what `change` makes of it.
struct Augmented {
  static constexpr Index rows = Gathering::rows, frames = Gathering::frames, dims = Gathering::dims;

  explicit Augmented(Context& context)
      : x(to_device(context, draw(rows * frames * dims, 53), Shape{rows, frames, dims})),
        y(Shape{rows, frames, dims}, context.device()),
        shares(to_device(context, std::vector<float>(rows, 0.7F), Shape{rows})),
        steps(context, std::array<StepScalars, 1>{}) {
    std::vector<std::uint32_t> numbers;
    for (Index i = 0; i < rows; ++i) numbers.push_back(static_cast<std::uint32_t>(i));
    utterances = to_device(context, numbers, Shape{rows});
  }

  Array<float> x, y, shares;
  Array<std::uint32_t> utterances;
  Steps steps;
};

/// numbers_moved: for each number of the clips.
template <class Change>
Check of_clips(const std::string& name, double numbers_moved, Array<float> Augmented::*judged,
               const Change& change) {
  return {name, 5, [=](const std::filesystem::path&) {
            constexpr double numbers = 1.0 * Augmented::rows * Augmented::frames * Augmented::dims;
            return speed(name, 4 * numbers_moved * numbers, [=](Context& context) {
              const auto all = std::make_shared<Augmented>(context);
              return Work{[all, &context, change] { change(context, *all); },
                          [all, &context, judged] {
                            return to_host(context, View(((*all).*judged).view()));
                          }};
            });
          }};
}

}  // namespace

std::vector<Check> step_speeds() {
  return {
      // Read: weight, gradient, moments. Written: all but the gradient.
      of_parameters("nn_adam", 7, &Parameters::value,
                    [](Context& context, Parameters& p) {
                      const std::array slots{OptimizerSlot{p.value.view(), p.gradient.view(),
                                                           p.first.view(), p.second.view()}};
                      adamw(context, {}, p.steps.now(), slots);
                    }),
      of_parameters("nn_sgd_momentum", 5, &Parameters::value,
                    [](Context& context, Parameters& p) {
                      const std::array slots{OptimizerSlot{p.value.view(), p.gradient.view(),
                                                           p.first.view(), p.second.view()}};
                      sgd(context, {.momentum = 0.9}, p.steps.now(), slots);
                    }),
      of_parameters("nn_moving_average", 3, &Parameters::first,
                    [](Context& context, Parameters& p) {
                      const std::array slots{AverageSlot{p.value.view(), p.first.view()}};
                      moving_average(context, p.steps.now(), slots);
                    }),
      of_parameters("nn_l2_gradient", 3, &Parameters::gradient,
                    [](Context& context, Parameters& p) {
                      add_l2_gradient(context, 0.001, p.value.view(), p.gradient.view());
                    }),
      of_parameters("nn_clip_by_global_norm", 3, &Parameters::gradient,
                    [](Context& context, Parameters& p) {
                      clip_by_global_norm(context, 1, p.gradients, p.norm.view());
                    }),
      norm_check(), gather_check(),
      // Two masks of 10 frames and two of 4 columns on average, written alone.
      of_clips("nn_spec_augment", 20.0 / Augmented::frames + 8.0 / Augmented::dims, &Augmented::x,
               [](Context& context, Augmented& a) {
                 spec_augment(context, {}, {1, a.steps.now()}, a.utterances.view(), a.x.view());
               }),
      of_clips("nn_frequency_shift", 2, &Augmented::y,
               [](Context& context, Augmented& a) {
                 frequency_shift(context, {2, 0, Augmented::dims}, {1, a.steps.now()},
                                 a.utterances.view(), a.x.view(), a.y.view());
               }),
      of_clips("nn_mixup", 2, &Augmented::y, [](Context& context, Augmented& a) {
        mixup(context, {a.shares.view(), Augmented::rows, a.steps.now().index}, a.x.view(),
              a.y.view());
      })};
}

}  // namespace serenade::gpu_check
