// What tools/bench/training compares with other libraries, on features that are drawn, not
// computed:
//   bench_training peak THREADS               multiply-adds a second of the CPU's matrix product
//   bench_training check CONFIG STEPS FOLDER  losses of steps without dropout, a line each; the
//                                             first weights and their names go to FOLDER
//   bench_training time CONFIG THREADS ROWS EPOCHS MEMBERS  seconds of each epoch, a line each,
//                                             waiting for a line of stdin before each; of several
//                                             members, of all their epochs together

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/nn/gemm.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "pipeline/experiment/config.h"
#include "pipeline/features/extractor.h"
#include "pipeline/model/standard_scaler.h"
#include "pipeline/training/trainer.h"

namespace serenade {
namespace {

constexpr Index classes = 8;  // RAVDESS' emotions

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Numbers that Python makes alike, from -2 to 2: mixed well (the last step of MurmurHash3), as
/// near-repetitions make a network that normalises blow up rounding.
void draw(std::span<float> values, std::uint32_t stream) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t word = static_cast<std::uint32_t>(i) + stream * 0x9E3779B9U;
    word = (word ^ (word >> 16U)) * 0x85EBCA6BU;
    word = (word ^ (word >> 13U)) * 0xC2B2AE35U;
    word ^= word >> 16U;
    values[i] = (static_cast<float>(word >> 8U) * 0x1p-24F - 0.5F) * 4.0F;
  }
}

Shape input_of(const ExperimentConfig& config) {
  const Index dims = FeatureExtractor(config.features).dims();
  if (!config.features.statistics.empty()) return {dims, 1};
  if (!config.model.frames) throw ConfigError("the bench needs model.frames");
  return {*config.model.frames, dims};
}

/// Without dropout, whose masks no other library draws.
void leave_out_dropout(std::vector<LayerSpec>& layers) {
  std::erase_if(layers, [](const LayerSpec& layer) {
    return std::holds_alternative<DropoutOptions>(layer.options);
  });
  for (LayerSpec& layer : layers) {
    if (auto* residual = std::get_if<ResidualOptions>(&layer.options)) {
      leave_out_dropout(residual->layers);
    }
  }
}

