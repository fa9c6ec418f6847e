// Times the kernels that have vector code, on every path that this processor has, one thread. Each
// is first run on all paths and must give the same bits.
//   cmake --preset release -DSERENADE_BENCH=ON && ninja -C build kernels_bench
//   build/kernels_bench [--benchmark_filter=conv1d]
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernels/device/options.h"
#include "kernels/device/philox.h"
#include "kernels/device/vector_path.h"
#include "kernels/dsp/chroma.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tuning.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/dense.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;
constexpr Index seconds = 4;

/// Uniform in [-1, 1).
Array<float> random_array(Shape shape, std::uint32_t stream) {
  Array<float> values(shape);
  for (Index i = 0; i < values.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    values[i] = 2 * uniform(Philox(1)({number, stream, 0, purpose_of(Purpose::test)})[0]) - 1;
  }
  return values;
}

/// One kernel on fixed input.
struct Kernel {
  std::string name;
  std::function<void(Context&, Tensor<float> out)> run;
  Shape out;
  double multiply_adds = 0;  ///< of a run; 0: not what it consists of
};

/// A clip of four seconds and what is computed from it.
struct Clip {
  Ragged samples, frames;
  Array<float> signal, power, magnitude, mel;
};

const Clip& clip() {
  static const Clip made = [] {
    Clip c;
    Context context;
    c.signal = random_array(Shape{static_cast<Index>(sample_rate) * seconds}, 0);
    for (Index i = 0; i < c.signal.size(); ++i) {
      c.signal[i] = 0.05F * c.signal[i] + 0.5F * std::sin(0.02F * static_cast<float>(i));
    }
    c.samples.append(c.signal.size());
    c.frames = frames_of(c.samples, 512);
    const Index rows = c.frames.total();
    const StftPlan plan;
    c.power.resize(Shape{rows, plan.bins()});
    stft_power(context, plan, c.signal.view(), c.samples, c.power.view());
    c.magnitude.resize(c.power.shape());
    magnitude(context, c.power.view(), c.magnitude.view());
    c.mel.resize(Shape{rows, 128});
    mel_power(context, c.power.view(), MelBank({}, sample_rate, 2048), c.mel.view());
    return c;
  }();
  return made;
}

std::vector<Kernel> signal_kernels() {
  const Clip& c = clip();
  const Index rows = c.frames.total();
  return {
      {"stft_power",
       [&c, plan = StftPlan()](Context& context, Tensor<float> out) {
         stft_power(context, plan, c.signal.view(), c.samples, out);
       },
       c.power.shape()},
      {"magnitude",
       [&c](Context& context, Tensor<float> out) { magnitude(context, c.power.view(), out); },
       c.power.shape()},
      {"mel_power",
       [&c, bank = MelBank({}, sample_rate, 2048)](Context& context, Tensor<float> out) {
         mel_power(context, c.power.view(), bank, out);
       },
       Shape{rows, 128}},
      {"power_to_db",
       [&c](Context& context, Tensor<float> out) {
         power_to_db(context, c.mel.view(), c.frames, {}, out);
       },
       c.mel.shape()},
      {"dct",
       [&c, basis = DctBasis(128, 40)](Context& context, Tensor<float> out) {
         dct(context, c.mel.view(), basis, out);
       },
       Shape{rows, 40}},
      {"estimate_tuning",
       [&c](Context& context, Tensor<float> out) {
         estimate_tuning(context, c.power.view(), c.frames, sample_rate, 12, out);
       },
       Shape{1}},
      {"chroma_stft",
       [&c, bank = ChromaBank({.tuning = 0}, sample_rate, 2048)](Context& context,
                                                                 Tensor<float> out) {
         chroma_stft(context, c.power.view(), c.frames, bank, out);
       },
       Shape{rows, 12}},
      {"spectral_contrast",
       [&c, bands = ContrastBands({}, sample_rate, 2048)](Context& context, Tensor<float> out) {
         spectral_contrast(context, c.magnitude.view(), c.frames, bands, out);
       },
       Shape{rows, 7}},
  };
}

