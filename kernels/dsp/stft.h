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

/// What the signal is continued with on both sides. reflect: itself mirrored at its first and last
/// sample, as numpy.pad(mode="reflect") and torch.stft; librosa before 0.9.
enum class PadMode { constant, reflect };
constexpr auto enum_names(PadMode) {
  return std::to_array<std::string_view>({"constant", "reflect"});
}
/// The sample that lies at `at` of a signal of length >= 1 continued by reflection.
constexpr Index reflected(Index at, Index length) {
  if (length == 1) return 0;
  const Index period = 2 * (length - 1);
  const Index place = (at % period + period) % period;
  return place < length ? place : period - place;
}

/// Most samples from frame to frame.
inline constexpr int max_hop_length = 1 << 16;

/// Short-time Fourier transform, always centred: librosa.stft(center=True, pad_mode=pad_mode).
struct StftOptions {
  int n_fft = 2048;
  int hop_length = 512;
  Window window = Window::hann;
  PadMode pad_mode = PadMode::constant;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_fft", self.n_fft, Range{64, 16384}, "samples in a window, a power of two");
    visit("hop_length", self.hop_length, Range{1, max_hop_length}, "samples from frame to frame");
    visit("window", self.window, Range{}, "window function");
    visit("pad_mode", self.pad_mode, Range{},
          "what the signal is continued with on both sides: zeros, or its own mirror image");
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
