#include "tests/kernels/nn/operation_case.h"

#include <algorithm>
#include <array>
#include <memory>

#include "kernels/device/copy.h"
#include "kernels/nn/add.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/channel_dropout.h"
#include "kernels/nn/dense.h"
#include "kernels/nn/dropout.h"
#include "kernels/nn/layer_norm.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/statistics_pool.h"
#include "tests/kernels/nn/case_support.h"

namespace serenade::test {
namespace {

/// Changes numbers on any device by a function of the host's.
template <class Change>
void change(Context& context, Tensor<float> numbers, const Change& change) {
  Array<float> here(numbers.shape());
  copy(context, Tensor<const float>(numbers), here.view());
  for (float& value : here.span()) value = change(value);
  copy(context, Tensor<const float>(here.view()), numbers);
}

/// An optional last input.
View bias_of(const Inputs& in, bool used) { return used ? in[2] : View{}; }
Doubles bias_of(const std::vector<Doubles>& in, bool used) { return used ? in[2] : Doubles{}; }
Tensor<float> bias_of(const Gradients& gradients, bool used) {
  return used ? gradients[2] : Tensor<float>{};
}

}  // namespace

OperationCase conv1d_case(Index batch, Index time, Index channels, const Conv1dOptions& options) {
  OperationCase c;
  const bool biased = options.use_bias;
  const Index out_time = conv1d_output_time(options, time);
  c.name = named("conv1d_" + std::string(enum_name(options.padding)),
                 {batch, time, channels, options.filters, options.kernel_size}) +
           (biased ? "" : "_unbiased") +
           named("", {options.stride, options.dilation, options.groups});
  c.inputs = {Shape{batch, time, channels},
              Shape{options.kernel_size, channels / options.groups, options.filters}};
  if (biased) c.inputs.push_back(Shape{options.filters});
  c.output = Shape{batch, out_time, options.filters};
  c.terms =
      std::max(options.kernel_size * std::max<Index>(channels, options.filters), batch * out_time);
  c.definition = [=](const std::vector<Doubles>& in) {
    const reference::Convolution how{
        options.kernel_size,
        options.filters,
        reference::Convolution::Padding{static_cast<int>(options.padding)},
        options.stride,
        options.dilation,
        options.groups};
    return reference::conv1d(in[0], extents(batch, time, channels), in[1], how,
                             bias_of(in, biased));
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    conv1d(context, options, in[0], in[1], bias_of(in, biased), y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    conv1d_backward_data(context, options, in[1], dy, gradients[0]);
    conv1d_backward_weights(context, options, in[0], dy, gradients[1], bias_of(gradients, biased));
  };
  c.on_rows = [=](Index rows, Index) { return conv1d_case(rows, time, channels, options); };
  return c;
}

OperationCase dense_case(Index batch, Index features, Index units, bool use_bias) {
  OperationCase c;
  c.name = named("dense", {batch, features, units}) + (use_bias ? "" : "_unbiased");
  c.inputs = {Shape{batch, features}, Shape{features, units}};
  if (use_bias) c.inputs.push_back(Shape{units});
  c.output = Shape{batch, units};
  c.terms = std::max({batch, features, units});
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::dense(in[0], small(batch), small(features), in[1], small(units),
                            bias_of(in, use_bias));
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    dense(context, in[0], in[1], bias_of(in, use_bias), y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    dense_backward_data(context, in[1], dy, gradients[0]);
    dense_backward_weights(context, in[0], dy, gradients[1], bias_of(gradients, use_bias));
  };
  c.on_rows = [=](Index rows, Index) { return dense_case(rows, features, units, use_bias); };
  return c;
}

OperationCase batch_norm_case(Index batch, Index time, Index channels) {
  OperationCase c;
  const BatchNormOptions options;
  c.name = named("batch_norm", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}, Shape{channels}, Shape{channels}};
  c.output = c.inputs[0];
  c.terms = batch * time;
  c.definition = [=](const std::vector<Doubles>& in) {
    const int rows = small(batch * time);
    return reference::batch_norm(in[0], rows, small(channels),
                                 reference::column_moments(in[0], rows, small(channels)), in[1],
                                 in[2], options.epsilon);
  };
  const auto memory = std::make_shared<Aside<float>>(Shape{4, channels});
  const auto statistics = [=](Context& context) {
    const auto view = memory->on(context);
    return BatchNormStatistics{view.row(0), view.row(1), view.row(2), view.row(3)};
  };
  c.finish = [=] { memory->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    batch_norm(context, options, in[0], in[1], in[2], statistics(context), y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    batch_norm_backward(context, in[0], in[1], statistics(context), dy, gradients[0], gradients[1],
                        gradients[2]);
  };
  return c;
}

OperationCase batch_norm_inference_case(Index batch, Index time, Index channels) {
  OperationCase c;
  const BatchNormOptions options;
  c.name = named("batch_norm_inference", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}, Shape{channels}, Shape{channels}, Shape{channels}};
  c.output = c.inputs[0];
  const auto variance = std::make_shared<Aside<float>>(Shape{channels});
  variance->here().fill(0.75F);
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::batch_norm(in[0], small(batch * time), small(channels),
                                 {in[3], Doubles(in[3].size(), 0.75)}, in[1], in[2],
                                 options.epsilon);
  };
  c.finish = [=] { variance->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    batch_norm_inference(context, options, in[0], in[1], in[2], in[3], variance->on(context), y);
  };
  c.on_rows = [=](Index rows, Index) { return batch_norm_inference_case(rows, time, channels); };
  return c;
}

