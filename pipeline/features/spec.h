#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/kaldi.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/normalise.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/pyin.h"
#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/trim.h"

namespace serenade {

class ConfigNode;

/// Mel frequency cepstral coefficients: DCT of the mel spectrogram in dB, librosa.feature.mfcc.
struct MfccFeature : MfccOptions, MelOptions {
  static constexpr std::string_view name = "mfcc";
  static constexpr std::string_view about =
      "DCT-II (orthonormal) of the mel spectrogram in dB, a frame's first n_mfcc coefficients. "
      "librosa.feature.mfcc(y, n_mfcc=n_mfcc). torchaudio.transforms.MFCC: htk: true, mel_norm: "
      "none and the section's pad_mode: reflect, where its n_fft is a power of two.";
  static constexpr auto later =
      std::to_array<std::string_view>({"dct_type", "norm", "lifter", "htk", "mel_norm"});
  std::optional<double> top_db = 80.0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    MfccOptions::fields(self, visit);
    MelOptions::fields(self, visit);
    visit("top_db", self.top_db, Range{0}, "dynamic range of a clip, dB; null: all");
  }
};

/// Mel spectrogram, librosa.feature.melspectrogram, as power or in dB.
struct MelFeature : MelOptions {
  static constexpr std::string_view name = "mel";
  static constexpr std::string_view about =
      "Power of a frame in triangular bands of the mel scale, or 10 log10 of it. "
      "librosa.feature.melspectrogram(y), and power_to_db of that; torchaudio's with the options "
      "that mfcc names.";
  static constexpr auto later = std::to_array<std::string_view>({"htk", "mel_norm"});
  bool db = false;
  std::optional<double> top_db = 80.0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    MelOptions::fields(self, visit);
    visit("db", self.db, Range{}, "decibels instead of power");
    visit("top_db", self.top_db, Range{0}, "with db: dynamic range of a clip, dB; null: all");
  }
};

/// Energy in each pitch class, librosa.feature.chroma_stft.
struct ChromaFeature : ChromaOptions {
  static constexpr std::string_view name = "chroma_stft";
  static constexpr std::string_view about =
      "Power in each pitch class over the frame's largest. librosa.feature.chroma_stft(y).";
};

/// Peak over valley in octave bands, dB, librosa.feature.spectral_contrast.
struct ContrastFeature : SpectralContrastOptions {
  static constexpr std::string_view name = "spectral_contrast";
  static constexpr std::string_view about =
      "dB: peak over valley in octave bands. librosa.feature.spectral_contrast(y).";
};

/// What tonal centroids are those of.
enum class TonnetzChroma { stft, cqt };
constexpr auto enum_names(TonnetzChroma) {
  return std::to_array<std::string_view>({"stft", "cqt"});
}

/// Tonal centroids of 12-class chroma: librosa.feature.tonnetz.
struct TonnetzFeature {
  static constexpr std::string_view name = "tonnetz";
  static constexpr std::string_view about =
      "Tonal centroids of chroma: fifths, minor and major thirds, two columns each. With "
      "chroma: stft librosa.feature.tonnetz(chroma=chroma_stft(y)); with chroma: cqt librosa's "
      "own default, librosa.feature.tonnetz(y).";
  static constexpr auto later = std::to_array<std::string_view>({"chroma"});
  std::optional<double> tuning;
  TonnetzChroma chroma = TonnetzChroma::stft;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("tuning", self.tuning, Range{-1, 1},
          "deviation from A440 in pitch classes (with chroma: cqt in thirds of one); null: "
          "estimated for each clip");
    visit("chroma", self.chroma, Range{}, "of chroma_stft or of chroma_cqt, with their defaults");
  }
};

/// The chroma whose tonal centroids are asked for, where it is that of a constant-Q transform.
inline ChromaCqtOptions chroma_cqt_of(const TonnetzFeature& tonnetz) {
  return {.tuning = tonnetz.tuning};
}

/// Constant-Q transform.
struct CqtFeature : CqtOptions {
  static constexpr std::string_view name = "cqt";
  static constexpr std::string_view about =
      "Magnitude of the constant-Q transform: at fmin 2^(k / bins_per_octave) filters that are "
      "Q periods long, Q = (2^(2 / bins_per_octave) + 1) / (2^(2 / bins_per_octave) - 1), over "
      "the square root of their length. abs(librosa.cqt(y, fmin=fmin, n_bins=n_bins, "
      "bins_per_octave=bins_per_octave, tuning=tuning)).";
};

