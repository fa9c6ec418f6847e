// Prints what a training step of each experiment asks of a GPU, as kernels/README.md has it:
// build/step_cost CONFIG... Calculated from the shapes of the network; nothing is run. Counted are
// the launches of the twins in kernels/nn, a library's call as one, and every number that a launch
// reads or writes as if it came from memory.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <string_view>
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
  const int levels = options.levels, ways = 2, blocks = levels * ways;
  for (int part = 0; part < 2 * blocks; ++part) {
    add_product(cost, {numbers, numbers, rows, kernel, false, filters, false}, true);
    cost.add(6, 8 * numbers);                           // batch norm
    cost.add(2, 5 * numbers);                           // ReLU
    if (options.dropout > 0) cost.add(2, 4 * numbers);  // of channels
  }
  cost.add(2 * blocks, 8 * numbers * blocks);              // gates
  cost.add(blocks, 3 * numbers * blocks);                  // gradients through a block and past it
  cost.add(2 * blocks, 2 * (numbers + vectors) * blocks);  // means
  // gradients of levels: added, but for the highest
  cost.add(blocks - ways, 3 * numbers * (blocks - ways));
  cost.add(3, vectors * (2 * blocks + levels + 2));  // the weighted sum
  cost.add(2, 5 * numbers);                          // both directions' gradients
}

/// y = x W + b by rows, within another layer.
void add_dense(Cost& cost, double rows, double in, double out) {
  add_product(cost, {rows * in, rows * out, rows, (in + 1) * out, true, out, false}, false);
}

/// The launches of pipeline/model/layers/squeeze_excitation.h; x [batch, time, channels].
void add_gates(Cost& cost, const SqueezeExcitationOptions& options, double numbers, double batch,
               double channels) {
  const double units = std::max(1.0, std::floor(channels / options.reduction));
  cost.add(2, 2 * (numbers + batch * channels));  // means, and their gradient spread
  add_dense(cost, batch, channels, units);
  cost.add(2, 5 * batch * units);  // ReLU
  add_dense(cost, batch, units, channels);
  cost.add(3, 6 * numbers + 4 * batch * channels);  // gates, the gradients of both factors
  cost.add(1, 3 * numbers);                         // both ways of x
}

/// The launches of pipeline/model/layers/attention_pool.h; x [batch, time, channels].
void add_attention(Cost& cost, const AttentiveStatisticsPoolOptions& options, double numbers,
                   double rows, double channels) {
  const double units = options.units, heads = options.heads ? *options.heads : channels;
  add_dense(cost, rows, channels, units);
  cost.add(2, 5 * rows * units);  // tanh
  add_dense(cost, rows, units, heads);
  cost.add(2, 4 * numbers + 4 * rows * heads);  // the pool and its gradients
  cost.add(1, 3 * numbers);                     // both ways of x
}

/// Throws ConfigError for layers that no shipped experiment has.
void add_layer(Cost& cost, const std::string_view type, const Step& s) {
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
  throw ConfigError(fmt::format("step_cost does not know what {} costs", type));
}

bool has_bias(const LayerSpec& layer) {
  if (const auto* conv = std::get_if<Conv1dOptions>(&layer.options)) return conv->use_bias;
  if (const auto* dense = std::get_if<DenseOptions>(&layer.options)) return dense->use_bias;
  return false;
}

/// The cost of layers one after another over rows of shape `in`, and the shape that they give.
/// first: nobody asks for the gradient of their input.
Shape add_layers(Cost& cost, const std::vector<LayerSpec>& layers, Shape in, double batch,
                 bool first) {
  for (const LayerSpec& spec : layers) {
    LayerSite site;
    site.name = spec.name();
    site.input = in;
    const auto layer = make_layer(spec, site);
    const Shape out = layer->output();
    const double numbers = batch * static_cast<double>(in.size());
    const auto channels = static_cast<double>(in[in.rank() - 1]);
    const double rows = numbers / channels;
    if (const auto* block = std::get_if<ResidualOptions>(&spec.options)) {
      add_layers(cost, block->layers, in, batch, first);
      const double result = batch * static_cast<double>(out.size());
      if (in != out) {
        const auto filters = static_cast<double>(out[out.rank() - 1]);
        add_product(cost,
                    {numbers, result, result / filters, channels * filters, false, filters, first},
                    true);
      }
      cost.add(first ? 1 : 2, 3 * result + (first ? 0 : 3 * numbers));  // both ways, and back
    } else if (const auto* stack = std::get_if<TemporalStackOptions>(&spec.options)) {
      add_stack(cost, *stack, rows, channels, batch, first);
    } else if (const auto* gates = std::get_if<SqueezeExcitationOptions>(&spec.options)) {
      add_gates(cost, *gates, numbers, batch, channels);
    } else if (const auto* pool = std::get_if<AttentiveStatisticsPoolOptions>(&spec.options)) {
      add_attention(cost, *pool, numbers, rows, channels);
    } else {
      double parameters = 0;
      for (const Parameter& parameter : layer->parameters()) {
        parameters += static_cast<double>(parameter.value.size());
      }
      const auto filters = static_cast<double>(out[out.rank() - 1]);
      const double result = batch * static_cast<double>(out.size());
      add_layer(cost, spec.name(),
                {.in = numbers,
                 .out = result,
                 .rows = result / filters,
                 .parameters = parameters,
                 .biased = has_bias(spec),
                 .channels = filters,
                 .first = first});
    }
    in = out;
    first = false;
  }
  return in;
}

Cost cost_of(const ExperimentConfig& config, const Network& network) {
  const auto batch = static_cast<double>(config.training.batch_size);
  Cost cost;
  const double input = batch * static_cast<double>(network.input().size());
  cost.add(2, 2 * input);  // the batch is gathered, its targets too
  if (config.augmentation.frequency_shift > 0) cost.add(1, 2 * input);
  if (config.augmentation.spec_augment) cost.add(1, input);
  if (config.augmentation.mixup > 0) cost.add(1, 3 * input);
  const Shape last = add_layers(cost, network.spec().layers, network.input(), batch, true);
  add_dense(cost, batch, static_cast<double>(last.size()), static_cast<double>(classes));
  cost.add(2, 4 * batch * static_cast<double>(classes));  // the loss, and what is kept of it
  const auto parameters = static_cast<double>(network.parameter_count());
  if (config.training.clip_norm) cost.add(3, 3 * parameters);
  // Adam reads weight, gradient and two moments and writes all but the gradient.
  cost.add(1, 7 * parameters);
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
