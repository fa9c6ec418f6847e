// Prints what a training step of each experiment asks of a GPU, as kernels/README.md has it:
// build/step_cost CONFIG... Calculated from the shapes of the network; nothing is run. Counted are
// the launches of the twins in kernels/nn, a library's call as one, and every number that a launch
// reads or writes as if it came from memory.

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/experiment/config.h"
#include "pipeline/features/extractor.h"
#include "pipeline/model/network.h"

namespace serenade {
namespace {

// RAVDESS has eight emotions, and a corpus of one's own is taken to have as many.
constexpr Index classes = 8;
// An H100 (SXM): memory as kernels/README.md takes it, float32 without tensor cores.
constexpr double bytes_a_second = 3.0e12, flops_a_second = 67e12;
// From one kernel's beginning to that of the next, which waits for it: within a CUDA Graph and
// launched one by one. Assumed: tools/gpu-check is to measure them.
constexpr double seconds_in_graph = 2e-6, seconds_alone = 5e-6;

struct Cost {
  int library = 0, plain = 0;  ///< launches with nn.backend
  double numbers = 0;          ///< read or written
  double flops = 0;            ///< of products; the rest is under a hundredth of them

  void add(int launches, double moved) {
    library += launches;
    plain += launches;
    numbers += moved;
  }
};

/// A layer of a step: [batch, ...] in and out.
struct Step {
  double in, out;
  double rows;  ///< of the output as a matrix
  double parameters;
  bool biased;
  double channels;  ///< of the output
  bool first;       ///< nobody asks for the gradient of its input
};

void add_product(Cost& cost, const Step& s, bool convolution) {
  const double weights = s.parameters - (s.biased ? s.channels : 0);
  const double product = 2 * s.rows * weights;
  cost.add(1, s.in + weights + s.out);  // forward
  cost.add(1, s.in + s.out + weights);  // gradient of the weights
  if (convolution) {
    ++cost.plain;                     // partial sums of the weights' gradient are added
    cost.library += s.first ? 2 : 3;  // cuDNN's weights are turned about for each pass
    cost.numbers += 2 * weights * (s.first ? 2 : 3);
  }
  if (s.biased) cost.add(2, s.out);  // column_sums
  if (!s.first) cost.add(1, s.out + weights + s.in);
  cost.flops += product * (s.first ? 2 : 3);
}

/// The launches of pipeline/model/layers/temporal_stack.cpp; x [rows, channels].
void add_stack(Cost& cost, const TemporalStackOptions& options, double rows, double channels,
               double batch, bool first) {
  const double filters = options.filters, numbers = rows * filters, vectors = batch * filters;
  const double kernel = options.kernel_size * filters * filters;
  add_product(
      cost, {rows * channels, numbers, rows, (channels + 1) * filters, true, filters, first}, true);
  const bool both = options.directions == StackDirections::both;
  const bool pooled = options.output == StackOutput::vector;
  const int levels = options.levels, blocks = levels * (both ? 2 : 1);
  for (int part = 0; part < 2 * blocks; ++part) {
    add_product(cost, {numbers, numbers, rows, kernel, false, filters, false}, true);
    cost.add(6, 8 * numbers);                           // batch norm
    cost.add(2, 5 * numbers);                           // ReLU
    if (options.dropout > 0) cost.add(2, 4 * numbers);  // of channels
  }
  cost.add(2 * blocks, 8 * numbers * blocks);  // gates
  cost.add(blocks, 3 * numbers * blocks);      // gradients through a block and past it
  if (pooled) cost.add(2 * blocks, 2 * (numbers + vectors) * blocks);  // means
  // gradients of levels: added, but for the highest
  cost.add(blocks - blocks / levels, 3 * numbers * (blocks - blocks / levels));
  if (!pooled) cost.add(blocks / levels, 2 * numbers * (blocks / levels));
  const double summand = pooled ? vectors : numbers;
  cost.add(3, summand * (2 * blocks + levels + 2));  // the weighted sum
  if (both) cost.add(2, 5 * numbers);                // both directions' gradients
}

/// Throws ConfigError for layers that no shipped experiment has.
void add_layer(Cost& cost, const std::string& type, const Step& s) {
  const bool back = !s.first;
  if (type == "conv1d") return add_product(cost, s, true);
  if (type == "dense") return add_product(cost, s, false);
  if (type == "batch_norm") return cost.add(6, 3 * s.in + 5 * s.in);
  if (type == "relu") return cost.add(1 + (back ? 1 : 0), 2 * s.in + (back ? 3 * s.in : 0));
  if (type == "max_pool") {
    return cost.add(1 + (back ? 1 : 0), s.in + s.out + (back ? 2 * s.in + s.out : 0));
  }
  if (type == "global_average_pool" || type == "dropout" || type == "flatten") {
    return cost.add(1 + (back ? 1 : 0), (s.in + s.out) * (back ? 2 : 1));
  }
  throw ConfigError("step_cost does not know what " + type + " costs");
}

bool has_bias(const ModelSpec& spec, std::size_t layer) {
  if (layer >= spec.layers.size()) return true;  // the one to the classes
  const auto& options = spec.layers[layer].options;
  if (const auto* conv = std::get_if<Conv1dOptions>(&options)) return conv->use_bias;
  if (const auto* dense = std::get_if<DenseOptions>(&options)) return dense->use_bias;
  return false;
}

Cost cost_of(const ExperimentConfig& config, const Network& network) {
  const auto batch = static_cast<double>(config.training.batch_size);
  Cost cost;
  Shape in = network.input();
  cost.add(2,
           2 * batch * static_cast<double>(in.size()));  // the batch is gathered, its targets too
  const auto layers = network.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Shape& out = layers[i].output;
    const auto channels = static_cast<double>(out[out.rank() - 1]);
    if (layers[i].type == "temporal_stack") {
      const auto& options = std::get<TemporalStackOptions>(network.spec().layers[i].options);
      add_stack(cost, options, batch * static_cast<double>(in[0]), static_cast<double>(in[1]),
                batch, i == 0);
      in = out;
      continue;
    }
    add_layer(cost, layers[i].type,
              {.in = batch * static_cast<double>(in.size()),
               .out = batch * static_cast<double>(out.size()),
               .rows = batch * static_cast<double>(out.size()) / channels,
               .parameters = static_cast<double>(layers[i].parameters),
               .biased = has_bias(network.spec(), i),
               .channels = channels,
               .first = i == 0});
    in = out;
  }
  cost.add(2, 4 * batch * static_cast<double>(classes));  // the loss, and what is kept of it
  // Adam reads weight, gradient and two moments and writes all but the gradient.
  cost.add(1, 7 * static_cast<double>(network.parameter_count()));
  return cost;
}

void print_row(const std::string& file) {
  const ExperimentConfig config = load_experiment(file);
  const Index dims = FeatureExtractor(config.features).dims();
  const Shape input = config.features.statistics.empty()
                          ? Shape{config.model.frames.value_or(1), dims}
                          : Shape{dims, 1};
  const Network network(config.model, input, classes, config.seed);
  const Cost cost = cost_of(config, network);
  const double bytes = cost.numbers * static_cast<double>(sizeof(float));
  const double work = std::max(bytes / bytes_a_second, cost.flops / flops_a_second);
  const double chain = cost.library * seconds_in_graph;
  fmt::print(
      "| {} | {} | {} | {} / {} | {:.1f} | {:.2f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n",
      config.name, to_string(input), network.parameter_count(), cost.library, cost.plain,
      bytes / 1e6, cost.flops / 1e9, 1e6 * bytes / bytes_a_second,
      1e6 * cost.flops / flops_a_second, 1e6 * cost.library * seconds_alone, 1e6 * chain,
      std::max(1.0, chain / work));
}

}  // namespace
}  // namespace serenade

int main(int count, char** arguments) try {
  fmt::print(
      "| experiment | input | parameters | launches, library / plain | MB | Gflop | memory, us | "
      "arithmetic, us | launched, us | in a graph, us | members |\n"
      "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (int i = 1; i < count; ++i) serenade::print_row(arguments[i]);
} catch (const std::exception& error) {
  fmt::print(stderr, "step_cost: {}\n", error.what());
  return 1;
}
