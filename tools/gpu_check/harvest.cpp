// What the GPU's libraries give for fixed inputs, kept so that machines without a GPU can judge
// their stand-ins by it. Two files each, in tests/golden/device or any folder:
//   NAME.bin   the numbers, little-endian float32 or float64, in the order that "shape" says
//   NAME.json  "function": what computed them; "type", "shape"; "device", "CUDA", "cuBLASLt",
//              "cuDNN", "emulated": on what; "inputs": a hash of the inputs, which are computed
//              here and so must be the same where they are compared; "ways": cuDNN's engines
#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include "kernels/device/memory.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/cublaslt.h"
#include "kernels/nn/dense.h"
#include "tools/gpu_check/check.h"
#include "tools/gpu_check/library_calls.h"

namespace serenade::gpu_check {
namespace {

static_assert(std::endian::native == std::endian::little);
using Doubles = std::vector<double>;

/// How far two devices may be apart.
struct Bound {
  double ulps = 0;     ///< units in the last place of float32, number by number
  double largest = 0;  ///< of the largest number, or of 1
};

struct Output {
  std::string name, function;
  Shape shape;
  bool float64 = false;
  Bound bound;
  std::vector<std::vector<float>> inputs;
  std::function<Doubles(Context&, const std::vector<std::vector<float>>&)> compute;
};

Doubles widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// CUDA documents at most 2 units in the last place for each, the C library that stands in has 1,
/// and the unit of a number just above a power of two is twice that below it.
constexpr Bound of_functions{.ulps = 4};

Output of_function(const std::string& name, Function function, std::vector<float> x) {
  const Shape shape{static_cast<Index>(x.size())};
  return {name,
          "CUDA's " + name,
          shape,
          false,
          of_functions,
          {std::move(x)},
          [=](Context& context, const auto& in) {
            return widened(elementary(context, function, in[0]));
          }};
}

/// Of all sizes that are no subnormals, drawn without a library's help.
std::vector<float> positive_numbers(std::uint32_t stream) {
  std::vector<float> x = draw(4096, stream, 1, 2);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = std::ldexp(x[i], static_cast<int>(i % 253) - 126);
  return x;
}
std::vector<float> angles(std::uint32_t stream) {
  std::vector<float> x = draw(2048, stream, -10, 10);
  for (const float large : draw(2048, stream + 1, -1e5, 1e5)) x.push_back(large);
  return x;
}

Output of_transform(int points) {
  constexpr int batch = 4;
  return {fmt::format("cufft_d2z_{}", points),
          "cufftExecD2Z",
          Shape{batch, points / 2 + 1, 2},
          true,
          // Roundings of log2(points) stages, most of which even out.
          {.largest = 1e-14},
          {draw(Index{batch} * points, 20)},
          [=](Context& context, const auto& in) {
            return transforms(context, points, batch, widened(in[0]));
          }};
}

Output of_inverse_transform(int points) {
  constexpr int batch = 4;
  const Index row = points + 2;
  std::vector<float> bins = draw(batch * row, 21);
  for (Index first = 0; first < batch * row; first += row) {
    bins[static_cast<std::size_t>(first + 1)] = 0;
    bins[static_cast<std::size_t>(first + row - 1)] = 0;
  }
  return {fmt::format("cufft_z2d_{}", points),
          "cufftExecZ2D",
          Shape{batch, points},
          true,
          // As of_transform.
          {.largest = 1e-14},
          {std::move(bins)},
          [=](Context& context, const auto& in) {
            return inverse_transforms(context, points, batch, widened(in[0]));
          }};
}

/// A chain of n float32 roundings strays by about sqrt(n) half-units of the last place: as
/// tests/kernels/nn/run_operation.h, for two devices.
Bound of_sums(Index terms) {
  return {.largest = 2 * 6e-8 * (8 + 4 * std::sqrt(static_cast<double>(terms)))};
}

/// An operation by the library on arrays of these shapes.
Output of_library(const std::string& name, const std::string& function,
                  const std::vector<Shape>& in, Shape out, Index terms,
                  const std::function<void(Context&, const std::vector<Tensor<const float>>&,
                                           Tensor<float>)>& operation) {
  std::vector<std::vector<float>> inputs;
  inputs.reserve(in.size());
  for (const Shape& shape : in) {
    inputs.push_back(draw(shape.size(), 30 + static_cast<std::uint32_t>(inputs.size())));
  }
  return {name,
          function,
          out,
          false,
          of_sums(terms),
          std::move(inputs),
          [=](Context& context, const std::vector<std::vector<float>>& values) {
            use_backend(context, {.backend = Backend::library});
            std::vector<Array<float>> arrays;
            std::vector<Tensor<const float>> views;
            for (std::size_t i = 0; i < in.size(); ++i) {
              arrays.push_back(to_device(context, values[i], in[i]));
              views.emplace_back(arrays.back().view());
            }
            Array<float> y(out, context.device());
            operation(context, views, y.view());
            return widened(to_host(context, Tensor<const float>(y.view())));
          }};
}

void add_dense(std::vector<Output>& all, Index batch, Index in, Index units) {
  const std::string name = fmt::format("{}_{}_{}", batch, in, units);
  const Shape x{batch, in}, w{in, units}, y{batch, units};
  all.push_back(of_library(
      "cublaslt_" + name, "cublasLtMatmul, with bias", {x, w, Shape{units}}, y, in,
      [](Context& c, const auto& t, Tensor<float> to) { dense(c, t[0], t[1], t[2], to); }));
  all.push_back(of_library(
      "cublaslt_data_" + name, "cublasLtMatmul, second factor transposed", {w, y}, x, units,
      [](Context& c, const auto& t, Tensor<float> to) { dense_backward_data(c, t[0], t[1], to); }));
  all.push_back(of_library("cublaslt_weights_" + name, "cublasLtMatmul, first factor transposed",
                           {x, y}, w, batch, [](Context& c, const auto& t, Tensor<float> to) {
                             dense_backward_weights(c, t[0], t[1], to, {});
                           }));
}

void add_convolution(std::vector<Output>& all, Index batch, Index time, Index in,
                     const Conv1dOptions& options) {
  const Index out_time = conv1d_output_time(options, time);
  const std::string name =
      fmt::format("{}_{}_{}_{}_{}_{}_{}", batch, time, in, options.filters, options.kernel_size,
                  options.stride, enum_name(options.padding));
  const Shape x{batch, time, in}, w{options.kernel_size, in, options.filters};
  const Shape y{batch, out_time, options.filters};
  all.push_back(of_library("cudnn_" + name, "cuDNN's forward convolution, with bias",
                           {x, w, Shape{options.filters}}, y, options.kernel_size * in,
                           [=](Context& c, const auto& t, Tensor<float> to) {
                             conv1d(c, options, t[0], t[1], t[2], to);
                           }));
  Conv1dOptions unbiased = options;
  unbiased.use_bias = false;
  all.push_back(of_library("cudnn_data_" + name, "cuDNN's gradient of the data", {w, y}, x,
                           options.kernel_size * Index{options.filters},
                           [=](Context& c, const auto& t, Tensor<float> to) {
                             conv1d_backward_data(c, unbiased, t[0], t[1], to);
                           }));
  all.push_back(of_library("cudnn_weights_" + name, "cuDNN's gradient of the weights", {x, y}, w,
                           batch * out_time, [=](Context& c, const auto& t, Tensor<float> to) {
                             conv1d_backward_weights(c, unbiased, t[0], t[1], to, {});
                           }));
}

std::vector<Output> outputs() {
  std::vector<Output> all{of_function("expf", Function::exponential, draw(4096, 10, -87, 88)),
                          of_function("logf", Function::logarithm, positive_numbers(11)),
                          of_function("log10f", Function::logarithm_10, positive_numbers(12)),
                          of_function("sinf", Function::sine, angles(13)),
                          of_function("cosf", Function::cosine, angles(15)),
                          of_transform(512),
                          of_transform(2048),
                          of_inverse_transform(512),
                          of_inverse_transform(2048)};
  add_dense(all, 32, 128, 64);
  add_dense(all, 5, 33, 8);
  add_convolution(all, 8, 40, 16, {.filters = 24, .kernel_size = 5});
  add_convolution(all, 4, 61, 67,
                  {.filters = 32, .kernel_size = 5, .padding = Padding::causal, .stride = 2});
  return all;
}

/// FNV-1a, 64 bits.
std::string hash_of(const std::vector<std::vector<float>>& inputs) {
  std::uint64_t hash = 14695981039346656037U;
  for (const auto& values : inputs) {
    for (const std::byte byte : std::as_bytes(std::span(values))) {
      hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211U;
    }
  }
  return fmt::format("{:016x}", hash);
}

Json description(const Output& output, [[maybe_unused]] Context& context) {
  Json shape = Json::array();
  for (int axis = 0; axis < output.shape.rank(); ++axis) shape.push_back(output.shape[axis]);
  Json said{{"function", output.function},
            {"type", output.float64 ? "float64" : "float32"},
            {"shape", shape},
            {"inputs", hash_of(output.inputs)},
            {"emulated", emulated},
            {"device", cuda::usable_device().name},
            {"CUDA", cuda::versions()},
            {"cuBLASLt", cuda::cublaslt::version()}};
  if constexpr (cuda::has_cudnn) {
    said["cuDNN"] = cuda::cudnn::version();
    said["ways"] = cuda::cudnn::plans(context.session());
  }
  return said;
}

std::string ways_of([[maybe_unused]] Context& context) {
  std::string text = "not by cuDNN";
  if constexpr (cuda::has_cudnn) {
    for (const std::string& way : cuda::cudnn::plans(context.session())) text = way;
  }
  return text;
}

template <class T>
void write(const std::filesystem::path& file, const Doubles& values) {
  const std::vector<T> numbers(values.begin(), values.end());
  std::ofstream to(file, std::ios::binary);
  to.write(reinterpret_cast<const char*>(numbers.data()),
           static_cast<std::streamsize>(numbers.size() * sizeof(T)));
  if (!to.flush()) throw Failed("cannot write " + file.string());
}

template <class T>
Doubles read(const std::filesystem::path& file, Index count) {
  const auto bytes = static_cast<std::uintmax_t>(count) * sizeof(T);
  if (std::filesystem::file_size(file) != bytes) {
    throw Failed(
        fmt::format("{} has not the {} bytes that its description wants", file.string(), bytes));
  }
  std::vector<T> numbers(static_cast<std::size_t>(count));
  std::ifstream(file, std::ios::binary)
      .read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(bytes));
  return {numbers.begin(), numbers.end()};
}

Json harvest(const Output& output, const std::filesystem::path& folder) {
  Context context(Device::cuda);
  const Doubles values = output.compute(context, output.inputs);
  if (!std::ranges::all_of(values, [](double x) { return std::isfinite(x); })) {
    throw Failed(output.name + " holds numbers that are not finite");
  }
  Context again(Device::cuda);
  if (output.compute(again, output.inputs) != values) {
    throw Failed(output.name + " has other bits the second time: " + ways_of(context));
  }
  const std::filesystem::path to = folder / "harvest";
  std::filesystem::create_directories(to);
  const std::filesystem::path numbers = to / (output.name + ".bin");
  output.float64 ? write<double>(numbers, values) : write<float>(numbers, values);
  const Json said = description(output, context);
  std::ofstream(to / (output.name + ".json")) << said.dump(2) << "\n";
  return {{"numbers", values.size()}, {"function", output.function}};
}

/// The largest distance in what the bound allows.
double distance(const Output& output, const Doubles& found, const Doubles& kept) {
  double largest = 1, worst = 0;
  for (const double value : kept) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const double ulp =
        std::max(std::ldexp(1.0, std::ilogb(std::max(std::abs(kept[i]), 1e-37)) - 23), 0x1p-149);
    const double allowed = output.bound.ulps * ulp + output.bound.largest * largest;
    const double share = std::abs(found[i] - kept[i]) / allowed;
    if (!(share <= 1)) {
      throw Failed(
          fmt::format("{}: number {} is {:.9g} on this build's device, but {:.9g} was "
                      "harvested: {:.3g} times what may be between them",
                      output.name, i, found[i], kept[i], share));
    }
    worst = std::max(worst, share);
  }
  return worst;
}

}  // namespace

std::vector<Check> harvest_checks() {
  std::vector<Check> all;
  for (Output& output : outputs()) {
    const std::string name = "harvest_" + output.name;
    all.push_back({name, 6, [output = std::move(output)](const std::filesystem::path& folder) {
                     return harvest(output, folder);
                   }});
  }
  return all;
}

Json compare_with_harvest(const std::filesystem::path& folder) {
  Json found = Json::object();
  for (const Output& output : outputs()) {
    std::ifstream text(folder / (output.name + ".json"));
    if (!text) continue;
    const Json said = Json::parse(text);
    if (said.at("inputs") != hash_of(output.inputs)) {
      throw Failed(output.name + " was harvested for other inputs: harvest it again");
    }
    const std::filesystem::path numbers = folder / (output.name + ".bin");
    const Doubles kept = output.float64 ? read<double>(numbers, output.shape.size())
                                        : read<float>(numbers, output.shape.size());
    Context context(Device::cuda);
    found[output.name] = distance(output, output.compute(context, output.inputs), kept);
  }
  if (found.empty()) throw Skipped("no harvest of a GPU is in " + folder.string());
  return {{"largest share of the allowed distance", found}};
}

}  // namespace serenade::gpu_check
