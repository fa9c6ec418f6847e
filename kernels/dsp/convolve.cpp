#include "kernels/dsp/convolve.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/istft.h"
#include "kernels/dsp/lanes.h"

namespace serenade {

void convolve(Context& context, Tensor<const float> signal, Tensor<const float> filter,
              Tensor<float> out) {
  expect_shape("convolve", "out", out.shape(), signal.shape());
  expect_on_device("convolve", context, signal, filter, out);
  if (context.device() != Device::cpu) throw DeviceError("convolve: is computed on the CPU only");
  cpu::convolve(context, signal, filter, out);
}

namespace cpu {
namespace {

constexpr Index block = 2048;
constexpr int n_fft = 2 * block;

const FftPlan& plan() {
  static const FftPlan plan(std::vector<double>(n_fft, 1.0), n_fft, block);
  return plan;
}

/// sum += a * b, complex numbers [bins, 2].
void add_product(const float* a, const float* b, Index bins, float* sum) {
  for (Index i = 0; i < 2 * bins; i += 2) {
    sum[i] = std::fma(a[i], b[i], std::fma(-a[i + 1], b[i + 1], sum[i]));
    sum[i + 1] = std::fma(a[i], b[i + 1], std::fma(a[i + 1], b[i], sum[i + 1]));
  }
}

/// Spectra [frames, bins, 2], those of frame t being of samples (t - 1) * block to (t + 1) * block.
Lent spectra(Context& context, Tensor<const float> signal, Index frames) {
  const Index dims = 2 * plan().bins();
  Lent result = context.lend({frames, plan().bins(), 2});
  float* out = result.view().data();
  context.parallel(tiles_of(frames), [&](Index tile) {
    float* spectrum = scratch(0, dims * simd::lanes);
    double* work = scratch_double(plan().work_size());
    float* blocks = scratch(2, plan().block_size());
    const Index first = tile * simd::lanes;
    load_frames(plan(), block, signal.data(), signal.size(), (first - 1) * block, blocks);
    fft_spectrum_tile(plan(), blocks, work, spectrum);
    store_tile(spectrum, dims, std::min(simd::lanes, frames - first), out + first * dims, dims);
  });
  return result;
}

}  // namespace

void convolve(Context& context, Tensor<const float> signal, Tensor<const float> filter,
              Tensor<float> out) {
  const Index length = signal.size(), bins = plan().bins();
  const Index parts = (filter.size() + block - 1) / block;
  if (length == 0) return;
  std::fill_n(out.data(), length, 0.0F);
  if (parts == 0) return;
  // A part of the filter and as many zeros behind it, and so on: odd frames are the parts.
  Lent spread = context.lend({2 * block * parts});
  std::fill_n(spread.view().data(), 2 * block * parts, 0.0F);
  for (Index part = 0; part < parts; ++part) {
    const Index begin = part * block, end = std::min(filter.size(), begin + block);
    std::copy(filter.data() + begin, filter.data() + end, spread.view().data() + 2 * begin);
  }
  const Lent filters = spectra(context, std::as_const(spread).view(), 2 * parts + 1);
  const Index frames = 1 + length / block;
  const Lent signals = spectra(context, signal, frames);

  Lent products = context.lend({frames, bins, 2});
  context.parallel(frames, [&](Index t) {
    float* sum = products.view().data() + t * 2 * bins;
    std::fill_n(sum, 2 * bins, 0.0F);
    for (Index part = 0; part < std::min(parts, t + 1); ++part) {
      add_product(signals.view().data() + (t - part) * 2 * bins,
                  filters.view().data() + (2 * part + 1) * 2 * bins, bins, sum);
    }
  });
  Lent back = context.lend({frames, Index{n_fft}});
  inverse_frames(context, plan(), std::as_const(products).view(), back.view());
  for (Index t = 0; t < frames; ++t) {
    const Index begin = t * block, count = std::min(block, length - begin);
    if (count <= 0) break;
    std::copy_n(std::as_const(back).view().data() + t * n_fft + block, count, out.data() + begin);
  }
}

}  // namespace cpu
}  // namespace serenade
