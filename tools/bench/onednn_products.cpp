// What oneDNN's own primitives need for an experiment's convolutions and dense layers alone, for
// tools/bench/training, which gives them in a file, in the order of a forward pass:
//   bench_onednn version
//   bench_onednn check LAYERS.json BATCH FOLDER  one step; FOLDER has I.src, I.weights, I.bias and
//                                                I.diff_dst of each layer, and gets I.dst,
//                                                I.diff_src, I.diff_weights and I.diff_bias
//   bench_onednn time LAYERS.json BATCH ROWS     seconds of an epoch, for each line of stdin
// As many threads as OMP_NUM_THREADS says.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// A convolution over [batch, inputs, steps], or without a kernel a dense layer over [batch,
/// inputs].
struct Layer {
  memory::dim inputs, outputs, kernel, stride, padding, steps;
  bool bias;
};

memory::desc layout(const memory::dims& shape, Tag tag) {
  return {shape, memory::data_type::f32, tag};
}

memory::desc in_order(const memory& tensor) {
  const memory::dims shape = tensor.get_desc().dims();
  return layout(shape, shape.size() == 1 ? Tag::a : shape.size() == 2 ? Tag::ab : Tag::abc);
}

struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

struct Product {
  std::unordered_map<std::string, memory> given, results;  // by name, in forward's layouts
  std::vector<Call> forward, backward;
};

/// The products of a training step on batches of one size. What one primitive leaves to another
/// lies in the layout that the layer's forward product chose, weights too, which an optimizer can
/// change there; what another of its products wants otherwise is reordered in every step. Layers
/// do not share memory, and nothing is reordered between them: what stands there in a network (an
/// activation, a normalisation) is not timed.
class Step {
 public:
  Step(const std::vector<Layer>& layers, memory::dim batch) : batch_(batch) {
    for (const Layer& layer : layers) add(layer, products_.emplace_back());
  }

  void run() {
    for (const Product& product : products_) run(product.forward);
    for (auto product = products_.rbegin(); product != products_.rend(); ++product) {
      run(product->backward);
    }
    stream_.wait();
  }

  const std::vector<Product>& products() const { return products_; }

 private:
  struct Plans {
    dnnl::primitive_desc forward, by_data, by_weights;
  };

  Plans plans_of(const Layer& l) const {
    constexpr auto training = dnnl::prop_kind::forward_training;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
    const bool convolves = l.kernel > 0;
    const auto any = [&](memory::dims shape, memory::dim steps) {
      if (convolves) shape.push_back(steps);
      return layout(shape, Tag::any);
    };
    const memory::dim steps = convolves ? (l.steps + 2 * l.padding - l.kernel) / l.stride + 1 : 1;
    const memory::desc x = any({batch_, l.inputs}, l.steps), y = any({batch_, l.outputs}, steps);
    const memory::desc w = any({l.outputs, l.inputs}, l.kernel);
    const memory::desc b = l.bias ? layout({l.outputs}, Tag::a) : memory::desc();
    const memory::dims stride{l.stride}, zeros{l.padding};
    if (convolves) {
      using Data = dnnl::convolution_backward_data::primitive_desc;
      using Weights = dnnl::convolution_backward_weights::primitive_desc;
      const dnnl::convolution_forward::primitive_desc forward(
          {training, direct, x, w, b, y, stride, zeros, zeros}, engine_);
      return {forward, Data({direct, x, w, y, stride, zeros, zeros}, engine_, forward),
              Weights({direct, x, w, b, y, stride, zeros, zeros}, engine_, forward)};
    }
    using Data = dnnl::inner_product_backward_data::primitive_desc;
    using Weights = dnnl::inner_product_backward_weights::primitive_desc;
    const dnnl::inner_product_forward::primitive_desc forward({training, x, w, b, y}, engine_);
    return {forward, Data({x, w, y}, engine_, forward), Weights({x, w, b, y}, engine_, forward)};
  }

  void add(const Layer& layer, Product& product) {
    const Plans plans = plans_of(layer);
    const auto given = [&](auto name, auto desc) { return product.given[name] = filled(desc); };
    const auto result = [&](auto name, auto desc) { return product.results[name] = filled(desc); };
    const memory x = given("src", plans.forward.src_desc(0));
    const memory w = given("weights", plans.forward.weights_desc(0));
    const memory y = result("dst", plans.forward.dst_desc(0));
    const memory dy = given("diff_dst", y.get_desc());
    const memory dw = result("diff_weights", w.get_desc());
    Call forward{dnnl::primitive(plans.forward),
                 {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}}};
    auto& calls = product.backward;
    const memory dw_found = like(dw, plans.by_weights.diff_weights_desc(0));
    Call by_weights{dnnl::primitive(plans.by_weights),
                    {{DNNL_ARG_SRC, wanted(x, plans.by_weights.src_desc(0), calls)},
                     {DNNL_ARG_DIFF_DST, wanted(dy, plans.by_weights.diff_dst_desc(0), calls)},
                     {DNNL_ARG_DIFF_WEIGHTS, dw_found}}};
    if (layer.bias) {
      const memory::desc bias = layout({layer.outputs}, Tag::a);
      forward.arguments[DNNL_ARG_BIAS] = given("bias", bias);
      by_weights.arguments[DNNL_ARG_DIFF_BIAS] = result("diff_bias", bias);
    }
    product.forward = {forward};
    calls.push_back(by_weights);
    reorder(dw_found, dw, calls);
    if (products_.size() == 1) return;  // the network's input needs no gradient

