#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/spectra.h"
#include "kernels/dsp/spectral_shape.h"
#include "pipeline/features/spec.h"

namespace serenade {

/// Kaldi's frames, which are others than everybody else's.
struct KaldiFrames {
  Index window_length = 0;
  bool snip_edges = true;
  friend bool operator==(const KaldiFrames&, const KaldiFrames&) = default;
};

/// The tables that features are computed with, each made once and kept by its options' text, and
/// what of the spectra they are computed from.
class FeatureTables {
 public:
  explicit FeatureTables(const FeatureSpec& spec);

  /// A feature will be asked for. Throws ConfigError for options that do not fit each other.
  void add(const MfccFeature& feature);
  void add(const MelFeature& feature);
  void add(const ChromaFeature& feature);
  void add(const ContrastFeature& feature);
  void add(const TonnetzFeature& feature);
  void add(const ZeroCrossingRateFeature&) {}
  void add(const RmsFeature&) {}
  void add(const SpectralCentroidFeature&) { shape.centroid = true; }
  void add(const SpectralBandwidthFeature& feature) { shape.bandwidth = feature; }
  void add(const SpectralRolloffFeature& feature) { shape.rolloff = feature; }
  void add(const SpectralFlatnessFeature& feature) { shape.flatness = feature; }
  void add(const SpectralFluxFeature&) { shape.flux = true; }
  void add(const PcenFeature& feature);
  void add(const CqtOptions& options);
  void add(const ChromaCqtOptions& options);
  void add(const YinFeature& feature);
  void add(const PyinFeature& feature);
  void add(const KaldiFbankFeature& feature);
  void add(const KaldiMfccFeature& feature);

  /// The frames that a feature is computed of: Kaldi's, or none of its own.
  template <class Options>
  std::optional<KaldiFrames> frames_of_feature(const Options& feature) const {
    if constexpr (std::is_base_of_v<KaldiFrameOptions, Options>) {
      return KaldiFrames{kaldi_window_length(feature, sample_rate), feature.snip_edges};
    } else {
      return std::nullopt;
    }
  }
  /// Frames of each clip: those that `kaldi_frames` says, where it says any.
  Ragged frames(const Ragged& samples) const;
  std::optional<KaldiFrames> kaldi_frames;

  StftPlan stft;
  double sample_rate;
  int n_fft;
  std::map<std::string, MelBank> mel;
  std::map<std::string, ChromaBank> chroma;
  std::map<std::string, ContrastBands> contrast;
  std::map<std::string, DctBasis> dct;
  std::map<std::string, MelBank> pcen_mel;
  std::map<std::string, CqtPlan> cqt;
  std::optional<YinPlan> yin;
  std::optional<PyinPlan> pyin;
  std::optional<KaldiPlan> kaldi_fbank;
  std::optional<KaldiPlan> kaldi_mfcc;

  /// Which shapes of the spectra are wanted, all in one pass over them.
  struct Shape {
    bool centroid = false;
    std::optional<SpectralBandwidthOptions> bandwidth;
    std::optional<SpectralRolloffOptions> rolloff;
    std::optional<SpectralFlatnessOptions> flatness;
    bool flux = false;
    bool any() const { return centroid || bandwidth || rolloff || flatness || flux; }
  };
  Shape shape;

  /// What one pass over the spectra gives (kernels/dsp/spectra.h) where there is a mel bank: that
  /// of the first, whatever else is asked of it, and the spectra that others need.
  struct Together {
    std::optional<MelOptions> bank;
    std::optional<PowerToDbOptions> log_mel;
    bool mel = false;
  };
  const Together& together() const { return together_; }
  bool needs_magnitude() const { return !contrast.empty() || shape.any() || !pcen_mel.empty(); }
  bool needs_power() const { return !chroma.empty() || mel.size() > 1; }

