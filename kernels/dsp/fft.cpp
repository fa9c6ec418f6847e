#include "kernels/dsp/fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/fft.simd.h"
#include "kernels/device/each_path.h"

namespace serenade::cpu {
namespace {

double turn(double part) { return 2 * std::numbers::pi * part; }

std::vector<double> periodic_hann(Index n) {
  std::vector<double> window;
  for (Index s = 0; s < n; ++s) {
    const double phase = turn(static_cast<double>(s) / static_cast<double>(n));
    window.push_back(0.5 - 0.5 * std::cos(phase));
  }
  return window;
}

}  // namespace

FftPlan::FftPlan(const StftOptions& options)
    : FftPlan(periodic_hann(options.n_fft), options.n_fft, options.hop_length) {}

FftPlan::FftPlan(const std::vector<double>& window, int n_fft, int hop_length) : n_fft_(n_fft) {
  const Index n = n_fft_;
  const Index hop = hop_length;
  block_rows_ = std::min(hop, n);
  blocks_ = simd::lanes + (n - 1) / hop;
  block_lanes_ = (blocks_ + 7) / 8 * 8;
  for (Index s = 0; s < n; ++s) {
    sample_offset_.push_back(static_cast<std::int32_t>(s % hop * block_lanes_ + s / hop));
    const auto at = static_cast<std::size_t>(s);
    window_.push_back(at < window.size() ? 0.5 * window[at] : 0.0);
  }
  // Radix 8 as often as can be, and 4 once or twice for what is left.
  Index length = points();
  std::vector<Index> radices;
  while (length > 1) {
    const bool eight = length == 8 || length >= 32;
    radices.push_back(eight ? 8 : 4);
    length /= radices.back();
  }
  length = points();
  for (const Index radix : radices) {
    Pass pass{radix, length, {}};
    for (Index j = 0; j < length / radix && length > radix; ++j) {
      for (Index k = 1; k < radix; ++k) {
        const double phase = turn(static_cast<double>(j * k) / static_cast<double>(length));
        pass.twiddles.push_back(std::cos(phase));
        pass.twiddles.push_back(-std::sin(phase));
      }
    }
    length /= radix;
    passes_.push_back(std::move(pass));
  }
  for (Index f = 0; f < points(); ++f) {
    Index rest = f;
    Index place = 0;
    for (const Pass& pass : passes_) {
      place += rest % pass.radix * (pass.length / pass.radix);
      rest /= pass.radix;
    }
    position_.push_back(static_cast<std::int32_t>(place));
  }
  for (Index f = 0; f < points() / 2; ++f) {
    const double phase = turn(static_cast<double>(f) / static_cast<double>(n));
    untangling_.push_back(std::cos(phase));
    untangling_.push_back(-std::sin(phase));
  }
}

void load_frames(const FftPlan& plan, int hop_length, const float* x, Index length, Index start,
                 float* blocks, PadMode pad_mode) {
  const Index needed = (plan.blocks() - 1) * hop_length + plan.block_rows();
  const float* from = nullptr;
  if (start >= 0 && start + needed <= length) {
    from = x + start;
  } else {
    float* copy = scratch(3, needed);
    const Index begin = std::clamp<Index>(-start, 0, needed);
    const Index end = std::clamp<Index>(length - start, begin, needed);
    const auto beyond = [&](Index from_here, Index to) {
      for (Index i = from_here; i < to; ++i) {
        const bool mirror = pad_mode == PadMode::reflect;
        copy[i] = mirror ? x[reflected(start + i, length)] : 0.0F;
      }
    };
    beyond(0, begin);
    std::copy(x + (start + begin), x + (start + end), copy + begin);
    beyond(end, needed);
    from = copy;
  }
  load_lanes(from, hop_length, plan.blocks(), plan.block_rows(), plan.block_lanes(), blocks);
}

void fft_power_tile(const FftPlan& plan, const float* blocks, double* work, float* power) {
  ON_VECTOR_PATH(fft_power_tile)(plan, blocks, work, power);
}

void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum) {
  fft_spectrum_tile(plan, blocks, work, 0, plan.bins(), spectrum);
}

void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, Index first,
                       Index last, float* spectrum) {
  ON_VECTOR_PATH(fft_spectrum_tile)(plan, blocks, work, first, last, spectrum);
}

void fft_magnitude_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum,
                        float* magnitude, float* power) {
  ON_VECTOR_PATH(fft_magnitude_tile)(plan, blocks, work, spectrum, magnitude, power);
}

void fft_inverse_tile(const FftPlan& plan, const float* spectrum, const float* mask, double* work,
                      float* samples) {
  ON_VECTOR_PATH(fft_inverse_tile)(plan, spectrum, mask, work, samples);
}

}  // namespace serenade::cpu
