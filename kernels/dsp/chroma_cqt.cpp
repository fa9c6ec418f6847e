#include "kernels/dsp/chroma_cqt.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

constexpr Index rows_a_chunk = 64;

/// body(row) for each of so many.
template <class Body>
void for_each_row(Context& context, Index rows, const Body& body) {
  context.parallel((rows + rows_a_chunk - 1) / rows_a_chunk, [&](Index chunk) {
    const Index end = std::min(rows, (chunk + 1) * rows_a_chunk);
    for (Index row = chunk * rows_a_chunk; row < end; ++row) body(row);
  });
}

/// What numbers are divided by; too little to divide by leaves them as they are.
template <class T>
T divisor(T norm) {
  return norm < std::numeric_limits<float>::min() ? T{1} : norm;
}

/// A quarter for each step that a share of the frame exceeds.
void quantise(const float* chroma, Index classes, float* out) {
  constexpr std::array<float, 4> steps{0.4F, 0.2F, 0.1F, 0.05F};
  float sum = 0;
  for (Index c = 0; c < classes; ++c) sum += chroma[c];
  const float by = divisor(sum);
  for (Index c = 0; c < classes; ++c) {
    const float share = chroma[c] / by;
    const auto exceeded =
        std::count_if(steps.begin(), steps.end(), [&](float step) { return share > step; });
    out[c] = 0.25F * static_cast<float>(exceeded);
  }
}

/// Hann window of sum 1; its zeros at both ends, which the field counts as two more, are left out.
std::vector<double> smoothing_window(int width) {
  std::vector<double> window;
  for (int i = 1; i <= width; ++i) {
    window.push_back(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / (width + 1)));
  }
  double sum = 0;
  for (const double x : window) sum += x;
  for (double& x : window) x /= sum;
  return window;
}

}  // namespace

void check(const ChromaCqtOptions& options) {
  check_ranges(options);
  if (options.bins_per_octave % options.n_chroma != 0) {
    throw ConfigError("bins_per_octave is " + std::to_string(options.bins_per_octave) +
                      " but must be a multiple of n_chroma, " + std::to_string(options.n_chroma));
  }
}

Index class_of_lowest(const ChromaCqtOptions& options) {
  const double midi = 69 + 12 * std::log2(options.fmin / 440);
  const double above_c = midi - 12 * std::floor(midi / 12);
  // librosa rounds half to even. What lies up to half a class below C is C.
  const auto above = static_cast<Index>(std::nearbyint(above_c * (options.n_chroma / 12.0)));
  return above % options.n_chroma;
}

CqtOptions transform_of(const ChromaCqtOptions& options) {
  return {.fmin = options.fmin,
          .n_bins = options.n_octaves * options.bins_per_octave,
          .bins_per_octave = options.bins_per_octave,
          .tuning = options.tuning};
}

void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out) {
  check(options);
  expect_rank("fold_octaves", "magnitude", magnitude.shape(), 2, "[frames, dims]");
  const Index bins = transform_of(options).n_bins;
  const Index classes = options.n_chroma;
  expect_shape("fold_octaves", "magnitude", magnitude.shape(), Shape{magnitude.extent(0), bins});
  expect_shape("fold_octaves", "out", out.shape(), Shape{magnitude.extent(0), classes});
  expect_on_device("fold_octaves", context, magnitude, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::fold_octaves(context, magnitude, options, out);
    }
  }
  cpu::fold_octaves(context, magnitude, options, out);
}

void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  expect_rank("divide_by_largest", "chroma", chroma.shape(), 2, "[frames, dims]");
  expect_shape("divide_by_largest", "out", out.shape(), chroma.shape());
  expect_on_device("divide_by_largest", context, chroma, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::divide_by_largest(context, chroma, out);
  }
  cpu::divide_by_largest(context, chroma, out);
}

namespace cpu {

void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out) {
  const Index bins = magnitude.extent(1);
  const Index classes = options.n_chroma;
  // A class has the bins around its middle: half of them below.
  const Index merged = options.bins_per_octave / classes;
  std::vector<Index> class_of;
  for (Index bin = 0; bin < bins; ++bin) {
    const Index from_lowest = (bin + merged / 2) / merged;
    class_of.push_back((from_lowest + class_of_lowest(options)) % classes);
  }
  for_each_row(context, magnitude.extent(0), [&](Index row) {
    const float* from = magnitude.data() + row * bins;
    float* to = out.data() + row * classes;
    std::fill_n(to, classes, 0.0F);
    for (Index bin = 0; bin < bins; ++bin) to[class_of[static_cast<std::size_t>(bin)]] += from[bin];
  });
}

void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  const Index classes = chroma.extent(1);
  for_each_row(context, chroma.extent(0), [&](Index row) {
    const float* from = chroma.data() + row * classes;
    float largest = 0;
    for (Index c = 0; c < classes; ++c) largest = std::max(largest, std::abs(from[c]));
    const float by = divisor(largest);
    for (Index c = 0; c < classes; ++c) out.data()[row * classes + c] = from[c] / by;
  });
}

}  // namespace cpu

void chroma_cens(Context& context, Tensor<const float> chroma, const Ragged& frames, int width,
                 Tensor<float> out) {
  if (width < 1) {
    throw ConfigError("chroma_cens: width is " + std::to_string(width) + " but must be at least 1");
  }
  expect_rank("chroma_cens", "chroma", chroma.shape(), 2, "[frames, dims]");
  const Index classes = chroma.extent(1);
  expect_shape("chroma_cens", "chroma", chroma.shape(), Shape{frames.total(), classes});
  expect_shape("chroma_cens", "out", out.shape(), chroma.shape());
  expect_on_device("chroma_cens", context, chroma, out);
  if (context.device() != Device::cpu) {
    throw DeviceError("chroma_cens: is computed on the CPU only");
  }

  Lent memory = context.lend(chroma.shape());
  float* quarters = memory.view().data();
  for_each_row(context, frames.total(), [&](Index row) {
    quantise(chroma.data() + row * classes, classes, quarters + row * classes);
  });
  const std::vector<double> window = smoothing_window(width);
  const Index before = width / 2;
  context.parallel(frames.clips(), [&](Index clip) {
    const Index begin = frames.begin(clip);
    const Index end = frames.end(clip);
    for (Index row = begin; row < end; ++row) {
      float* to = out.data() + row * classes;
      double squares = 0;
      for (Index c = 0; c < classes; ++c) {
        double sum = 0;
        for (Index i = 0; i < width; ++i) {
          // An even window has its middle behind the frame.
          const Index from = row + before - i;
          if (from < begin || from >= end) continue;
          sum += window[static_cast<std::size_t>(i)] *
                 static_cast<double>(quarters[from * classes + c]);
        }
        to[c] = static_cast<float>(sum);
        squares += static_cast<double>(to[c]) * static_cast<double>(to[c]);
      }
      const auto norm = divisor(static_cast<float>(std::sqrt(squares)));
      for (Index c = 0; c < classes; ++c) to[c] /= norm;
    }
  });
}

}  // namespace serenade