/// Energy in each pitch class by a constant-Q transform.
struct ChromaCqtFeature : ChromaCqtOptions {
  static constexpr std::string_view name = "chroma_cqt";
  static constexpr std::string_view about =
      "Magnitude of the constant-Q transform in each pitch class, over all octaves, over the "
      "frame's largest. librosa.feature.chroma_cqt(y, fmin=fmin, n_octaves=n_octaves, "
      "bins_per_octave=bins_per_octave, n_chroma=n_chroma, tuning=tuning).";
};

/// The same quantised and smoothed.
struct ChromaCensFeature : ChromaCqtOptions {
  static constexpr std::string_view name = "chroma_cens";
  static constexpr bool on_gpu = false;
  static constexpr std::string_view about =
      "A quarter for each of 0.05, 0.1, 0.2 and 0.4 that a pitch class' share of the frame "
      "exceeds, smoothed over frames by a Hann window, over the frame's Euclidean norm. "
      "librosa.feature.chroma_cens(y, win_len_smooth=smoothing, and options as of chroma_cqt). "
      "Computed on the CPU also where the others are on a GPU.";
  int smoothing = 41;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    ChromaCqtOptions::fields(self, visit);
    visit("smoothing", self.smoothing, Range{1, 10001}, "frames in the window");
  }
};

/// Share of sign changes in frames of n_fft samples, librosa.feature.zero_crossing_rate.
struct ZeroCrossingRateFeature {
  static constexpr std::string_view name = "zero_crossing_rate";
  static constexpr std::string_view about =
      "Share of sign changes among the n_fft samples of a frame. "
      "librosa.feature.zero_crossing_rate(y).";
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// Root mean square of frames of n_fft samples, librosa.feature.rms.
struct RmsFeature {
  static constexpr std::string_view name = "rms";
  static constexpr std::string_view about =
      "Root mean square of the n_fft samples of a frame. librosa.feature.rms(y=y).";
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// Centre of gravity of the spectrum, librosa.feature.spectral_centroid.
struct SpectralCentroidFeature {
  static constexpr std::string_view name = "spectral_centroid";
  static constexpr std::string_view about =
      "Hz: sum f S / sum S over the magnitudes S of a frame; 0 in silence. "
      "librosa.feature.spectral_centroid(y).";
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

struct SpectralBandwidthFeature : SpectralBandwidthOptions {
  static constexpr std::string_view name = "spectral_bandwidth";
  static constexpr std::string_view about =
      "Hz: (sum S |f - centroid|^p / sum S)^(1/p) over the magnitudes S of a frame. "
      "librosa.feature.spectral_bandwidth(y, p=p).";
};

struct SpectralRolloffFeature : SpectralRolloffOptions {
  static constexpr std::string_view name = "spectral_rolloff";
  static constexpr std::string_view about =
      "Hz: the lowest bin's frequency up to which the magnitudes of a frame add up to roll_percent "
      "of their sum. librosa.feature.spectral_rolloff(y, roll_percent=roll_percent).";
};

struct SpectralFlatnessFeature : SpectralFlatnessOptions {
  static constexpr std::string_view name = "spectral_flatness";
  static constexpr std::string_view about =
      "Geometric over arithmetic mean of a frame's powers, each at least amin: 1 for white noise "
      "and silence, near 0 for a tone. librosa.feature.spectral_flatness(y, amin=amin).";
};

/// Growth of the spectrum from frame to frame.
struct SpectralFluxFeature {
  static constexpr std::string_view name = "spectral_flux";
  static constexpr std::string_view about =
      "Mean over the bins of max(0, S - S of the frame before), magnitudes S; 0 in a clip's first "
      "frame. librosa.onset.onset_strength(S=abs(stft(y)), center=False).";
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// Mel spectrogram over a running mean of itself: louder and fainter recordings come closer.
struct PcenFeature : MelOptions, PcenOptions {
  static constexpr std::string_view name = "pcen";
  static constexpr std::string_view about =
      "(x / (eps + m)^gain + bias)^power - bias^power of x = scale * the frame's magnitude in mel "
      "bands, m their running mean; power 0: log(1 + x / (eps + m)^gain). librosa.pcen(scale * "
      "melspectrogram(y, power=1)).";
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    MelOptions::fields(self, visit);
    PcenOptions::fields(self, visit);
  }
};

/// Fundamental frequency of every frame, by YIN.
struct YinFeature : YinOptions {
  static constexpr std::string_view name = "yin";
  static constexpr bool on_gpu = false;
  static constexpr std::string_view about =
      "Hz: sample_rate over the first minimum, by a parabola between samples, of the cumulative "
      "mean normalised difference function below trough_threshold. librosa.yin(y, fmin=fmin, "
      "fmax=fmax, "
      "frame_length=n_fft). Computed on the CPU also where the others are on a GPU.";
};

/// Fundamental frequency along the likeliest way through a clip, and whether there is one.
struct PyinFeature : PyinOptions {
  static constexpr std::string_view name = "pyin";
  static constexpr bool on_gpu = false;
  static constexpr auto columns =
      std::to_array<std::string_view>({"f0", "voiced", "voiced_probability"});
  static constexpr std::string_view about =
      "Three columns: fundamental frequency, Hz, 0 in unvoiced frames (librosa's NaN); 1 in voiced "
      "frames, else 0; probability of being voiced. librosa.pyin(y, fmin=fmin, fmax=fmax, "
      "frame_length=n_fft). Computed on the CPU also where the others are on a GPU.";
};

/// Kaldi's filter bank features.
struct KaldiFbankFeature : KaldiFbankOptions {
  static constexpr std::string_view name = "kaldi_fbank";
  static constexpr bool on_gpu = false;
  static constexpr std::string_view about =
      "Natural logarithm of a frame's power in mel bands, at least 2^-23. Frames are frame_length "
      "long, every hop_length samples, and transformed in as many points as the next power of two "
      "has, whatever n_fft: 1 + (samples - frame) / hop_length of them, or with snip_edges: false "
      "(samples + hop_length / 2) / hop_length; so only Kaldi's features can be beside them in a "
      "list. kaldi-native-fbank's OnlineFbank with dither 0; Kaldi's defaults, but for 80 bands "
      "instead of 23. Computed on the CPU also where others would be on a GPU.";
};

/// Kaldi's cepstra.
struct KaldiMfccFeature : KaldiMfccOptions {
  static constexpr std::string_view name = "kaldi_mfcc";
  static constexpr bool on_gpu = false;
  static constexpr std::string_view about =
      "Orthonormal DCT-II of what kaldi_fbank computes, lifted. Frames as there. "
      "kaldi-native-fbank's OnlineMfcc with dither 0. Computed on the CPU also where others would "
      "be on a GPU.";
};

/// Derivative over time of another feature. `of` names a feature other than delta and delta2. Its
/// options are those of the item of that name in the list; where the list has none, its defaults,
/// computed on the side.
/// harmonic_mfcc is the mfcc whose part is harmonic.
struct DerivativeOptions {
  std::string of = "mfcc";
  int width = 9;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("of", self.of, Range{}, "name of the feature");
    visit("width", self.width, Range{3, 255}, "frames in the fit, odd");
  }
};

/// The first derivative, librosa.feature.delta.
struct DeltaFeature : DerivativeOptions {
  static constexpr std::string_view name = "delta";
  static constexpr std::string_view about =
      "A feature's slope: first derivative of the straight line fitted to width frames, per frame. "
      "librosa.feature.delta(x, width=width).";
};

/// The second, librosa.feature.delta(order=2).
struct Delta2Feature : DerivativeOptions {
  static constexpr std::string_view name = "delta2";
  static constexpr std::string_view about =
      "Its curvature: second derivative of the parabola fitted to width frames. "
      "librosa.feature.delta(x, width=width, order=2).";
};

/// The part of the sound that a feature is computed of.
enum class SoundPart { whole, harmonic, percussive };
constexpr auto enum_names(SoundPart) {
  return std::to_array<std::string_view>({"whole", "harmonic", "percussive"});
}

/// A feature of a part of the sound: librosa.effects.harmonic(y) or percussive(y) in place of y.
template <class Options>
struct OfPart : Options {
  using Whole = Options;
  SoundPart part = SoundPart::whole;