void write_weights(const Network& network, const std::string& folder) {
  std::ofstream names(folder + "/names.txt"), numbers(folder + "/weights.bin", std::ios::binary);
  for (const Parameter& parameter : network.parameters()) {
    names << parameter.name;
    for (int axis = 0; axis < parameter.value.shape().rank(); ++axis) {
      names << ' ' << parameter.value.extent(axis);
    }
    names << '\n';
    const auto bytes = std::as_bytes(parameter.value.span());
    numbers.write(reinterpret_cast<const char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
  }
  if (!names.flush() || !numbers.flush()) throw IoError(folder + ": cannot be written");
}

/// Plain gradient descent, whose steps do not blow up what is rounding: a library's loss after some
/// steps is ours as long as gradients are.
void check(ExperimentConfig config, int steps, const std::string& folder) {
  leave_out_dropout(config.model.layers);
  const Shape input = input_of(config);
  const Index batch = config.training.batch_size;
  Network network(config.model, input, classes, config.seed);
  write_weights(network, folder);
  Context context;
  Array<float> x(batched(batch, input)), targets({batch, classes}), losses({batch});
  Array<float> dlogits({batch, classes});
  Array<std::uint32_t> utterances({batch});
  std::vector<Array<float>> moments;
  std::vector<OptimizerSlot> slots;
  for (const Parameter& p : network.parameters()) {
    moments.emplace_back(p.value.shape()).fill(0);
    slots.push_back({p.value, p.gradient, moments.back().view(), moments.back().view(), p.decay});
  }
  for (int step = 1; step <= steps; ++step) {
    draw(x.span(), static_cast<std::uint32_t>(step));
    targets.fill(0);
    for (Index b = 0; b < batch; ++b) {
      utterances[b] = static_cast<std::uint32_t>(b);
      targets[b * classes + (b + step) % classes] = 1;
    }
    const StepScalars scalars{.step = static_cast<std::uint32_t>(step)};
    const Steps table(context, {&scalars, 1});
    const TrainingKey key{table.now(), utterances.view()};
    const auto logits = network.forward(context, x.view(), key);
    const double loss =
        softmax_cross_entropy(context, logits, targets.view(), {}, losses.view(), dlogits.view());
    network.backward(context, dlogits.view());
    sgd(context, {}, 0.005, slots);
    fmt::print("{:.9g}\n", loss);
  }
}

void time_training(ExperimentConfig config, int threads, int rows, int epochs, int count) {
  const Shape input = input_of(config);
  const bool vectors = !config.features.statistics.empty();
  const Index frames = vectors ? 1 : input[0], dims = vectors ? input[0] : input[1];
  Array<float> features({Index{rows}, frames, dims});
  draw(features.span(), 1);
  Corpus corpus{"drawn", {}, {}, {}};
  for (Index c = 0; c < classes; ++c) corpus.labels.push_back(std::to_string(c));
  std::vector<std::size_t> training;
  for (int row = 0; row < rows; ++row) {
    Utterance utterance;
    utterance.id = fmt::format("{:08}", row);
    utterance.label = corpus.labels[static_cast<std::size_t>(row % classes)];
    corpus.utterances.push_back(utterance);
    training.push_back(static_cast<std::size_t>(row));
  }
  const DataSet data(corpus, [&](std::size_t row) {
    return Tensor<const float>(features.data() + static_cast<Index>(row) * frames * dims,
                               {frames, dims});
  });
  const Fold fold("all", training, {}, {});
  config.training.epochs = epochs;
  config.training.schedule = {};
  config.training.checkpoint.keep = Keep::last;
  config.training.early_stopping = {};
  std::vector<Member> members;
  StandardScaler none;
  none.mean.assign(static_cast<std::size_t>(dims), 0);
  none.scale.assign(static_cast<std::size_t>(dims), 1);
  for (int i = 0; i < count; ++i) {
    NetworkInput taken(vectors ? InputLayout::statistics : InputLayout::frames, none, frames);
    Network network(config.model, taken.shape(), classes,
                    config.seed + static_cast<std::uint64_t>(i));
    members.emplace_back(fmt::format("member {}", i), std::move(network), std::move(taken),
                         fold.training(), fold.validation(), config.training);
  }
  Context context(threads);
  Observer observer;
  std::string line;
  TrainerHooks hooks;
  if (count == 1) {
    hooks.on_epoch = [&](const Member&, const EpochRecord& epoch) {
      fmt::print("{:.6f}\n", epoch.seconds);
      std::fflush(stdout);
      if (epoch.epoch < epochs) std::getline(std::cin, line);
    };
    std::getline(std::cin, line);
  }
  const auto begin = std::chrono::steady_clock::now();
  Trainer(context, data, observer).train(members, hooks);
  if (count > 1) fmt::print("{:.6f}\n", seconds_since(begin));
}

/// The best of some products that stay in L1 and L2, on every thread at once.
void peak(int threads) {
  constexpr Index rows = 96, depth = 384, columns = 128, share = 200;
  constexpr Index panel = depth * cpu::gemm::panel_width;
  Context context(threads);
  Array<float> a({rows, depth}), b({cpu::gemm::packed_size(depth, columns)});
  Array<float> c({context.threads(), rows, columns});
  draw(a.span(), 1);
  draw(b.span(), 2);
  double best = 0;
  for (int repetition = 0; repetition < 20; ++repetition) {
    const auto begin = std::chrono::steady_clock::now();
    context.parallel(context.threads(), [&](Index thread) {
      for (Index i = 0; i < share; ++i) {
        cpu::gemm::multiply({a.data(), depth, 1}, rows, depth,
                            {b.data(), panel, 0, cpu::gemm::panels(columns)}, columns,
                            cpu::gemm::Start::zeros(), c.data() + thread * rows * columns, columns);
      }
    });
    const double products = static_cast<double>(context.threads() * share * rows * depth * columns);
    best = std::max(best, products / seconds_since(begin));
  }
  fmt::print("{:.6g}\n", best);
}

int number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) {
    throw std::invalid_argument(fmt::format("'{}' is not a number from 1 on", text));
  }
  return value;
}

void run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "peak" && arguments.size() == 2) return peak(number(arguments[1]));
  if (mode == "check" && arguments.size() == 4) {
    return check(load_experiment(arguments[1]), number(arguments[2]), arguments[3]);
  }
  if (mode == "time" && arguments.size() == 6) {
    return time_training(load_experiment(arguments[1]), number(arguments[2]), number(arguments[3]),
                         number(arguments[4]), number(arguments[5]));
  }
  throw std::invalid_argument("see tools/bench/training.cpp for what this takes");
}

}  // namespace
}  // namespace serenade

int main(int count, char** arguments) try {
  serenade::run({arguments + 1, arguments + count});
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_training: {}\n", error.what());
  return 1;
}