    const memory dx = result("diff_src", x.get_desc());
    const memory dx_found = like(dx, plans.by_data.diff_src_desc(0));
    const Call by_data{dnnl::primitive(plans.by_data),
                       {{DNNL_ARG_DIFF_DST, wanted(dy, plans.by_data.diff_dst_desc(0), calls)},
                        {DNNL_ARG_WEIGHTS, wanted(w, plans.by_data.weights_desc(0), calls)},
                        {DNNL_ARG_DIFF_SRC, dx_found}}};
    calls.push_back(by_data);
    reorder(dx_found, dx, calls);
  }

  /// Of a number that is no special one, so that no multiplication is slow.
  memory filled(const memory::desc& desc) const {
    memory made(desc, engine_);
    std::fill_n(static_cast<float*>(made.get_data_handle()), desc.get_size() / sizeof(float), 0.1F);
    return made;
  }

  /// The tensor itself where it lies so already.
  memory like(const memory& tensor, const memory::desc& desc) const {
    return tensor.get_desc() == desc ? tensor : filled(desc);
  }

  memory wanted(const memory& from, const memory::desc& desc, std::vector<Call>& calls) const {
    memory to = like(from, desc);
    reorder(from, to, calls);
    return to;
  }

  static void reorder(const memory& from, const memory& to, std::vector<Call>& calls) {
    if (from.get_desc() == to.get_desc()) return;
    calls.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
  }

  void run(const std::vector<Call>& calls) {
    for (const Call& call : calls) call.primitive.execute(stream_, call.arguments);
  }

  memory::dim batch_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<Product> products_;
};

/// A tensor from a file (`in`) or into one, in the order of its dimensions, as PyTorch has it.
void exchange(const memory& tensor, const std::string& path, std::ios::openmode way) {
  dnnl::stream stream(tensor.get_engine());
  memory shape_order(in_order(tensor), tensor.get_engine()), own = tensor;
  auto* bytes = static_cast<char*>(shape_order.get_data_handle());
  const auto size = static_cast<std::streamsize>(shape_order.get_desc().get_size());
  std::fstream file(path, way | std::ios::binary);
  if (way == std::ios::in) {
    file.read(bytes, size);
    dnnl::reorder(shape_order, own).execute(stream, shape_order, own);
  } else {
    dnnl::reorder(own, shape_order).execute(stream, own, shape_order);
    file.write(bytes, size);
  }
  stream.wait();
  if (!file.flush()) throw std::invalid_argument(path + ": cannot be read or written");
}

void check(const std::vector<Layer>& layers, memory::dim batch, const std::string& folder) {
  Step step(layers, batch);
  const auto each = [&](auto tensors, std::ios::openmode way) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (const auto& [name, tensor] : step.products()[i].*tensors) {
        exchange(tensor, fmt::format("{}/{}.{}", folder, i, name), way);
      }
    }
  };
  each(&Product::given, std::ios::in);
  step.run();
  each(&Product::results, std::ios::out);
}

void time(const std::vector<Layer>& layers, memory::dim batch, memory::dim rows) {
  Step step(layers, batch);
  Step last(rows % batch > 0 ? layers : std::vector<Layer>(), rows % batch);
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = std::chrono::steady_clock::now();
    for (memory::dim i = 0; i < rows / batch; ++i) step.run();
    last.run();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    fmt::print("{:.6f}\n", seconds.count());
    std::fflush(stdout);
  }
}

void run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "version" && arguments.size() == 1) {
    const auto* known = dnnl::version();
    fmt::print("{}.{}.{}\n", known->major, known->minor, known->patch);
    return;
  }
  if (arguments.size() != 4 || (mode != "check" && mode != "time")) {
    throw std::invalid_argument("see tools/bench/onednn_products.cpp for what this takes");
  }
  std::ifstream file(arguments[1]);
  std::vector<Layer> layers;
  for (const auto& layer : nlohmann::json::parse(file)) {
    const auto at = [&](const char* name) { return layer.at(name).get<memory::dim>(); };
    layers.push_back({at("inputs"), at("outputs"), at("kernel"), at("stride"), at("padding"),
                      at("steps"), layer.at("bias").get<bool>()});
  }
  const memory::dim batch = std::max(std::stoll(arguments[2]), 1LL);
  if (mode == "check") return check(layers, batch, arguments[3]);
  time(layers, batch, std::stoll(arguments[3]));
}

}  // namespace

int main(int count, char** arguments) try {
  run({arguments + 1, arguments + count});
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_onednn: {}\n", error.what());
  return 1;
}