  OfPart() = default;
  /// Of the whole, which goes without saying.
  OfPart(const Options& options) : Options(options) {}  // NOLINT(google-explicit-constructor)
  OfPart(const Options& options, SoundPart of) : Options(options), part(of) {}

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    Options::fields(self, visit);
    visit("part", self.part, Range{}, "of the sound: whole, or what features.hpss makes of it");
  }
};

/// How sound is divided into parts.
struct SeparationOptions : HpssOptions {
  int n_fft = 2048;
  int hop_length = 512;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_fft", self.n_fft, Range{64, 16384}, "samples in a frame, a power of two");
    visit("hop_length", self.hop_length, Range{1, 8192},
          "samples from frame to frame, at most half of n_fft");
    HpssOptions::fields(self, visit);
  }
};

/// One item of `features.extract`. A new feature is a struct above and a word here.
using Feature =
    std::variant<OfPart<MfccFeature>, OfPart<MelFeature>, OfPart<ChromaFeature>,
                 OfPart<ContrastFeature>, OfPart<TonnetzFeature>, OfPart<ZeroCrossingRateFeature>,
                 OfPart<RmsFeature>, OfPart<SpectralCentroidFeature>,
                 OfPart<SpectralBandwidthFeature>, OfPart<SpectralRolloffFeature>,
                 OfPart<SpectralFlatnessFeature>, OfPart<SpectralFluxFeature>, OfPart<PcenFeature>,
                 OfPart<CqtFeature>, OfPart<ChromaCqtFeature>, OfPart<ChromaCensFeature>,
                 OfPart<YinFeature>, OfPart<PyinFeature>, OfPart<KaldiFbankFeature>,
                 OfPart<KaldiMfccFeature>, DeltaFeature, Delta2Feature>;

