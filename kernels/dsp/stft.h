#pragma once

#include <memory>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/frames.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int stft_revision = 2;

/// hann: periodic, 0.5 - 0.5 cos(2 pi n / n_fft), as scipy.signal.get_window("hann").
enum class Window { hann };
constexpr auto enum_names(Window) { return std::to_array<std::string_view>({"hann"}); }

/// Most samples from frame to frame.
inline constexpr int max_hop_length = 1 << 16;

/// Short-time Fourier transform, always centred, the signal continued with zeros on both sides:
/// librosa.stft(center=True, pad_mode="constant").
struct StftOptions {
  int n_fft = 2048;
  int hop_length = 512;
  Window window = Window::hann;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_fft", self.n_fft, Range{64, 16384}, "samples in a window, a power of two");
    visit("hop_length", self.hop_length, Range{1, max_hop_length}, "samples from frame to frame");
    visit("window", self.window, Range{}, "window function");
  }
};

namespace cpu {
class FftPlan;
}

/// Window and twiddle factors of one transform. Immutable: copies share the tables, and any number
/// of threads may use one plan. Throws ConfigError for options out of range.
class StftPlan {
 public:
  explicit StftPlan(const StftOptions& options = {});

  const StftOptions& options() const { return options_; }
  /// 1 + n_fft / 2
  Index bins() const { return 1 + options_.n_fft / 2; }
  const cpu::FftPlan& fft() const { return *fft_; }
  /// What the tables live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return fft_; }

 private:
  StftOptions options_;
  std::shared_ptr<const cpu::FftPlan> fft_;
};

/// signal    [samples]                   clips end to end
/// spectrum  [frames, 1 + n_fft/2, 2]    real, imaginary; frames = frames_of(samples, hop_length)
/// Throws ShapeError when the shapes do not fit the plan and the batch.
void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum);

/// power     [frames, 1 + n_fft/2]       |STFT|^2
void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power);

/// Square root of every element, correctly rounded: |STFT| from |STFT|^2. Any shape; out may be
/// the same memory as power.
void magnitude(Context& context, Tensor<const float> power, Tensor<float> out);

namespace cpu {
void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum);
void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power);
void magnitude(Context& context, Tensor<const float> power, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum);
void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power);
void magnitude(Context& context, Tensor<const float> power, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
