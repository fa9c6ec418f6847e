#include "pipeline/features/feature_batch.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/zero_crossing.h"

namespace serenade {
namespace {

PowerToDbOptions decibels(const std::optional<double>& top_db) {
  PowerToDbOptions options;
  options.top_db = top_db;
  return options;
}

ChromaOptions chroma_of(const TonnetzFeature& tonnetz) { return {.tuning = tonnetz.tuning}; }

DctOptions transform_of(const MfccFeature& mfcc) {
  return {
      .coefficients = mfcc.n_mfcc, .type = mfcc.dct_type, .norm = mfcc.norm, .lifter = mfcc.lifter};
}
std::string dct_key(const MfccFeature& mfcc) {
  const MfccOptions& options = mfcc;
  return canonical_text(options) + std::to_string(mfcc.n_mels);
}

const std::string power_key = "power";
const std::string magnitude_key = "magnitude";
std::string mel_key(const MelOptions& options) { return "mel" + canonical_text(options); }
std::string log_mel_key(const MelOptions& options, const PowerToDbOptions& db) {
  return "log_mel" + canonical_text(options) + canonical_text(db);
}

}  // namespace

FeatureTables::FeatureTables(const FeatureSpec& spec)
    : stft(StftOptions{
          .n_fft = spec.n_fft, .hop_length = spec.hop_length, .pad_mode = spec.pad_mode}),
      sample_rate(spec.sample_rate),
      n_fft(spec.n_fft) {}

void FeatureTables::add_mel(const MelOptions& options, const std::optional<PowerToDbOptions>& db) {
  mel.try_emplace(canonical_text(options), options, sample_rate, n_fft);
  if (!together_.bank) together_.bank = options;
  if (canonical_text(*together_.bank) != canonical_text(options)) return;
  if (db && !together_.log_mel) together_.log_mel = db;
  // Other decibels are computed from mel.
  if (!db || canonical_text(*together_.log_mel) != canonical_text(*db)) together_.mel = true;
}

void FeatureTables::add(const MfccFeature& feature) {
  add_mel(feature, decibels(feature.top_db));
  if (feature.n_mfcc > feature.n_mels) {
    throw ConfigError(fmt::format("n_mfcc is {} but there are only {} mel bands (n_mels)",
                                  feature.n_mfcc, feature.n_mels));
  }
  dct.try_emplace(dct_key(feature), feature.n_mels, transform_of(feature));
}
void FeatureTables::add(const MelFeature& feature) {
  add_mel(feature, feature.db ? std::optional(decibels(feature.top_db)) : std::nullopt);
}
void FeatureTables::add(const ChromaFeature& feature) {
  const ChromaOptions& options = feature;
  chroma.try_emplace(canonical_text(options), options, sample_rate, n_fft);
}
void FeatureTables::add(const ContrastFeature& feature) {
  const SpectralContrastOptions& options = feature;
  contrast.try_emplace(canonical_text(options), options, sample_rate, n_fft);
}
void FeatureTables::add(const TonnetzFeature& feature) {
  if (feature.chroma == TonnetzChroma::cqt) return add(chroma_cqt_of(feature));
  const ChromaOptions options = chroma_of(feature);
  chroma.try_emplace(canonical_text(options), options, sample_rate, n_fft);
}

void FeatureTables::add(const PcenFeature& feature) {
  const MelOptions& options = feature;
  pcen_mel.try_emplace(canonical_text(options), options, sample_rate, n_fft);
}
void FeatureTables::add(const CqtOptions& options) {
  cqt.try_emplace(canonical_text(options), options, sample_rate, stft.options().hop_length);
}
void FeatureTables::add(const ChromaCqtOptions& options) {
  check(options);
  add(transform_of(options));
}
void FeatureTables::add(const YinFeature& feature) {
  yin.emplace(feature, sample_rate, FrameOptions{n_fft, stft.options().hop_length});
}
void FeatureTables::add(const PyinFeature& feature) {
  pyin.emplace(feature, sample_rate, FrameOptions{n_fft, stft.options().hop_length});
}
void FeatureTables::add(const KaldiFbankFeature& feature) {
  kaldi_fbank.emplace(feature, sample_rate, stft.options().hop_length);
}
void FeatureTables::add(const KaldiMfccFeature& feature) {
  kaldi_mfcc.emplace(feature, sample_rate, stft.options().hop_length);
}

Ragged FeatureTables::frames(const Ragged& samples) const {
  const int hop_length = stft.options().hop_length;
  if (!kaldi_frames) return frames_of(samples, hop_length);
  return kaldi_frames_of(samples, kaldi_frames->window_length, hop_length,
                         kaldi_frames->snip_edges);
}

Index dims_of(const MfccFeature& feature) { return feature.n_mfcc; }
Index dims_of(const MelFeature& feature) { return feature.n_mels; }
Index dims_of(const ChromaFeature& feature) { return feature.n_chroma; }
Index dims_of(const ContrastFeature& feature) { return feature.n_bands + 1; }
Index dims_of(const TonnetzFeature&) { return 6; }
Index dims_of(const ZeroCrossingRateFeature&) { return 1; }
Index dims_of(const RmsFeature&) { return 1; }
Index dims_of(const SpectralCentroidFeature&) { return 1; }
Index dims_of(const SpectralBandwidthFeature&) { return 1; }
Index dims_of(const SpectralRolloffFeature&) { return 1; }
Index dims_of(const SpectralFlatnessFeature&) { return 1; }
Index dims_of(const SpectralFluxFeature&) { return 1; }
Index dims_of(const PcenFeature& feature) { return feature.n_mels; }
Index dims_of(const CqtFeature& feature) { return feature.n_bins; }
Index dims_of(const ChromaCqtOptions& options) { return options.n_chroma; }
Index dims_of(const YinFeature&) { return 1; }
Index dims_of(const PyinFeature&) { return 3; }
Index dims_of(const KaldiFbankFeature& feature) { return feature.num_mel_bins; }
Index dims_of(const KaldiMfccFeature& feature) { return feature.num_ceps; }

FeatureBatch::FeatureBatch(Context& context, const FeatureTables& tables,
                           Tensor<const float> signal, const Ragged& samples)
    : context_(context),
      tables_(tables),
      signal_(signal),
      samples_(samples),
      frames_(tables.frames(samples)) {
  if (tables.together().bank) compute_together();
}

void FeatureBatch::compute_together() {
  const FeatureTables::Together& together = tables_.together();
  const MelOptions& options = *together.bank;
  Spectra wanted;
  wanted.bank = &tables_.mel.at(canonical_text(options));
  if (tables_.needs_power()) wanted.power = fresh(power_key, tables_.stft.bins());
  if (tables_.needs_magnitude()) wanted.magnitude = fresh(magnitude_key, tables_.stft.bins());
  if (together.mel) wanted.mel = fresh(mel_key(options), options.n_mels);
  if (together.log_mel) {
    wanted.db = *together.log_mel;
    wanted.log_mel = fresh(log_mel_key(options, wanted.db), options.n_mels);
  }
  spectra(context_, tables_.stft, signal_, samples_, wanted);
}

Tensor<float> FeatureBatch::fresh(const std::string& what, Index dims) {
  return matrices_.emplace(what, context_.lend({frames_.total(), dims})).first->second.view();
}

template <class Compute>
Tensor<const float> FeatureBatch::once(const std::string& what, Index dims,
                                       const Compute& compute) {
  if (const auto known = matrices_.find(what); known != matrices_.end()) {
    return std::as_const(known->second).view();
  }
  Lent matrix = context_.lend({frames_.total(), dims});
  compute(matrix.view());
  return std::as_const(matrices_.emplace(what, std::move(matrix)).first->second).view();
}

template <class Compute>
Tensor<const float> FeatureBatch::once_on_cpu(const std::string& what, Index dims,
                                              const Compute& compute) {
  return once(what, dims, [&](Tensor<float> out) {
    if (context_.device() == Device::cpu) return compute(context_, signal_, out);
    if (!host_) {
      host_.emplace(Host{Context(context_.threads()), Array<float>(signal_.shape())});
      copy(context_, signal_, host_->signal.view());
    }
    Array<float> rows(out.shape());
    compute(host_->context, std::as_const(host_->signal).view(), rows.view());
    copy(context_, std::as_const(rows).view(), out);
  });
}

FrameOptions FeatureBatch::signal_frames() const {
  return {.frame_length = tables_.n_fft, .hop_length = tables_.stft.options().hop_length};
}

Tensor<const float> FeatureBatch::power() {
  return once(power_key, tables_.stft.bins(), [&](Tensor<float> out) {
    stft_power(context_, tables_.stft, signal_, samples_, out);
  });
}

Tensor<const float> FeatureBatch::magnitudes() {
  return once(magnitude_key, tables_.stft.bins(),
              [&](Tensor<float> out) { magnitude(context_, power(), out); });
}

Tensor<const float> FeatureBatch::mel(const MelOptions& options) {
  return once(mel_key(options), options.n_mels, [&](Tensor<float> out) {
    mel_power(context_, power(), tables_.mel.at(canonical_text(options)), out);
  });
}

Tensor<const float> FeatureBatch::log_mel(const MelOptions& options,
                                          const std::optional<double>& top_db) {
  const PowerToDbOptions db = decibels(top_db);
  return once(log_mel_key(options, db), options.n_mels,
              [&](Tensor<float> out) { power_to_db(context_, mel(options), frames_, db, out); });
}

Tensor<const float> FeatureBatch::chroma(const ChromaOptions& options) {
  const std::string key = canonical_text(options);
  return once("chroma" + key, options.n_chroma, [&](Tensor<float> out) {
    chroma_stft(context_, power(), frames_, tables_.chroma.at(key), out);
  });
}

Tensor<const float> FeatureBatch::of(const MfccFeature& feature) {
  return once(option_text(Feature(feature)), feature.n_mfcc, [&](Tensor<float> out) {
    dct(context_, log_mel(feature, feature.top_db), tables_.dct.at(dct_key(feature)), out);
  });
}

Tensor<const float> FeatureBatch::of(const MelFeature& feature) {
  return feature.db ? log_mel(feature, feature.top_db) : mel(feature);
}

Tensor<const float> FeatureBatch::of(const ChromaFeature& feature) { return chroma(feature); }

Tensor<const float> FeatureBatch::of(const ContrastFeature& feature) {
  const SpectralContrastOptions& options = feature;
  return once(option_text(Feature(feature)), dims_of(feature), [&](Tensor<float> out) {
    spectral_contrast(context_, magnitudes(), frames_, tables_.contrast.at(canonical_text(options)),
                      out);
  });
}

Tensor<const float> FeatureBatch::of(const TonnetzFeature& feature) {
  return once(option_text(Feature(feature)), dims_of(feature), [&](Tensor<float> out) {
    const bool is_cqt = feature.chroma == TonnetzChroma::cqt;
    tonnetz(context_, is_cqt ? chroma_cqt(chroma_cqt_of(feature)) : chroma(chroma_of(feature)),
            out);
  });
}

Tensor<const float> FeatureBatch::of(const ZeroCrossingRateFeature&) {
  return once("zero_crossing_rate", 1, [&](Tensor<float> out) {
    zero_crossing_rate(context_, signal_, samples_, signal_frames(), out);
  });
}

Tensor<const float> FeatureBatch::of(const RmsFeature&) {
  return once("rms", 1,
              [&](Tensor<float> out) { rms(context_, signal_, samples_, signal_frames(), out); });
}

Tensor<const float> FeatureBatch::shape(std::string_view name) {
  const std::string key(name);
  if (!matrices_.contains(key)) {
    const FeatureTables::Shape& shape = tables_.shape;
    SpectralShape wanted;
    const auto want = [&](std::string_view what) { return fresh(std::string(what), 1); };
    if (shape.centroid) wanted.centroid = want(SpectralCentroidFeature::name);
    if (shape.bandwidth) {
      wanted.bandwidth = want(SpectralBandwidthFeature::name);
      wanted.bandwidth_options = *shape.bandwidth;
    }
    if (shape.rolloff) {
      wanted.rolloff = want(SpectralRolloffFeature::name);
      wanted.rolloff_options = *shape.rolloff;
    }
    if (shape.flatness) {
      wanted.flatness = want(SpectralFlatnessFeature::name);
      wanted.flatness_options = *shape.flatness;
    }
    if (shape.flux) wanted.flux = want(SpectralFluxFeature::name);
    spectral_shape(context_, magnitudes(), frames_, tables_.sample_rate, wanted);
  }
  return std::as_const(matrices_.at(key)).view();
}

Tensor<const float> FeatureBatch::of(const SpectralCentroidFeature& feature) {
  return shape(feature.name);
}
Tensor<const float> FeatureBatch::of(const SpectralBandwidthFeature& feature) {
  return shape(feature.name);
}
Tensor<const float> FeatureBatch::of(const SpectralRolloffFeature& feature) {
  return shape(feature.name);
}
Tensor<const float> FeatureBatch::of(const SpectralFlatnessFeature& feature) {
  return shape(feature.name);
}
Tensor<const float> FeatureBatch::of(const SpectralFluxFeature& feature) {
  return shape(feature.name);
}

Tensor<const float> FeatureBatch::of(const PcenFeature& feature) {
  const MelOptions& mel = feature;
  const PcenOptions& options = feature;
  const Tensor<const float> bands =
      once("mel of magnitudes" + canonical_text(mel), mel.n_mels, [&](Tensor<float> out) {
        mel_power(context_, magnitudes(), tables_.pcen_mel.at(canonical_text(mel)), out);
      });
  return once(option_text(Feature(feature)), mel.n_mels, [&](Tensor<float> out) {
    pcen(context_, bands, frames_, tables_.sample_rate, tables_.stft.options().hop_length, options,
         out);
  });
}

Tensor<const float> FeatureBatch::of(const CqtFeature& feature) {
  const CqtOptions& options = feature;
  const std::string key = canonical_text(options);
  return once("cqt" + key, options.n_bins, [&](Tensor<float> out) {
    cqt(context_, tables_.cqt.at(key), signal_, samples_, out);
  });
}

void FeatureBatch::fold(Context& context, Tensor<const float> signal,
                        const ChromaCqtOptions& options, Tensor<float> out) {
  const CqtPlan& plan = tables_.cqt.at(canonical_text(transform_of(options)));
  Lent bins = context.lend({frames_.total(), plan.bins()});
  cqt(context, plan, signal, samples_, bins.view());
  fold_octaves(context, std::as_const(bins).view(), options, out);
}

Tensor<const float> FeatureBatch::folded(const ChromaCqtOptions& options) {
  return once("folded" + canonical_text(options), options.n_chroma,
              [&](Tensor<float> out) { fold(context_, signal_, options, out); });
}

Tensor<const float> FeatureBatch::chroma_cqt(const ChromaCqtOptions& options) {
  return once("chroma_cqt" + canonical_text(options), options.n_chroma,
              [&](Tensor<float> out) { divide_by_largest(context_, folded(options), out); });
}

Tensor<const float> FeatureBatch::of(const ChromaCqtFeature& feature) {
  return chroma_cqt(feature);
}

Tensor<const float> FeatureBatch::of(const ChromaCensFeature& feature) {
  return once_on_cpu(
      option_text(Feature(feature)), feature.n_chroma,
      [&](Context& context, Tensor<const float> signal, Tensor<float> out) {
        if (context_.device() == Device::cpu) {
          return chroma_cens(context, folded(feature), frames_, feature.smoothing, out);
        }
        // The transform, too: a GPU's other roundings would give other quarters now and then.
        Lent sums = context.lend(out.shape());
        fold(context, signal, feature, sums.view());
        chroma_cens(context, std::as_const(sums).view(), frames_, feature.smoothing, out);
      });
}

Tensor<const float> FeatureBatch::of(const YinFeature& feature) {
  return once_on_cpu("yin", 1,
                     [&](Context& context, Tensor<const float> signal, Tensor<float> out) {
                       yin(context, *tables_.yin, feature, signal, samples_, out);
                     });
}

Tensor<const float> FeatureBatch::of(const PyinFeature& feature) {
  return once_on_cpu("pyin", dims_of(feature),
                     [&](Context& context, Tensor<const float> signal, Tensor<float> out) {
                       pyin(context, *tables_.pyin, signal, samples_, out);
                     });
}

Tensor<const float> FeatureBatch::of(const KaldiFbankFeature& feature) {
  return once_on_cpu("kaldi_fbank", dims_of(feature),
                     [&](Context& context, Tensor<const float> signal, Tensor<float> out) {
                       kaldi_features(context, *tables_.kaldi_fbank, signal, samples_, out);
                     });
}

Tensor<const float> FeatureBatch::of(const KaldiMfccFeature& feature) {
  return once_on_cpu("kaldi_mfcc", dims_of(feature),
                     [&](Context& context, Tensor<const float> signal, Tensor<float> out) {
                       kaldi_features(context, *tables_.kaldi_mfcc, signal, samples_, out);
                     });
}

Tensor<const float> FeatureBatch::of(const Feature& base, const DeltaOptions& options) {
  const Tensor<const float> values = of(base);
  return once(option_text(base) + canonical_text(options), values.extent(1),
              [&](Tensor<float> out) { delta(context_, values, frames_, options, out); });
}

Tensor<const float> FeatureBatch::of(const Feature& base) {
  return std::visit(
      [&](const auto& feature) -> Tensor<const float> {
        if constexpr (requires { feature.of; }) {
          throw ConfigError("a derivative of a derivative");
        } else {
          return of(feature);
        }
      },
      base);
}

}  // namespace serenade