/// A batch through one layer, of the sizes of configs/ravdess_frames_cnn.yaml.
struct Layer {
  static constexpr Index batch = 32, time = 160, in = 67, out = 128, kernel = 5;
  Conv1dOptions options{out, kernel};
  Array<float> x = random_array({batch, time, in}, 1);
  Array<float> weights = random_array({kernel, in, out}, 2);
  Array<float> bias = random_array({out}, 3);
  Array<float> dy = random_array({batch, time, out}, 4);
  static constexpr double work = static_cast<double>(batch * time * kernel * in * out);
};

std::vector<Kernel> network_kernels() {
  static const Layer layer;
  static const Array<float> dense_x = random_array({256, 1024}, 5);
  static const Array<float> dense_weights = random_array({1024, 512}, 6);
  return {
      {"conv1d",
       [](Context& context, Tensor<float> y) {
         conv1d(context, layer.options, layer.x.view(), layer.weights.view(), layer.bias.view(), y);
       },
       layer.dy.shape(), Layer::work},
      {"conv1d_backward_data",
       [](Context& context, Tensor<float> dx) {
         conv1d_backward_data(context, layer.options, layer.weights.view(), layer.dy.view(), dx);
       },
       layer.x.shape(), Layer::work},
      {"conv1d_backward_weights",
       [](Context& context, Tensor<float> dweights) {
         static Array<float> dbias(Shape{Layer::out});
         conv1d_backward_weights(context, layer.options, layer.x.view(), layer.dy.view(), dweights,
                                 dbias.view());
       },
       layer.weights.shape(), Layer::work},
      {"dense",
       [](Context& context, Tensor<float> y) {
         dense(context, dense_x.view(), dense_weights.view(), {}, y);
       },
       Shape{256, 512}, 256.0 * 1024 * 512},
  };
}

Array<float> result_of(const Kernel& kernel, VectorPath path) {
  use_vector_path(path);
  Context context;
  Array<float> out(kernel.out);
  kernel.run(context, out.view());
  return out;
}

bool equal_on_all_paths(const Kernel& kernel) {
  const auto paths = supported_vector_paths();
  const Array<float> wanted = result_of(kernel, paths.front());
  for (const VectorPath path : paths) {
    const Array<float> found = result_of(kernel, path);
    const auto bytes = static_cast<std::size_t>(found.size()) * sizeof(float);
    if (std::memcmp(found.data(), wanted.data(), bytes) != 0) {
      std::fprintf(stderr, "%s: other bits on the path %s\n", kernel.name.c_str(),
                   std::string(enum_name(path)).c_str());
      return false;
    }
  }
  return true;
}

void time_kernel(benchmark::State& state, const Kernel& kernel, VectorPath path) {
  use_vector_path(path);
  Context context;
  Array<float> out(kernel.out);
  kernel.run(context, out.view());  // tables and scratch are made
  for (auto _ : state) kernel.run(context, out.view());
  if (kernel.multiply_adds > 0) {
    state.counters["GMAC/s"] = benchmark::Counter(kernel.multiply_adds * 1e-9,
                                                  benchmark::Counter::kIsIterationInvariantRate);
  }
}

}  // namespace
}  // namespace serenade

int main(int argc, char** argv) {
  using namespace serenade;  // NOLINT(google-build-using-namespace)
  std::vector<Kernel> kernels = signal_kernels();
  for (Kernel& kernel : network_kernels()) kernels.push_back(std::move(kernel));
  for (const Kernel& kernel : kernels) {
    if (!equal_on_all_paths(kernel)) return 1;
    for (const VectorPath path : supported_vector_paths()) {
      benchmark::RegisterBenchmark(
          (kernel.name + "/" + std::string(enum_name(path))).c_str(),
          [kernel, path](benchmark::State& state) { time_kernel(state, kernel, path); })
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
