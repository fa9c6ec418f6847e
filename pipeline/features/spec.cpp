#include "pipeline/features/spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/istft.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/tuning.h"
#include "kernels/dsp/zero_crossing.h"
#include "pipeline/config/yaml.h"
#include "pipeline/features/extractor.h"

namespace serenade {
namespace {

template <std::size_t... I>
std::vector<Feature> one_of_each(std::index_sequence<I...>) {
  return {Feature(std::in_place_index<I>)...};
}

std::vector<std::string> feature_names() {
  std::vector<std::string> names;
  for (const Feature& feature : all_features()) names.emplace_back(name_of(feature));
  return names;
}

/// The feature with these options, of each part that it can be computed of.
std::vector<Feature> of_every_part(const Feature& feature) {
  return std::visit(
      []<class Options>(const Options& options) -> std::vector<Feature> {
        if constexpr (requires { options.part; }) {
          const typename Options::Whole& whole = options;
          return {Options(whole), Options(whole, SoundPart::harmonic),
                  Options(whole, SoundPart::percussive)};
        } else {
          return {options};
        }
      },
      feature);
}

/// Revisions of the operations that a feature is made by.
using Revisions = std::map<std::string, int>;

void add_revisions(const MfccFeature&, Revisions& all) {
  all.insert({{"stft", stft_revision},
              {"mel", mel_revision},
              {"power_to_db", power_to_db_revision},
              {"dct", dct_revision}});
}
void add_revisions(const MelFeature& mel, Revisions& all) {
  all.insert({{"stft", stft_revision}, {"mel", mel_revision}});
  if (mel.db) all.insert({"power_to_db", power_to_db_revision});
}
void add_revisions(const ChromaFeature&, Revisions& all) {
  all.insert({{"stft", stft_revision}, {"tuning", tuning_revision}, {"chroma", chroma_revision}});
}
void add_revisions(const ContrastFeature&, Revisions& all) {
  all.insert({{"stft", stft_revision},
              {"power_to_db", power_to_db_revision},
              {"spectral_contrast", spectral_contrast_revision}});
}
void add_revisions(const CqtOptions& cqt, Revisions& all) {
  all.insert({{"cqt", cqt_revision}, {"resample", resample_revision}});
  if (!cqt.tuning) all.insert({{"stft", stft_revision}, {"tuning", tuning_revision}});
}
void add_revisions(const ChromaCqtOptions& chroma, Revisions& all) {
  add_revisions(transform_of(chroma), all);
  all.insert({"chroma_cqt", chroma_cqt_revision});
}
void add_revisions(const TonnetzFeature& tonnetz, Revisions& all) {
  if (tonnetz.chroma == TonnetzChroma::stft) {
    add_revisions(ChromaFeature{}, all);
  } else {
    add_revisions(chroma_cqt_of(tonnetz), all);
  }
  all.insert({"tonnetz", tonnetz_revision});
}
void add_revisions(const ZeroCrossingRateFeature&, Revisions& all) {
  all.insert({"zero_crossing_rate", zero_crossing_rate_revision});
}
void add_revisions(const RmsFeature&, Revisions& all) { all.insert({"rms", rms_revision}); }
void add_revisions(const PcenFeature&, Revisions& all) {
  all.insert({{"stft", stft_revision}, {"mel", mel_revision}, {"pcen", pcen_revision}});
}
void add_revisions(const YinFeature&, Revisions& all) { all.insert({"yin", yin_revision}); }
void add_revisions(const PyinFeature&, Revisions& all) {
  all.insert({{"yin", yin_revision}, {"pyin", pyin_revision}});
}
void add_revisions(const KaldiFrameOptions&, Revisions& all) {
  all.insert({{"kaldi", kaldi_revision}, {"mel", mel_revision}, {"dct", dct_revision}});
}
void add_shape_revisions(Revisions& all) {
  all.insert({{"stft", stft_revision}, {"spectral_shape", spectral_shape_revision}});
}
void add_revisions(const SpectralCentroidFeature&, Revisions& all) { add_shape_revisions(all); }
void add_revisions(const SpectralBandwidthFeature&, Revisions& all) { add_shape_revisions(all); }
void add_revisions(const SpectralRolloffFeature&, Revisions& all) { add_shape_revisions(all); }
void add_revisions(const SpectralFlatnessFeature&, Revisions& all) { add_shape_revisions(all); }
void add_revisions(const SpectralFluxFeature&, Revisions& all) { add_shape_revisions(all); }
void add_revisions(const DerivativeOptions&, Revisions& all) {
  all.insert({"delta", delta_revision});
}

}  // namespace

std::string_view name_of(const Feature& feature) {
  return std::visit([](const auto& options) { return options.name; }, feature);
}

SoundPart part_of(const Feature& feature) {
  return std::visit(
      [](const auto& options) {
        if constexpr (requires { options.part; }) return options.part;
        return SoundPart::whole;
      },
      feature);
}

std::string label_of(const Feature& feature) {
  const SoundPart part = part_of(feature);
  const std::string name(name_of(feature));
  return part == SoundPart::whole ? name : fmt::format("{}_{}", enum_name(part), name);
}

bool has_cuda_version(const Feature& feature) {
  return std::visit(
      []<class Options>(const Options&) {
        if constexpr (requires { Options::on_gpu; }) return Options::on_gpu;
        return true;
      },
      feature);
}

std::vector<Feature> all_features() {
  return one_of_each(std::make_index_sequence<std::variant_size_v<Feature>>());
}

void from_config(const ConfigNode& node, Feature& feature) {
  const ConfigNode::Named named = node.named();
  for (const Feature& candidate : all_features()) {
    if (name_of(candidate) != named.name) continue;
    feature = candidate;
    std::visit([&](auto& options) { read_options(named.options, options); }, feature);
    return;
  }
  const std::vector<std::string> names = feature_names();
  const std::string hint = did_you_mean(named.name, names);
  node.fail(
      fmt::format("'{}' is no feature{}", named.name,
                  hint.empty() ? fmt::format("; features: {}", fmt::join(names, ", ")) : hint));
}

void from_config(const ConfigNode& node, FeatureSpec& spec) {
  read_options(node, spec);
  try {
    check(spec);
  } catch (const FeatureError& error) {
    node.child("extract").items()[error.item()].fail(error.what());
  } catch (const ConfigError& error) {
    node.fail(error.what());
  }
}

std::string option_text(const Feature& feature) {
  return std::visit(
      [](const auto& options) {
        return fmt::format("{{{}: {}}}", options.name, canonical_text(options));
      },
      feature);
}

Feature base_of(const FeatureSpec& spec, const std::string& of) {
  const auto named = [&](const Feature& feature) { return label_of(feature) == of; };
  if (of == DeltaFeature::name || of == Delta2Feature::name) {
    throw ConfigError(fmt::format(
        "of: {} is a derivative; they are taken of other features, the second by delta2", of));
  }
  const auto listed = std::find_if(spec.extract.begin(), spec.extract.end(), named);
  if (listed != spec.extract.end()) return *listed;
  std::vector<std::string> labels;
  for (const Feature& known : all_features()) {
    for (const Feature& of_part : of_every_part(known)) {
      if (named(of_part)) return of_part;
      if (name_of(known) != DeltaFeature::name && name_of(known) != Delta2Feature::name) {
        labels.push_back(label_of(of_part));
      }
    }
  }
  for (const std::string& label : labels) {
    if (!of.starts_with(label + "_")) continue;
    throw ConfigError(
        fmt::format("of: '{}' is no feature; derivatives are of all columns of one: "
                    "of: {}",
                    of, label));
  }
  throw ConfigError(fmt::format("of: '{}' is no feature{}", of, did_you_mean(of, labels)));
}

void check(const FeatureSpec& spec) {
  if (spec.trim) check(*spec.trim);
  const FeatureExtractor extractor(spec);
}

namespace {

/// Names and values of an option struct.
struct FieldsVisitor {
  std::vector<std::pair<std::string, std::string>> fields;
  template <class T>
  void operator()(std::string_view name, const T& value, Range, std::string_view) {
    fields.emplace_back(name, option_text(value));
  }
};

/// Whether caches were keyed before there was this option: `part`, or what its struct calls so.
template <class Options>
bool is_later(std::string_view key) {
  if (key == "part") return true;
  if constexpr (requires { Options::later; }) {
    return std::find(Options::later.begin(), Options::later.end(), key) != Options::later.end();
  }
  return false;
}

/// As option_text(feature), without later options where they are not set: what caches were keyed
/// by before there were any stays their key.
std::string keyed_text(const Feature& feature) {
  return std::visit(
      []<class Options>(const Options& options) {
        FieldsVisitor set;
        FieldsVisitor standard;
        Options::fields(options, set);
        const Options defaults;
        Options::fields(defaults, standard);
        std::string text;
        for (std::size_t i = 0; i < set.fields.size(); ++i) {
          const auto& [key, value] = set.fields[i];
          if (is_later<Options>(key) && value == standard.fields[i].second) continue;
          text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, value);
        }
        return fmt::format("{{{}: {{{}}}}}", Options::name, text);
      },
      feature);
}

struct KeyVisitor : serenade::detail::TextVisitor {
  using TextVisitor::operator();
  void operator()(std::string_view name, const std::vector<Feature>& features, Range,
                  std::string_view) {
    std::vector<std::string> texts;
    texts.reserve(features.size());
    for (const Feature& feature : features) texts.push_back(keyed_text(feature));
    text += fmt::format("{}{}: [{}]", text.empty() ? "" : ", ", name, fmt::join(texts, ", "));
  }
};

/// The features that a list computes: its items, and what derivatives are taken of.
std::vector<Feature> computed_features(const FeatureSpec& spec) {
  std::vector<Feature> all = spec.extract;
  for (const Feature& feature : spec.extract) {
    std::visit(
        [&](const auto& options) {
          if constexpr (requires { options.of; }) {
            all.push_back(base_of(spec, options.of));
          }
        },
        feature);
  }
  return all;
}

bool uses_parts(const FeatureSpec& spec) {
  const auto all = computed_features(spec);
  return std::any_of(all.begin(), all.end(),
                     [](const Feature& feature) { return part_of(feature) != SoundPart::whole; });
}

/// The canonical text, without what was added after the first version where it is not set: keys of
/// caches that know nothing of it stay as they are.
std::string keyed_options(const FeatureSpec& spec) {
  KeyVisitor visitor;
  FeatureSpec::first_fields(spec, visitor);
  if (spec.pad_mode != PadMode::constant) visitor("pad_mode", spec.pad_mode, Range{}, "");
  if (uses_parts(spec)) visitor("hpss", spec.hpss, Range{}, "");
  if (spec.trim) visitor("trim", *spec.trim, Range{}, "");
  if (spec.normalise != Normalise::none) visitor("normalise", spec.normalise, Range{}, "");
  return "{" + visitor.text + "}";
}

}  // namespace