OperationCase layer_norm_case(Index batch, Index time, Index channels) {
  OperationCase c;
  const LayerNormOptions options;
  c.name = named("layer_norm", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}, Shape{channels}, Shape{channels}};
  c.output = c.inputs[0];
  c.terms = std::max(channels, batch * time);
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::layer_norm(in[0], small(batch * time), small(channels), in[1], in[2],
                                 options.epsilon);
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    layer_norm(context, options, in[0], in[1], in[2], y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    layer_norm_backward(context, options, in[0], in[1], dy, gradients[0], gradients[1],
                        gradients[2]);
  };
  c.on_rows = [=](Index rows, Index) { return layer_norm_case(rows, time, channels); };
  return c;
}

OperationCase activation_case(Index batch, Index time, Index channels,
                              const ActivationOptions& options) {
  struct Definition {
    Doubles operator()(const LeakyReluOptions& o) const {
      return reference::leaky_relu(x, o.negative_slope);
    }
    Doubles operator()(const EluOptions& o) const { return reference::elu(x, o.alpha); }
    Doubles operator()(const GeluOptions&) const { return reference::gelu(x); }
    Doubles operator()(const SiluOptions&) const { return reference::silu(x); }
    Doubles operator()(const TanhOptions&) const { return reference::tanh(x); }
    const Doubles& x;
  };
  constexpr std::array<const char*, 5> names{"leaky_relu", "elu", "gelu", "silu", "tanh"};
  OperationCase c;
  c.name = named(names.at(options.index()), {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}};
  c.output = c.inputs[0];
  c.definition = [=](const std::vector<Doubles>& in) {
    return std::visit(Definition{in[0]}, options);
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    activation(context, options, in[0], y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    activation_backward(context, options, in[0], dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return activation_case(rows, time, channels, options); };
  return c;
}

OperationCase add_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name = named("add", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}, Shape{batch, time, channels}};
  c.output = c.inputs[0];
  c.definition = [](const std::vector<Doubles>& in) {
    Doubles y = in[0];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += in[1][i];
    return y;
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    add(context, in[0], in[1], y);
  };
  return c;
}

OperationCase relu_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name = named("relu", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}};
  c.output = c.inputs[0];
  c.definition = [](const std::vector<Doubles>& in) { return reference::relu(in[0]); };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) { relu(context, in[0], y); };
  c.backward = [](Context& context, const Inputs&, View y, View dy, const Gradients& gradients) {
    relu_backward(context, y, dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return relu_case(rows, time, channels); };
  return c;
}

