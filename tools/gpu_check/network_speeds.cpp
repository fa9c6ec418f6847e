// What the device can do at most, and how long the networks' operations take on it. Each is first
// compared with the CPU.
#include <cmath>

#include "kernels/nn/backend.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/dense.h"
#include "tests/kernels/nn/run_operation.h"
#include "tools/gpu_check/check.h"
#include "tools/gpu_check/library_calls.h"

namespace serenade::gpu_check {
namespace {

using test::OperationCase;

/// Device to device: read once and written once.
Json copy_ceiling(const std::filesystem::path&) {
  const Shape shape{emulated ? 100'000 : Index{256} << 20U};  // 1 GiB
  Context context(Device::cuda);
  Array<float> from = to_device(context, std::vector<float>(shape.size(), 1.5F), shape);
  Array<float> to(shape, Device::cuda);
  const auto work = [&] { copy(context, Tensor<const float>(from.view()), to.view()); };
  work();
  const auto found = to_host(context, Tensor<const float>(to.view()));
  if (found.front() != 1.5F || found.back() != 1.5F) throw Failed("the copy is another");
  Json row{{"bytes", 8.0 * static_cast<double>(shape.size())}, {"ceiling", "bytes"}};
  time_into(row, context, work);
  return row;
}

/// The library's square product in float32, or with factors rounded to TF32.
Json product_ceiling(bool tf32) {
  const Index n = emulated ? 48 : 4096;
  Context cpu(emulated ? 2 : 0), context(Device::cuda);
  use_backend(context, {.backend = Backend::library, .tf32 = tf32});
  const std::vector<float> a = draw(n * n, 40), b = draw(n * n, 41);
  const Shape square{n, n};
  Array<float> x = to_device(context, a, square), w = to_device(context, b, square);
  Array<float> y(square, Device::cuda);
  const auto work = [&] { dense(context, x.view(), w.view(), {}, y.view()); };
  work();
  // Two rows, the first and the last, are judged: the CPU takes long for all.
  const auto whole = to_host(context, Tensor<const float>(y.view()));
  for (const Index row : {Index{0}, n - 1}) {
    const auto begin = static_cast<std::ptrdiff_t>(row * n);
    std::vector<float> wanted(static_cast<std::size_t>(n));
    dense(cpu, Tensor<const float>(a.data() + begin, Shape{1, n}),
          Tensor<const float>(b.data(), square), {}, Tensor<float>(wanted.data(), Shape{1, n}));
    // TF32 rounds to 11 bits, either factor.
    const double one = tf32 ? 0x1p-10 : 6e-8;
    expect_near("a row of the product", {whole.begin() + begin, whole.begin() + begin + n}, wanted,
                2 * one * (8 + 4 * std::sqrt(static_cast<double>(n))));
  }
  const double size = static_cast<double>(n);
  Json row{{"flops", 2 * size * size * size}, {"ceiling", tf32 ? "tf32 flops" : "flops"}};
  time_into(row, context, work);
  return row;
}

double bytes_of(const std::vector<Shape>& shapes) {
  double bytes = 0;
  for (const Shape& shape : shapes) bytes += 4.0 * static_cast<double>(shape.size());
  return bytes;
}

/// Forward or backward of a case. Bytes: each input and output once.
Json operation(const OperationCase& c, Backend backend, bool backward, double multiply_adds) {
  Context cpu(emulated ? 2 : 0), context(Device::cuda);
  use_backend(context, {.backend = backend});
  const test::Numbers inputs = test::random_inputs(c);
  const test::Results wanted = test::run(cpu, c, inputs), found = test::run(context, c, inputs);
  expect_near(c.name, found.output, wanted.output, 2 * test::tolerance(c));
  for (std::size_t i = 0; i < wanted.gradients.size(); ++i) {
    expect_near(fmt::format("{}, gradient {}", c.name, i), found.gradients[i], wanted.gradients[i],
                2 * test::tolerance(c));
  }
  std::vector<Array<float>> there;
  test::Inputs views;
  there.reserve(2 * inputs.size());
  std::vector<Tensor<float>> gradients;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    views.emplace_back(there.emplace_back(to_device(context, inputs[i], c.inputs[i])).view());
    gradients.push_back(there.emplace_back(c.inputs[i], Device::cuda).view());
  }
  Array<float> y(c.output, Device::cuda);
  Array<float> dy = to_device(context, test::random_dy(c), c.output);
  c.forward(context, views, y.view());
  Json row{{"bytes", bytes_of(c.inputs) * (backward ? 2 : 1) + bytes_of({c.output})}};
  if (multiply_adds > 0) row["flops"] = multiply_adds * (backward ? 4 : 2);
  time_into(row, context, [&] {
    if (backward) {
      c.backward(context, views, y.view(), dy.view(), gradients);
    } else {
      c.forward(context, views, y.view());
    }
  });
  c.finish();
  return row;
}

void add(std::vector<Check>& all, const std::string& name,
         const std::function<OperationCase()>& make, double multiply_adds = 0, bool plain = false) {
  for (const bool backward : {false, true}) {
    const std::string whole =
        "nn_" + name + (plain ? "_plain" : "") + (backward ? "_backward" : "");
    if (backward && !make().backward) continue;
    all.push_back({whole, 5, [=](const std::filesystem::path&) {
                     return operation(make(), plain ? Backend::plain : Backend::library, backward,
                                      multiply_adds);
                   }});
  }
}

/// Layers of configs/ravdess_best.yaml (without bias) and configs/ravdess_frames_cnn.yaml, and one
/// of the harvest's. Fails where an engine that the rules let pass gives other bits from run to
/// run, or other numbers than the first: as far apart as tests/kernels/nn/run_operation.h lets two
/// sums be.
Json engines(const std::filesystem::path&) {
  if constexpr (!cuda::has_cudnn || emulated) {
    throw Skipped("no engines of cuDNN's are here to be run");
  } else {
    struct Layer {
      Convolution convolution;
      bool bias;
    };
    const std::vector<Layer> layers{
        // batch, time, in, out_time, out, kernel, stride, dilation, groups, left
        {{64, 192, 120, 96, 128, 5, 2, 1, 1, 2}, false},
        {{64, 96, 128, 96, 128, 3, 1, 1, 1, 1}, false},
        {{64, 48, 128, 48, 256, 3, 1, 1, 1, 1}, false},
        {{64, 48, 128, 48, 256, 1, 1, 1, 1, 0}, false},
        {{64, 48, 256, 48, 256, 3, 1, 1, 1, 1}, false},
        {{32, 192, 67, 192, 128, 5, 1, 1, 1, 2}, true},
        {{32, 96, 128, 96, 128, 5, 1, 1, 1, 2}, true},
        {{32, 48, 128, 48, 256, 5, 1, 1, 1, 2}, true},
        {{4, 61, 67, 31, 32, 5, 2, 1, 1, 4}, true}};
    Context context(Device::cuda);
    Json rows = Json::array();
    std::string wrong;
    for (const Layer& layer : layers) {
      const Convolution& c = layer.convolution;
      const auto terms =
          static_cast<double>(std::max({c.kernel * c.in, c.kernel * c.out, c.batch * c.out_time}));
      for (const EngineSpeed& one : convolution_engines(context, c, layer.bias)) {
        rows.push_back({{"graph", one.graph},
                        {"engine", one.engine},
                        {"place", one.place},
                        {"other bits", one.other_bits},
                        {"apart", one.apart},
                        {"us", one.microseconds}});
        if (one.other_bits > 0) wrong += one.graph + ": " + one.engine + " gave other bits; ";
        if (!(one.apart <= 2 * 6e-8 * (8 + 4 * std::sqrt(terms)))) {
          wrong += one.graph + ": " + one.engine + " gave other numbers; ";
        }
      }
    }
    if (!wrong.empty()) throw Failed(wrong + "all of them: " + rows.dump());
    return {{"cuDNN", cuda::cudnn::version()}, {"engines", rows}};
  }
}

}  // namespace

std::vector<Check> ceiling_checks() {
  return {{"ceiling_copy", 5, copy_ceiling},
          {"ceiling_product", 5, [](const auto&) { return product_ceiling(false); }},
          {"ceiling_product_tf32", 5, [](const auto&) { return product_ceiling(true); }}};
}

std::vector<Check> network_speeds() {
  using namespace test;  // NOLINT(google-build-using-namespace)
  std::vector<Check> all;
  // The products: a layer of configs/ravdess_frames_cnn.yaml, and a dense one.
  const Index batch = emulated ? 2 : 32, time = emulated ? 12 : 160;
  const Index in = emulated ? 8 : 67, out = emulated ? 8 : 128, wide = emulated ? 16 : 1024;
  const Conv1dOptions convolution{.filters = static_cast<int>(out), .kernel_size = 5};
  Conv1dOptions depthwise{.filters = static_cast<int>(out), .kernel_size = 5};
  depthwise.groups = static_cast<int>(out);
  for (const bool plain : {false, true}) {
    add(
        all, "conv1d", [=] { return conv1d_case(batch, time, in, convolution); },
        static_cast<double>(batch * time * 5 * in * out), plain);
    add(
        all, "conv1d_depthwise", [=] { return conv1d_case(batch, time, out, depthwise); },
        static_cast<double>(batch * time * 5 * out), plain);
    add(
        all, "dense", [=] { return dense_case(8 * batch, wide, wide, true); },
        static_cast<double>(8 * batch * wide * wide), plain);
  }
  // What is bound by memory: 32 MiB in and as many out, more than an H100's second-level cache
  // holds.
  const Index b = emulated ? 2 : 64, t = emulated ? 16 : 512, c = emulated ? 16 : 256;
  add(all, "batch_norm", [=] { return batch_norm_case(b, t, c); });
  add(all, "batch_norm_inference", [=] { return batch_norm_inference_case(b, t, c); });
  add(all, "layer_norm", [=] { return layer_norm_case(b, t, c); });
  add(all, "relu", [=] { return relu_case(b, t, c); });
  add(all, "gelu", [=] { return activation_case(b, t, c, GeluOptions{}); });
  add(all, "silu", [=] { return activation_case(b, t, c, SiluOptions{}); });
  add(all, "elu", [=] { return activation_case(b, t, c, EluOptions{}); });
  add(all, "add", [=] { return add_case(b, t, c); });
  add(all, "channel_gate", [=] { return channel_gate_case(b, t, c); });
  add(all, "max_pool", [=] { return max_pool_case(b, t, c, {{2, {}}}); });
  add(all, "average_pool", [=] { return average_pool_case(b, t, c, {{2, {}}}); });
  add(all, "statistics_pool", [=] { return statistics_pool_case(b, t, c); });
  add(all, "attention_pool", [=] { return attention_pool_case(b, t, c, 1, true); });
  add(all, "attention_pool_by_channel", [=] { return attention_pool_case(b, t, c, c, true); });
  add(all, "global_average_pool", [=] { return global_average_pool_case(b, t, c); });
  add(all, "global_max_pool", [=] { return global_max_pool_case(b, t, c); });
  add(all, "dropout", [=] { return dropout_case(b, t, c, 0.3); });
  add(all, "softmax", [=] { return softmax_case(b * t, 8); });
  add(all, "loss", [=] { return loss_case(b * t, 8); });
  all.push_back({"cudnn_engines", 5, engines});
  return all;
}

}  // namespace serenade::gpu_check
