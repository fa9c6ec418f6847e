// Times layers, forward and backward, on one thread: a line for each, with its milliseconds (the
// median of repetitions) and sums that tools/bench/layers.py checks against PyTorch's before it
// compares times.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "kernels/nn/activation.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/layer_norm.h"
#include "kernels/nn/pool.h"
#include "kernels/nn/statistics_pool.h"

namespace serenade {
namespace {

/// Numbers that Python makes alike: bits of a product, from -1/2 to 1/2.
Array<float> numbers(Shape shape, std::uint32_t stream) {
  Array<float> array(shape);
  for (Index i = 0; i < array.size(); ++i) {
    const std::uint32_t word = (static_cast<std::uint32_t>(i) + stream * 7919U) * 2654435761U;
    array[i] = static_cast<float>(word >> 8U) * 0x1p-24F - 0.5F;
  }
  return array;
}

double weighted_sum(const Array<float>& values) {
  const Array<float> weights = numbers(values.shape(), 9);
  double sum = 0;
  for (Index i = 0; i < values.size(); ++i) sum += double{values[i]} * double{weights[i]};
  return sum;
}

void report(const std::string& name, const std::vector<const Array<float>*>& results,
            const std::function<void()>& pass) {
  constexpr int repetitions = 15;
  std::vector<double> milliseconds;
  for (int i = 0; i < repetitions; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    pass();
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - begin;
    milliseconds.push_back(elapsed.count());
  }
  std::ranges::sort(milliseconds);
  fmt::print("{} {:.4f}", name, milliseconds[repetitions / 2]);
  for (const Array<float>* result : results) fmt::print(" {:.9g}", weighted_sum(*result));
  fmt::print("\n");
}

constexpr Index batch = 32, time = 160;

void convolution(Context& context, const std::string& name, Index channels,
                 const Conv1dOptions& options) {
  const auto x = numbers({batch, time, channels}, 1), bias = numbers({options.filters}, 3);
  const auto kernel = numbers({options.kernel_size, channels / options.groups, options.filters}, 2);
  const auto dy = numbers({batch, conv1d_output_time(options, time), options.filters}, 4);
  Array<float> y(dy.shape()), dx(x.shape()), dkernel(kernel.shape()), dbias(bias.shape());
  report(fmt::format("{}_{}", name, channels), {&y, &dx, &dkernel, &dbias}, [&] {
    conv1d(context, options, x.view(), kernel.view(), bias.view(), y.view());
    conv1d_backward_data(context, options, kernel.view(), dy.view(), dx.view());
    conv1d_backward_weights(context, options, x.view(), dy.view(), dkernel.view(), dbias.view());
  });
}

void normalisation(Context& context, Index channels) {
  const auto x = numbers({batch, time, channels}, 1), dy = numbers(x.shape(), 4);
  const auto gamma = numbers({channels}, 2), beta = numbers({channels}, 3);
  Array<float> y(x.shape()), dx(x.shape()), dgamma(gamma.shape()), dbeta(beta.shape());
  Array<float> kept(Shape{4, channels});
  const auto rows = kept.view();
  const BatchNormStatistics statistics{rows.row(0), rows.row(1), rows.row(2), rows.row(3)};
  report(fmt::format("batch_norm_{}", channels), {&y, &dx, &dgamma, &dbeta}, [&] {
    batch_norm(context, {}, x.view(), gamma.view(), beta.view(), statistics, y.view());
    batch_norm_backward(context, x.view(), gamma.view(), statistics, dy.view(), dx.view(),
                        dgamma.view(), dbeta.view());
  });
  report(fmt::format("layer_norm_{}", channels), {&y, &dx, &dgamma, &dbeta}, [&] {
    layer_norm(context, {}, x.view(), gamma.view(), beta.view(), y.view());
    layer_norm_backward(context, {}, x.view(), gamma.view(), dy.view(), dx.view(), dgamma.view(),
                        dbeta.view());
  });
}

void without_parameters(Context& context, Index channels) {
  const auto x = numbers({batch, time, channels}, 1), same = numbers(x.shape(), 4);
  const auto half = numbers({batch, time / 2, channels}, 4);
  const auto statistics = numbers({batch, 2 * channels}, 4);
  Array<float> y(x.shape()), y_half(half.shape()), y_statistics(statistics.shape());
  Array<float> dx(x.shape());
  const auto named = [&](const char* name) { return fmt::format("{}_{}", name, channels); };
  report(named("max_pool"), {&y_half, &dx}, [&] {
    max_pool(context, {{2, {}}}, x.view(), y_half.view());
    max_pool_backward(context, {{2, {}}}, x.view(), half.view(), dx.view());
  });
  report(named("average_pool"), {&y_half, &dx}, [&] {
    average_pool(context, {{2, {}}}, x.view(), y_half.view());
    average_pool_backward(context, {{2, {}}}, half.view(), dx.view());
  });
  report(named("statistics_pool"), {&y_statistics, &dx}, [&] {
    statistics_pool(context, {}, x.view(), y_statistics.view());
    statistics_pool_backward(context, x.view(), y_statistics.view(), statistics.view(), dx.view());
  });
  const std::vector<std::pair<const char*, ActivationOptions>> activations{
      {"leaky_relu", LeakyReluOptions{}},
      {"elu", EluOptions{}},
      {"gelu", GeluOptions{}},
      {"silu", SiluOptions{}}};
  for (const auto& [name, options] : activations) {
    report(named(name), {&y, &dx}, [&, &of = options] {
      activation(context, of, x.view(), y.view());
      activation_backward(context, of, x.view(), same.view(), dx.view());
    });
  }
}

void run_all() {
  Context context;
  for (const int channels : {64, 128}) {
    convolution(context, "conv1d", channels, {channels, 5});
    convolution(context, "conv1d_dilated", channels, {channels, 5, Padding::same, true, 1, 4});
    convolution(context, "conv1d_strided", channels, {channels, 5, Padding::valid, true, 2});
    convolution(context, "conv1d_grouped", channels, {channels, 5, Padding::same, true, 1, 1, 4});
    convolution(context, "conv1d_depthwise", channels,
                {channels, 5, Padding::same, true, 1, 1, channels});
    normalisation(context, channels);
    without_parameters(context, channels);
  }
}

}  // namespace
}  // namespace serenade

int main() { serenade::run_all(); }