OperationCase max_pool_case(Index batch, Index time, Index channels,
                            const MaxPoolOptions& options) {
  OperationCase c;
  const int stride = options.stride.value_or(options.pool_size);
  c.name = named("max_pool", {batch, time, channels, options.pool_size, stride});
  c.inputs = {Shape{batch, time, channels}};
  c.output = Shape{batch, pool_output_time(options, time), channels};
  c.terms = (options.pool_size + stride - 1) / stride;
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::max_pool(in[0], extents(batch, time, channels), options.pool_size, stride);
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    max_pool(context, options, in[0], y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    max_pool_backward(context, options, in[0], dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return max_pool_case(rows, time, channels, options); };
  return c;
}

OperationCase average_pool_case(Index batch, Index time, Index channels,
                                const AveragePoolOptions& options) {
  OperationCase c;
  const int stride = options.stride.value_or(options.pool_size);
  c.name = named("average_pool", {batch, time, channels, options.pool_size, stride});
  c.inputs = {Shape{batch, time, channels}};
  c.output = Shape{batch, pool_output_time(options, time), channels};
  c.terms = options.pool_size;
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::average_pool(in[0], extents(batch, time, channels), options.pool_size,
                                   stride);
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    average_pool(context, options, in[0], y);
  };
  c.backward = [=](Context& context, const Inputs&, View, View dy, const Gradients& gradients) {
    average_pool_backward(context, options, dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return average_pool_case(rows, time, channels, options); };
  return c;
}

OperationCase statistics_pool_case(Index batch, Index time, Index channels) {
  OperationCase c;
  const StatisticsPoolOptions options{0.01};
  c.name = named("statistics_pool", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}};
  c.output = Shape{batch, 2 * channels};
  c.terms = time;
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::statistics_pool(in[0], extents(batch, time, channels), options.epsilon);
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    statistics_pool(context, options, in[0], y);
  };
  c.backward = [](Context& context, const Inputs& in, View y, View dy, const Gradients& gradients) {
    statistics_pool_backward(context, in[0], y, dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return statistics_pool_case(rows, time, channels); };
  return c;
}

OperationCase global_average_pool_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name = named("global_average_pool", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}};
  c.output = Shape{batch, channels};
  c.terms = time;
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::global_average_pool(in[0], extents(batch, time, channels));
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    global_average_pool(context, in[0], y);
  };
  c.backward = [](Context& context, const Inputs&, View, View dy, const Gradients& gradients) {
    global_average_pool_backward(context, dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return global_average_pool_case(rows, time, channels); };
  return c;
}

OperationCase global_max_pool_case(Index batch, Index time, Index channels) {
  OperationCase c;
  c.name = named("global_max_pool", {batch, time, channels});
  c.inputs = {Shape{batch, time, channels}};
  c.output = Shape{batch, channels};
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::max_pool(in[0], extents(batch, time, channels), small(time), 1);
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    global_max_pool(context, in[0], y);
  };
  c.backward = [](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    global_max_pool_backward(context, in[0], dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index) { return global_max_pool_case(rows, time, channels); };
  return c;
}

namespace {

/// Dropout of either kind on rows that are numbered from `first` on.
template <class Options, class Operation, class Definition>
OperationCase mask_case(const std::string& name, const Shape& x, const Options& options,
                        Index first, const Operation& operation, const Definition& definition) {
  OperationCase c;
  c.name = named(name, {x[0], x[1], x[2], static_cast<Index>(options.rate * 100)});
  c.inputs = {x};
  c.output = x;
  const auto utterances = std::make_shared<Aside<std::uint32_t>>(Shape{x[0]});
  for (Index b = 0; b < x[0]; ++b) {
    (*utterances)[b] = static_cast<std::uint32_t>(1000 + 7 * (first + b));
  }
  constexpr std::uint64_t seed = 12345678901234567ULL;
  constexpr std::uint32_t step = 42, layer = 3;
  const auto apply = [=](Context& context, View from, Tensor<float> to) {
    // The one before is done.
    const std::array<StepScalars, 2> scalars{StepScalars{step - 1}, StepScalars{step}};
    Steps steps(context, scalars);
    const std::uint32_t second = 1;
    copy(context, Tensor<const std::uint32_t>(&second, Shape{1}), steps.index());
    operation(context, options, {seed, steps.now(), layer}, utterances->on(context), from, to);
  };
  c.definition = [=](const std::vector<Doubles>& in) {
    return definition(in[0], extents(x[0], x[1], x[2]), options.rate, seed, step, layer,
                      utterances->here().span());
  };
  c.finish = [=] { utterances->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    apply(context, in[0], y);
  };
  c.backward = [=](Context& context, const Inputs&, View, View dy, const Gradients& gradients) {
    apply(context, dy, gradients[0]);
  };
  c.on_rows = [=](Index rows, Index begin) {
    return mask_case(name, Shape{rows, x[1], x[2]}, options, begin, operation, definition);
  };
  return c;
}

}  // namespace