/// "mfcc", "delta", ...
std::string_view name_of(const Feature& feature);
/// The part that it is computed of; of derivatives, whole.
SoundPart part_of(const Feature& feature);
/// Its columns' name: that of the feature, behind the part's where it is not the whole:
/// "harmonic_mfcc". Derivatives know their features by it.
std::string label_of(const Feature& feature);
/// Whether it has a CUDA version; what has none is computed on the CPU.
bool has_cuda_version(const Feature& feature);
/// Every feature with its default options, in the order of the reference page.
std::vector<Feature> all_features();

/// What is computed from a recording: the `features` section of an experiment. YAML lists the
/// features as `name` or `name: {options}`; the order of the list is the order of the columns.
struct FeatureSpec {
  int sample_rate = 22050;
  int n_fft = 2048;
  int hop_length = 512;
  std::vector<Feature> extract = {MfccFeature{}};
  /// Empty: a clip gives a row a frame. Otherwise a clip gives one row, all columns of the first
  /// statistic, then of the second, ...
  std::vector<std::string> statistics;
  /// Which part of the recording is decoded. The extractor does not use them.
  double offset = 0;
  std::optional<double> duration;
  /// How the parts are made that features are computed of.
  SeparationOptions hpss;
  /// What is done to the resampled signal first, by condition(); not by the extractor either.
  std::optional<TrimOptions> trim;
  /// Of the STFT.
  PadMode pad_mode = PadMode::constant;
  Normalise normalise = Normalise::none;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    first_fields(self, visit);
    visit("pad_mode", self.pad_mode, Range{},
          "what spectra find on both sides of a clip: constant, zeros, or reflect, its own mirror "
          "image, as torchaudio and librosa before 0.9");
    visit("hpss", self.hpss, Range{},
          "how sound is divided for features whose part is harmonic or percussive");
    visit("trim", self.trim, Range{},
          "leaves out the silence at both ends, as librosa.effects.trim; a recording that is all "
          "silence is kept whole; null: nothing is left out, {}: with its defaults");
    visit("normalise", self.normalise, Range{},
          "makes one level of all recordings, after trim: peak 1, or rms 0.1; silence stays as it "
          "is");
  }

  /// Those that caches have been keyed by since the first version.
  template <class Self, class Visitor>
  static void first_fields(Self& self, Visitor& visit) {
    visit("sample_rate", self.sample_rate, Range{1000, 768000}, "recordings are resampled to it");
    visit("n_fft", self.n_fft, Range{64, 16384}, "samples in a frame, a power of two");
    visit("hop_length", self.hop_length, Range{1, max_hop_length}, "samples from frame to frame");
    visit("extract", self.extract, Range{}, "features, in the order of their columns");
    visit("statistics", self.statistics, Range{},
          "over the frames of a clip: mean, std, min, max, median, p10; empty: every frame");
    visit("offset", self.offset, Range{0, 1e6}, "seconds of a recording to leave out at its start");
    visit("duration", self.duration, Range{0, 1e6, true}, "seconds to use; null: all");
  }
};

/// An item of the list from YAML; unknown names and keys fail naming file, line and the nearest.
void from_config(const ConfigNode& node, Feature& feature);
/// The whole section; also fails where check() would.
void from_config(const ConfigNode& node, FeatureSpec& spec);
/// Flow YAML that reads back as the same: "{mfcc: {n_mfcc: 40, ...}}".
std::string option_text(const Feature& feature);

/// The feature that a derivative is taken of: the item of that label in the list, else its
/// defaults. Throws ConfigError where `of` names no feature, or a derivative.
Feature base_of(const FeatureSpec& spec, const std::string& of);

/// Throws ConfigError for options that are out of range or contradict each other: an empty list, a
/// feature that stands twice, n_mfcc above n_mels, a band above half the sample rate, `of` that
/// names no feature.
void check(const FeatureSpec& spec);

/// What decides the numbers that an extractor gives, and nothing else: every option in canonical
/// form and the revision of every operation involved. Equal texts, equal bits on one device class.
/// `offset` and `duration` are part of it, `trim` and `normalise` where they are set; versions of
/// decoder and resampler are not.
std::string cache_text(const FeatureSpec& spec);

}  // namespace serenade
