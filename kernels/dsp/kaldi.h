#pragma once

#include <memory>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers these operations give; part of the cache's key.
inline constexpr int kaldi_revision = 1;

/// povey: a Hann window to the power of 0.85. All are symmetric: they end where they began.
enum class KaldiWindow { povey, hamming, hann, rectangular };
constexpr auto enum_names(KaldiWindow) {
  return std::to_array<std::string_view>({"povey", "hamming", "hann", "rectangular"});
}

/// How Kaldi cuts a recording into frames and what it does to each: mean off, pre-emphasis, window,
/// zeros up to a power of two. There is no dither.
struct KaldiFrameOptions {
  double frame_length = 25;
  bool snip_edges = true;
  double scale = 1;
  bool remove_dc_offset = true;
  double preemphasis = 0.97;
  KaldiWindow window = KaldiWindow::povey;
  double low_freq = 20;
  double high_freq = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("frame_length", self.frame_length, Range{1, 1000}, "milliseconds of a frame");
    visit("snip_edges", self.snip_edges, Range{},
          "only frames that lie within the clip; false: one for each hop_length, the clip mirrored "
          "at its ends");
    visit("scale", self.scale, Range{0, 1e6, true},
          "samples, which are at most 1, are multiplied by it: 32768 for what Kaldi reads from "
          "16-bit files");
    visit("remove_dc_offset", self.remove_dc_offset, Range{}, "takes each frame's mean off");
    visit("preemphasis", self.preemphasis, Range{0, 1},
          "share of the sample before that is taken off each sample of a frame");
    visit("window", self.window, Range{}, "window function");
    visit("low_freq", self.low_freq, Range{0}, "lowest frequency of the mel bands, Hz");
    visit("high_freq", self.high_freq, Range{},
          "highest frequency, Hz; 0 or less: so much above half the sample rate");
  }
};

/// Logarithms of mel band energies: Kaldi's compute-fbank-feats --dither=0.
struct KaldiFbankOptions : KaldiFrameOptions {
  int num_mel_bins = 80;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("num_mel_bins", self.num_mel_bins, Range{3, 4096}, "number of mel bands");
    KaldiFrameOptions::fields(self, visit);
  }
};

/// Their cosine transform: Kaldi's compute-mfcc-feats --dither=0.
struct KaldiMfccOptions : KaldiFrameOptions {
  int num_ceps = 13;
  int num_mel_bins = 23;
  double cepstral_lifter = 22;
  bool use_energy = true;
  double energy_floor = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("num_ceps", self.num_ceps, Range{1, 4096}, "coefficients, at most num_mel_bins");
    visit("num_mel_bins", self.num_mel_bins, Range{3, 4096}, "number of mel bands");
    visit("cepstral_lifter", self.cepstral_lifter, Range{0},
          "coefficient k is multiplied by 1 + lifter / 2 sin(pi k / lifter); 0: by 1");
    visit("use_energy", self.use_energy, Range{},
          "the first coefficient is the logarithm of the frame's energy before pre-emphasis and "
          "window");
    visit("energy_floor", self.energy_floor, Range{0}, "least energy for that; 0: 1.2e-7");
    KaldiFrameOptions::fields(self, visit);
  }
};

/// Samples of a frame: those that begin in so many milliseconds.
Index kaldi_window_length(const KaldiFrameOptions& options, double sample_rate);

/// Frames of each clip, one every hop_length samples. With snip_edges 1 + (samples - window) /
/// hop_length, and none in a clip shorter than a frame; else (samples + hop_length / 2) /
/// hop_length, the middle of the first at hop_length / 2.
Ragged kaldi_frames_of(const Ragged& samples, Index window_length, int hop_length, bool snip_edges);

/// Window, twiddle factors, mel bands and cosine transform. Immutable; copies share the tables.
/// Throws ConfigError for options out of range, bands that do not ascend to at most half the sample
/// rate, num_ceps above num_mel_bins.
class KaldiPlan {
 public:
  KaldiPlan(const KaldiFbankOptions& options, double sample_rate, int hop_length);
  KaldiPlan(const KaldiMfccOptions& options, double sample_rate, int hop_length);

  /// Of a frame's row.
  Index dims() const;
  Index window_length() const;
  Ragged frames_of(const Ragged& samples) const;

  struct Table;
  const Table& table() const { return *table_; }

 private:
  std::shared_ptr<const Table> table_;
};

/// signal [samples] clips end to end -> out [frames, dims], frames = plan.frames_of(samples).
/// As kaldi-native-fbank's OnlineFbank and OnlineMfcc with dither 0, whose float32 transforms leave
/// them good to about 1e-4. It has no CUDA twin. Throws ShapeError when the shapes do not fit,
/// DeviceError on a GPU.
void kaldi_features(Context& context, const KaldiPlan& plan, Tensor<const float> signal,
                    const Ragged& samples, Tensor<float> out);

}  // namespace serenade