OperationCase dropout_case(Index batch, Index time, Index channels, double rate, Index first) {
  const auto definition = [](const Doubles& x, reference::Extents shape, auto... key) {
    return reference::dropout(x, shape.batch, key...);
  };
  return mask_case("dropout", {batch, time, channels}, DropoutOptions{rate}, first, &dropout,
                   definition);
}

OperationCase channel_dropout_case(Index batch, Index time, Index channels, double rate,
                                   Index first) {
  return mask_case("channel_dropout", {batch, time, channels}, ChannelDropoutOptions{rate}, first,
                   &channel_dropout, reference::channel_dropout);
}

OperationCase softmax_case(Index batch, Index classes) {
  OperationCase c;
  c.name = named("softmax", {batch, classes});
  c.inputs = {Shape{batch, classes}};
  c.output = c.inputs[0];
  c.definition = [=](const std::vector<Doubles>& in) {
    return reference::softmax(in[0], small(batch), small(classes));
  };
  c.forward = [](Context& context, const Inputs& in, Tensor<float> y) {
    softmax(context, in[0], y);
  };
  c.on_rows = [=](Index rows, Index) { return softmax_case(rows, classes); };
  return c;
}

OperationCase loss_case(Index batch, Index classes) {
  OperationCase c;
  c.name = named("softmax_cross_entropy", {batch, classes});
  c.inputs = {Shape{batch, classes}};
  c.output = Shape{1};
  c.terms = batch * classes;
  const auto targets = std::make_shared<Aside<float>>(Shape{batch, classes});
  const auto weights = std::make_shared<Aside<float>>(Shape{batch});
  for (Index b = 0; b < batch; ++b) {
    (*weights)[b] = b == 1 ? 0.0F : 0.5F + static_cast<float>(b);
    for (Index k = 0; k < classes; ++k) {  // soft, and not of sum 1
      (*targets)[b * classes + k] = k == b % classes ? 0.75F : 0.125F;
    }
  }
  c.definition = [=](const std::vector<Doubles>& in) {
    const Doubles soft(targets->here().span().begin(), targets->here().span().end());
    const Doubles losses = reference::cross_entropy(in[0], soft, small(batch), small(classes));
    double sum = 0, weight = 0;
    for (std::size_t b = 0; b < losses.size(); ++b) {
      sum += losses[b] * double{weights->here().span()[b]};
      weight += double{weights->here().span()[b]};
    }
    return Doubles{sum / weight};
  };
  const auto loss = [=](Context& context, View logits, Tensor<float> dlogits) {
    Array<float> losses(Shape{batch}, context.device());
    return softmax_cross_entropy(context, logits, targets->on(context), weights->on(context),
                                 losses.view(), dlogits);
  };
  c.finish = [=] {
    targets->forget();
    weights->forget();
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    const auto mean = static_cast<float>(loss(context, in[0], {}));
    change(context, y, [=](float) { return mean; });
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    loss(context, in[0], gradients[0]);
    float factor = 0;
    copy(context, dy, Tensor<float>(&factor, Shape{1}));
    change(context, gradients[0], [=](float value) { return value * factor; });
  };
  return c;
}

}  // namespace serenade::test
