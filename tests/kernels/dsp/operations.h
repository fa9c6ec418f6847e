#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "tests/reference/spectral.h"

/// The table of signal operations. Every row is run on every device of the build and judged against
/// its float64 definition and against itself: the same bits for any batch, position and number of
/// threads. To add an operation, add its rows to a function like core_operations().
namespace serenade::test {

/// A ragged batch of clips at 22,050 Hz.
struct Signals {
  std::vector<float> samples;
  Ragged clips;

  Signals() = default;
  explicit Signals(const std::vector<std::vector<float>>& of);
  std::vector<float> clip(Index i) const;
  /// All samples, on the CPU or the context's device.
  Tensor<const float> view() const;
  Tensor<const float> view(Context& context) const;

 private:
  mutable std::shared_ptr<const Array<float>> on_gpu_;
};

/// What an operation gave: rows, end to end as the clips are.
struct Rows {
  Array<float> values;  // [rows, dims]
  Ragged of_clip;

  /// On the CPU only.
  Tensor<const float> clip(Index i) const;
};

/// Rows to be filled, on the context's device.
Rows make_rows(Context& context, Ragged of_clip, Index dims);
/// The same on the CPU, once all that was enqueued is done.
Rows on_host(Context& context, Rows rows);

/// |found - expected| <= absolute + relative |expected| + peak max|expected of the clip|
struct Tolerance {
  double absolute = 0;
  double relative = 0;
  double peak = 0;
};

struct Operation {
  std::string name;
  /// The chain from the signals to the operation's result, on the context's device.
  std::function<Rows(Context&, const Signals&)> chain;
  std::function<reference::Matrix(const reference::Signal&)> reference;
  Tolerance tolerance;
  bool takes_empty_clips = true;
  /// It has a CUDA twin.
  bool on_gpu = true;
  /// False where of a signal with a single sample other than 0 any rounding decides.
  bool of_impulses = true;

  /// The result on the CPU.
  Rows run(Context& context, const Signals& signals) const {
    return on_host(context, chain(context, signals));
  }
  friend void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }
};

/// STFT, mel, decibel, MFCC, deltas, zero crossings, RMS, statistics, resampling, normalising.
std::vector<Operation> core_operations();
/// Chroma, spectral contrast, tonnetz.
std::vector<Operation> tonal_operations();
/// Centroid, bandwidth, roll-off, flatness, flux.
std::vector<Operation> shape_operations();
/// PCEN, Kaldi's features, pitch.
std::vector<Operation> speech_operations();
/// All of them.
std::vector<Operation> operations();

/// The devices of this build, and a context on one.
std::vector<Device> devices();
/// Those that the operation runs on.
std::vector<Device> devices_of(const Operation& operation);
Context context_on(Device device, int threads);

/// Uniform noise in (-gain, gain), the same for the same seed on every machine.
std::vector<float> noise(Index samples, std::uint64_t seed, double gain = 0.5);
/// A sweep from 50 to 9000 Hz with noise 40 dB below it.
std::vector<float> sweep(Index samples, std::uint64_t seed);

}  // namespace serenade::test