std::string cache_text(const FeatureSpec& spec) {
  Revisions revisions;
  std::set<std::string> bases;
  const auto add = [&](const auto& options) { add_revisions(options, revisions); };
  for (const Feature& feature : spec.extract) {
    std::visit(add, feature);
    std::visit(
        [&](const auto& options) {
          if constexpr (requires { options.of; }) {
            const Feature base = base_of(spec, options.of);
            std::visit(add, base);
            bases.insert(keyed_text(base));
          }
        },
        feature);
  }
  if (uses_parts(spec)) {
    revisions.insert({{"stft", stft_revision}, {"hpss", hpss_revision}, {"istft", istft_revision}});
  }
  if (!spec.statistics.empty()) revisions.insert({"statistics", statistics_revision});
  if (spec.trim) revisions.insert({{"trim", trim_revision}, {"rms", rms_revision}});
  if (spec.normalise != Normalise::none) revisions.insert({"normalise", normalise_revision});
  std::vector<std::string> parts;
  for (const auto& [operation, revision] : revisions) {
    parts.push_back(fmt::format("{}: {}", operation, revision));
  }
  return fmt::format("{}\nderivatives of: [{}]\nrevisions: {{{}}}\n", keyed_options(spec),
                     fmt::join(bases, ", "), fmt::join(parts, ", "));
}

}  // namespace serenade