 private:
  void add_mel(const MelOptions& options, const std::optional<PowerToDbOptions>& db);
  Together together_;
};

/// Columns of a feature.
Index dims_of(const MfccFeature& feature);
Index dims_of(const MelFeature& feature);
Index dims_of(const ChromaFeature& feature);
Index dims_of(const ContrastFeature& feature);
Index dims_of(const TonnetzFeature& feature);
Index dims_of(const ZeroCrossingRateFeature& feature);
Index dims_of(const RmsFeature& feature);
Index dims_of(const SpectralCentroidFeature& feature);
Index dims_of(const SpectralBandwidthFeature& feature);
Index dims_of(const SpectralRolloffFeature& feature);
Index dims_of(const SpectralFlatnessFeature& feature);
Index dims_of(const SpectralFluxFeature& feature);
Index dims_of(const PcenFeature& feature);
Index dims_of(const CqtFeature& feature);
Index dims_of(const ChromaCqtOptions& options);
Index dims_of(const YinFeature& feature);
Index dims_of(const PyinFeature& feature);
Index dims_of(const KaldiFbankFeature& feature);
Index dims_of(const KaldiMfccFeature& feature);

/// What is known of one batch so far. Every matrix has a row a frame, is computed when first asked
/// for, and kept by a text that says what it is.
class FeatureBatch {
 public:
  /// All must outlive the batch; signal is on the context's device.
  FeatureBatch(Context& context, const FeatureTables& tables, Tensor<const float> signal,
               const Ragged& samples);

  const Ragged& frames() const { return frames_; }
  Tensor<const float> of(const Feature& base, const DeltaOptions& options);
  /// Of a feature that is no derivative.
  Tensor<const float> of(const Feature& base);

 private:
  Tensor<const float> of(const MfccFeature& feature);
  Tensor<const float> of(const MelFeature& feature);
  Tensor<const float> of(const ChromaFeature& feature);
  Tensor<const float> of(const ContrastFeature& feature);
  Tensor<const float> of(const TonnetzFeature& feature);
  Tensor<const float> of(const ZeroCrossingRateFeature& feature);
  Tensor<const float> of(const RmsFeature& feature);
  Tensor<const float> of(const SpectralCentroidFeature& feature);
  Tensor<const float> of(const SpectralBandwidthFeature& feature);
  Tensor<const float> of(const SpectralRolloffFeature& feature);
  Tensor<const float> of(const SpectralFlatnessFeature& feature);
  Tensor<const float> of(const SpectralFluxFeature& feature);
  Tensor<const float> of(const PcenFeature& feature);
  Tensor<const float> of(const CqtFeature& feature);
  Tensor<const float> of(const ChromaCqtFeature& feature);
  Tensor<const float> of(const ChromaCensFeature& feature);
  Tensor<const float> of(const YinFeature& feature);
  Tensor<const float> of(const PyinFeature& feature);
  Tensor<const float> of(const KaldiFbankFeature& feature);
  Tensor<const float> of(const KaldiMfccFeature& feature);

  /// The batch on the CPU, where what has no CUDA version is computed while all else is on a GPU.
  struct Host {
    Context context;
    Array<float> signal;
  };
  /// As once(), of compute(context, signal, out) on the CPU.
  template <class Compute>
  Tensor<const float> once_on_cpu(const std::string& what, Index dims, const Compute& compute);

  template <class Compute>
  Tensor<const float> once(const std::string& what, Index dims, const Compute& compute);
  Tensor<float> fresh(const std::string& what, Index dims);
  /// What one pass gives, in one pass.
  void compute_together();

  /// One of the shapes of the spectra; the first that is asked for brings the others along.
  Tensor<const float> shape(std::string_view name);

  FrameOptions signal_frames() const;
  Tensor<const float> power();
  Tensor<const float> magnitudes();
  Tensor<const float> mel(const MelOptions& options);
  Tensor<const float> log_mel(const MelOptions& options, const std::optional<double>& top_db);
  Tensor<const float> chroma(const ChromaOptions& options);
  Tensor<const float> chroma_cqt(const ChromaCqtOptions& options);
  /// Of a constant-Q transform, not normalised.
  Tensor<const float> folded(const ChromaCqtOptions& options);
  /// The same of the batch's signal where the context is.
  void fold(Context& context, Tensor<const float> signal, const ChromaCqtOptions& options,
            Tensor<float> out);

  Context& context_;
  const FeatureTables& tables_;
  Tensor<const float> signal_;
  const Ragged& samples_;
  Ragged frames_;
  std::map<std::string, Lent> matrices_;
  std::optional<Host> host_;
};

}  // namespace serenade
